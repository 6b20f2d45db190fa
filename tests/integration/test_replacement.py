"""One terminal becomes what another was, on real processes, with simulated terminals that are compared."""

from __future__ import annotations

import os
import signal
from typing import Any

from tests.cli.called import Outcome, call
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import RealStore, wait_until
from tfserver.simulator.dialects import DOCUMENTED

A, B = "ZXOLD00000001", "ZXNEW00000001"
SETTINGS = "catchup: {enabled: false}\n"
LOCK = {"weekzone": 2, "starttime": "2026-01-01 00:00:00", "endtime": "2030-12-31 23:59:00"}
HOLIDAY = {"name": "Harvest", "startday": "09-20", "endday": "09-21", "shift": 0, "dayzone": 0}
PEOPLE = 12
OVER_SECONDS = 120.0
"""An old terminal leaves two commands unanswered, each for half a minute."""


class ReplacementScene(Scene):
    """A terminal with people, settings, zones and a place, and another one with nobody on it."""

    redis: RealStore
    here: PlacedServer

    def process(self, name: str = "here") -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("s.yaml", SETTINGS), *OPEN, "--instance", name, store=self.redis)

    def terminal(self, sn: str, people: int, dialect: str = "documented", *options: str) -> RealSimulator:
        """A simulated terminal that is online."""
        usual = ("--sn-prefix", sn.rstrip("0123456789"), "--users", str(people), "--rate", "0")
        simulator = RealSimulator(self.here.url, *usual, "--dialect", dialect, *options).write_obeyed()
        simulator.write_holds()
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: self.is_online(sn), f"{sn} is online")
        return simulator

    def is_online(self, sn: str) -> bool:
        """Whether the server sees it."""
        status, body = self.here.get(f"/terminals/{sn}")
        return status == 200 and bool(body["online"])

    def begin_scene(self, dialect: str = "documented") -> tuple[RealSimulator, RealSimulator]:
        """A is somebody: everything about it is set."""
        self.redis = self.store()
        self.here = self.process()
        old = self.terminal(A, PEOPLE)
        new = self.terminal(B, 0, dialect)
        self.do(A, "setdevinfo", volume=3, deviceid=9)
        self.do(A, "setdevlock", opendelay=9)
        self.do(A, "setholiday", holidays=[HOLIDAY])
        self.do(A, "setuserlock", record=[{"enrollid": 3, **LOCK}])
        place = {"name": "Gate", "site": "Lisbon", "timezone": "Europe/Lisbon", "tags": ["east"]}
        self.assertEqual(self.here.patch(f"/terminals/{A}", place)[0], 200)
        self.assertEqual(self.here.put("/groups/staff", {"terminals": [A]})[0], 200)
        return old, new

    def do(self, sn: str, cmd: str, **fields: Any) -> dict[str, Any]:
        """A command that succeeds; what was replied."""
        status, body = self.order(self.here, sn, cmd, **fields)
        self.assertEqual((status, body["state"]), (200, "done"), body)
        return dict(body["reply"] or {})

    def replaced(self, **more: Any) -> dict[str, Any]:
        """B takes the place of A; the report at the end."""
        status, body = self.here.post(f"/terminals/{B}/replace", {"of": A, "confirm": B, **more})
        self.assertEqual(status, 202, body)
        return self.over(body["id"])

    def over(self, restoration_id: str) -> dict[str, Any]:
        """A restoration that has ended."""
        path = f"/terminals/{B}/restorations/{restoration_id}"
        wait_until(lambda: self.here.get(path)[1]["state"] != "open", "the restoration is over", OVER_SECONDS)
        found: dict[str, Any] = self.here.get(path)[1]
        return found

    def snapshot(self) -> dict[str, Any]:
        """A snapshot of A that is whole."""
        status, body = self.here.post(f"/terminals/{A}/snapshots", {})
        self.assertEqual(status, 202, body)
        path = f"/snapshots/{body['id']}"
        wait_until(lambda: self.here.get(path)[1]["state"] != "open", "the snapshot is over")
        found: dict[str, Any] = self.here.get(path)[1]
        return found

    def has(self, simulator: RealSimulator, sn: str) -> dict[str, Any]:
        """Whom a terminal keeps; without a lock it is the one that everybody has there."""
        usual = dict(DOCUMENTED.lock_default)
        return {one: {**who, "lock": who["lock"] or usual} for one, who in simulator.holds()[sn].items()}

    def assert_takes_place(self) -> None:
        """B stands where A stood."""
        now = self.here.get(f"/terminals/{B}")[1]
        self.assertEqual((now["name"], now["site"], now["tags"]), ("Gate", "Lisbon", ["east"]))
        self.assertEqual(now["timezone"], "Europe/Lisbon")
        self.assertEqual(self.here.get("/groups/staff")[1]["terminals"], [B])


