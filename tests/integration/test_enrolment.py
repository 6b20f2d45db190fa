"""Enrolments and photos on real processes: from one call to the directory, also over a kill -9."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from tests.commands.pictures import base64_of
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until

SETTINGS = "terminals: {timezone: UTC}\nprofiles:\n  v3: {allow: [checkregstatus, canceladduser]}\n"
SN = "SIMT00000001"
ENDS = ("done", "refused", "failed", "cancelled")
FINGER: dict[str, Any] = {"sn": SN, "enrollid": 9, "backupnum": 0, "name": "Lea", "seconds": 60}


def photo(width: int = 480, height: int = 640, **options: Any) -> bytes:
    """Something to see."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, "JPEG", **options)
    return file.getvalue()


class EnrolmentScene(Scene):
    """Servers over one store, and one simulated terminal."""

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("s.yaml", SETTINGS), *OPEN, "--instance", name, store=self.redis)

    def begin_scene(self, *options: str) -> RealSimulator:
        """One process, and a terminal of the v3 kind with nobody on it."""
        self.redis = self.store()
        self.here = self.process("here")
        return self.terminal(self.here, *options)

    def terminal(self, server: PlacedServer, *options: str) -> RealSimulator:
        """A terminal at a process, with the profile of its kind."""
        usual = ("--users", "0", "--rate", "0", "--dialect", "v3")
        simulator = RealSimulator(server.url, *usual, *options).write_obeyed().write_holds()
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: self.is_online(server), "the terminal is online")
        self.assertEqual(server.patch(f"/terminals/{SN}", {"model_profile": "v3"})[0], 200)
        return simulator

    def is_online(self, server: PlacedServer) -> bool:
        """Whether a process sees the terminal."""
        status, body = server.get(f"/terminals/{SN}")
        return status == 200 and bool(body["online"])

    def begun(self, **changes: Any) -> str:
        """The id of an enrolment that was begun."""
        status, body = self.here.post("/enrolments", {**FINGER, **changes})
        self.assertEqual(status, 202, body)
        return str(body["id"])

    def seen(self, enrolment_id: str, server: PlacedServer | None = None) -> dict[str, Any]:
        """An enrolment as it is now."""
        status, body = (server or self.here).get(f"/enrolments/{enrolment_id}")
        self.assertEqual(status, 200, body)
        found: dict[str, Any] = body
        return found

    def outcome(self, enrolment_id: str, server: PlacedServer | None = None) -> dict[str, Any]:
        """An enrolment when it has ended."""
        wait_until(lambda: self.seen(enrolment_id, server)["state"] in ENDS, "the enrolment ends")
        return self.seen(enrolment_id, server)

    def assert_in_directory(self, server: PlacedServer, *slots: int) -> None:
        """The directory has these credentials of the person, and where they were made."""
        status, body = server.get("/users/9")
        self.assertEqual(status, 200, body)
        self.assertEqual(body["name"], "Lea")
        self.assertEqual([one["backupnum"] for one in body["credentials"]], list(slots))
        self.assertEqual({one["made"]["sn"] for one in body["credentials"]}, {SN})