class ReplacementTests(ReplacementScene):
    """What B is then."""

    def test_online(self) -> None:
        """It has whom the other has, with the same credentials and rights, its settings, zones, holidays and
        place, and stays itself."""
        old, new = self.begin_scene()
        report = self.replaced(deny=True)
        self.assertEqual((report["state"], report["refusals"]), ("done", []), report)
        # also the other is asked: it is denied, but its memory is what it was
        self.assertEqual(self.has(new, B), self.has(old, A))
        self.assertEqual(len(new.holds()[B]), PEOPLE)
        settings = self.do(B, "getdevinfo")
        self.assertEqual((settings["volume"], settings["deviceid"]), (3, 1))
        self.assertEqual(self.do(B, "getdevlock")["opendelay"], 9)
        self.assertEqual(self.do(B, "getholiday")["holidays"], [HOLIDAY])
        self.assert_takes_place()
        self.assertEqual(self.here.get(f"/terminals/{A}")[1]["admission"], "denied")

    def test_dead(self) -> None:
        """Of one that is gone for good it gets what its last snapshot has."""
        old, new = self.begin_scene()
        people = self.has(old, A)
        self.assertEqual(self.snapshot()["people"], PEOPLE)
        old.remove()
        wait_until(lambda: not self.is_online(A), "the old one is gone")
        report = self.replaced()
        self.assertEqual((report["state"], report["refusals"]), ("done", []), report)
        self.assertEqual(self.has(new, B), people)
        self.assertEqual(self.do(B, "getdevinfo")["volume"], 3)
        self.assert_takes_place()

    def test_other_kind(self) -> None:
        """One with another algorithm gets the cards, and each finger is told that it can't have."""
        old, new = self.begin_scene("oldest")
        report = self.replaced()
        self.assertEqual(report["state"], "done", report)
        fingers = sum("0" in one["credentials"] for one in old.holds()[A].values())
        told = [one for one in report["refusals"] if one["backupnum"] == 0]
        self.assertEqual(len(told), fingers)
        self.assertTrue(all("thbio1.0" in one["why"] for one in told))
        there = {name: one["credentials"] for name, one in new.holds()[B].items()}
        cards = {name: {"11": one["credentials"]["11"]} for name, one in old.holds()[A].items()
                 if "11" in one["credentials"]}  # fmt: skip
        self.assertEqual(there, cards)
        self.assertIn("holidays", {step["name"]: step["state"] for step in report["steps"]})

    def test_killed(self) -> None:
        """The process that does it is killed in the middle; another one ends it, and nobody is put twice."""
        old, new = self.begin_scene()
        people = self.has(old, A)
        status, body = self.here.post(f"/terminals/{B}/replace", {"of": A, "confirm": B})
        self.assertEqual(status, 202, body)
        wait_until(lambda: len(new.obeyed("setuserinfo")) >= 3, "some are there")
        self.here.signal(signal.SIGKILL)
        self.here.wait()
        # its leases are not waited for: the errand is due at once
        self.redis.ask("DEL tf:errand-holders:restore")
        errand = f"ZADD tf:errands:restore 0 {body['id']}"
        self.redis.ask(errand)
        self.here.start()
        report = self.over(body["id"])
        self.assertEqual((report["state"], report["refusals"]), ("done", []), report)
        self.assertEqual(self.has(new, B), people)

    def test_file(self) -> None:
        """A snapshot goes out as a file, comes back, and is given to a terminal; only a token with templates
        gets it."""
        old, new = self.begin_scene()
        found = self.snapshot()
        path, words = f"{self.here.folder}/gate.snapshot", self.file("words", "correct horse battery\n")
        done = self.called("snapshots", "download", found["id"], path, "--passphrase-file", words)
        self.assertEqual((done.status, os.path.exists(path)), (1, False), done.err)
        body = {"name": "copies", "role": "admin", "templates": True}
        status, made = self.here.post("/tokens", body)
        self.assertEqual(status, 201, made)
        for option in (("--passphrase-file", words), ()):
            done = self.called("snapshots", "download", found["id"], path, *option, token=made["token"])
            self.assertEqual(done.status, 0, done.err)
            done = self.called("snapshots", "upload", path, *option, "--json", token=made["token"])
            self.assertEqual((done.status, done.json["people"]), (0, PEOPLE), done.err)
        copy = done.json["id"]
        self.assertEqual(self.called("snapshots", "remove", found["id"]).status, 0)
        done = self.called("snapshots", "restore", B, copy, "--confirm", B)
        self.assertEqual(done.status, 0, done.out + done.err)
        self.assertEqual(self.has(new, B), self.has(old, A))

    def called(self, *words: str, token: str = "") -> Outcome:
        """The command line, asking this server."""
        url = f"http://127.0.0.1:{self.here.http}"
        return call(*words, TFSERVER_URL=url, TFSERVER_TOKEN=token or self.here.token)