class EnrolmentTests(EnrolmentScene):
    """One call, and what comes of it."""

    def test_done(self) -> None:
        """A person enrols finger by finger; each is in the directory and on the terminal, and was told of."""
        simulator = self.begin_scene()
        first = self.begun()
        self.assertEqual(self.here.post("/enrolments", {**FINGER, "backupnum": 1})[0], 409)
        found = self.outcome(first)
        self.assertEqual((found["state"], found["scans"]), ("done", 3), found)
        self.assert_in_directory(self.here, 0)
        second = self.outcome(self.begun(backupnum=1, name=None))
        self.assertEqual(second["state"], "done", second)
        self.assert_in_directory(self.here, 0, 1)
        person = simulator.holds()[SN]["9"]
        self.assertEqual((person["name"], list(person["credentials"])), ("Lea", ["0", "1"]))
        self.assertEqual(len(simulator.obeyed("adduser")), 2)
        status, body = self.here.get(f"/enrolments?sn={SN}")
        self.assertEqual([one["id"] for one in body["enrolments"]], [second["id"], first], status)

    def test_stopped(self) -> None:
        """The terminal lets the person go, and the next one may come."""
        simulator = self.begin_scene("--mood", "scans=never*1")
        going = self.begun()
        wait_until(lambda: self.seen(going)["state"] == "waiting", "the terminal waits")
        self.assertEqual(self.here.delete(f"/enrolments/{going}")[0], 200)
        self.assertEqual(self.outcome(going)["state"], "cancelled")
        self.assertEqual(self.here.delete(f"/enrolments/{going}")[0], 409)
        self.assertEqual(simulator.holds()[SN], {})
        self.assertEqual(self.outcome(self.begun())["state"], "done")

    def test_refused(self) -> None:
        """What the terminal says against it is told in its words; a full one is not even asked."""
        simulator = self.begin_scene("--mood", "false=1*1:adduser", "--capacity", "fp=1")
        found = self.outcome(self.begun())
        self.assertEqual((found["state"], found["told"]), ("refused", "the terminal refused: device busy"))
        self.assertEqual(self.outcome(self.begun())["state"], "done")
        status, body = self.here.post("/enrolments", {**FINGER, "backupnum": 1})
        self.assertEqual((status, "takes 1 fingerprint, has 1" in body["detail"]), (409, True), body)
        self.assertEqual(len(simulator.obeyed("adduser")), 1)

    def test_killed(self) -> None:
        """Another process ends what one began that was killed; the terminal enrols once."""
        simulator = self.begin_scene("--mood", "scans=8")
        other = self.process("other")
        going = self.begun()
        wait_until(lambda: self.seen(going)["state"] == "scanning", "the person is scanning")
        port = self.here.port
        self.here.kill()
        # whoever had the terminal is gone; it finds the same address again
        self.assertEqual(self.here.port, port)
        self.here.start()
        self.assertEqual(self.outcome(going, other)["state"], "done")
        self.assert_in_directory(other, 0)
        self.assertEqual(len(simulator.obeyed("adduser")), 1)


class PhotoTests(EnrolmentScene):
    """Photos, from a check to a terminal."""

    def test_photo(self) -> None:
        """One that does not fit is refused in words, mended when asked, and taken by a terminal."""
        simulator = self.begin_scene("--mood", "refuses-photo=6*1")
        self.assertEqual(self.here.put("/users/9", {"name": "Lea"})[0], 200)
        exif = Image.Exif()
        exif[0x0112] = 6
        large = photo(1600, 1200, exif=exif)
        jpeg = {"content_type": "image/jpeg"}
        status, body = self.here.ask("POST", "/photos/check?mend=true", large, **jpeg)
        self.assertEqual((status, body["fits"], body["mended"]["fits"]), (200, False, True), body)
        self.assertEqual([one["what"] for one in body["problems"]], ["pixels", "turned"])
        self.assertEqual(self.here.ask("PUT", "/users/9/photo", large, **jpeg)[0], 422)
        status, body = self.here.ask("PUT", "/users/9/photo?mend=true", large, **jpeg)
        self.assertEqual((status, body["backupnum"]), (200, 50), body)
        fields: dict[str, Any] = {"enrollid": 9, "name": "Lea", "backupnum": 50, "admin": 0}
        fields["record"] = base64_of(photo())
        status, order = self.order(self.here, SN, "setuserinfo", **fields)
        self.assertEqual(order["error"]["message"], "the terminal refused: there is more than one face in it")
        self.assertEqual(self.order(self.here, SN, "setuserinfo", **fields)[1]["state"], "done")
        self.assertEqual(list(simulator.holds()[SN]["9"]["credentials"]), ["50"])
