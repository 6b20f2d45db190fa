"""Erasing people on real processes: terminals that are away for long, lie, leave a part, or vanish."""

from __future__ import annotations

import hashlib
import http.client
import json
from typing import Any

from tests.real.client import QUIET, RealClient
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator
from tests.real.store import wait_until

SETTINGS = "terminals: {timezone: UTC}\ncatchup: {enabled: false}\n"
LONG = 60.0
N = 2
PUSHED = {"enrollid": N, "name": "Ines M", "backupnum": 11, "admin": 0, "record": 3120457781}
HABITS = {word: reply for word, reply in QUIET.items() if word != "getuserlist"}


class ErasureScene(Scene):
    """Processes on one store, and terminals with people on them."""

    timeout = 180

    def setUp(self) -> None:
        self.redis = self.store()
        self.here = self.process("here")

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("s.yaml", SETTINGS), *OPEN, "--instance", name, store=self.redis)

    def terminals(self, prefix: str, dialect: str = "documented", *more: str) -> RealSimulator:
        """A terminal with three people that it pushed, or told when asked."""
        usual = ("--dialect", dialect, "--users", "3", "--rate", "0", "--sn-prefix", prefix)
        simulator = RealSimulator(self.here.url, *usual, *more).write_obeyed().write_holds()
        self.addCleanup(simulator.remove)
        simulator.start()
        wait_until(lambda: self.sn(prefix) != "", "it is online")
        sn = self.sn(prefix)
        self.assertEqual(self.order(self.here, sn, "getuserlist")[0], 200)
        for slot in (0, 11, 50):
            self.order(self.here, sn, "getuserinfo", enrollid=N, backupnum=slot)
        return simulator

    def pushing(self, sn: str) -> RealClient:
        """A terminal that pushed the person; what it is ordered to do there the test has to answer."""
        client = self.client(self.here)
        client.habits.update(HABITS)
        self.assertTrue(client.register(sn)["result"])
        self.assertTrue(client.ask(cmd="senduser", **PUSHED)["result"])
        self.assertEqual(self.here.get(f"/users/{N}")[0], 200)
        return client

    def sn(self, prefix: str) -> str:
        """The serial number of the terminal that is online and begins so."""
        status, body = self.here.get("/terminals?state=online&limit=100")
        found = [one["sn"] for one in body["terminals"]] if status == 200 else []
        return next((one for one in found if one.startswith(prefix)), "")

    def away(self, simulator: RealSimulator, sn: str) -> None:
        """The terminal goes away."""
        simulator.leave_or_return()
        wait_until(lambda: not self.here.get(f"/terminals/{sn}")[1]["online"], "it is offline")

    def erase(self, enrollid: int = N) -> str:
        """An erasure is ordered."""
        body = {"enrollid": enrollid, "reason": "asked by the person", "confirm": str(enrollid)}
        answer = self.here.exchange("POST", "/erasures", _json(body))
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.headers["location"], f"/api/v1/erasures/{answer.body['id']}")
        return str(answer.body["id"])

    def report(self, erasure: str) -> dict[str, Any]:
        """The report as it is."""
        status, found = self.here.get(f"/erasures/{erasure}")
        return found if status == 200 else {"state": "", "places": []}

    def at(self, erasure: str, sn: str) -> dict[str, Any]:
        """The place of a terminal in it."""
        return next((one for one in self.report(erasure)["places"] if one["sn"] == sn), {"state": None})

    def until(self, erasure: str, sn: str, state: str) -> dict[str, Any]:
        """A terminal's place, once it stands so."""
        wait_until(lambda: self.at(erasure, sn)["state"] == state, f"{sn} is {state}", LONG)
        return self.at(erasure, sn)

    def look_now(self, *kinds: str) -> None:
        """Let errands be done now, whoever held them before."""
        for kind in kinds:
            for name in _words(self.redis.ask(f"ZRANGE tf:errands:{kind} 0 -1")):
                self.redis.ask(f"ZADD tf:errands:{kind} XX 1 {name}")

    def assert_done(self, erasure: str, *, proven: bool = True) -> dict[str, Any]:
        """It is over; the digest is right and stands in the audit."""
        wait_until(lambda: self.report(erasure)["state"] == "done", "it is over", LONG)
        raw = self.raw(f"/api/v1/erasures/{erasure}")
        report = self.report(erasure)
        body = raw.replace(f',"sha256":"{report["sha256"]}"'.encode(), b"")
        self.assertEqual(hashlib.sha256(body).hexdigest(), report["sha256"])
        audit = [row for row in self.here.get("/audit")[1]["audit"] if row["what"] == "erase"]
        self.assertIn(report["sha256"], [row["detail"].get("sha256") for row in audit])
        self.assertEqual(report["proven"], proven)
        return report

    def raw(self, path: str) -> bytes:
        """An answer byte by byte."""
        connection = http.client.HTTPConnection("127.0.0.1", self.here.http)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.here.token}"})
        found = connection.getresponse().read()
        connection.close()
        return found

    def people(self, simulator: RealSimulator) -> set[int]:
        """Who is on its only terminal."""
        [found] = simulator.holds().values()
        return {int(number) for number in found}


class AwayTests(ErasureScene):
    """A terminal that is offline during the order."""

    def test_away_over_a_restart_and_a_kill(self) -> None:
        """It is offline during the order, over a restart and a kill -9 of the server; then it is done.
        Nothing was ordered meanwhile, and the person is gone from here at once."""
        stays, goes = self.terminals("STAY"), self.terminals("GOES")
        there, gone = self.sn("STAY"), self.sn("GOES")
        self.away(goes, gone)
        self.assertEqual(self.here.get(f"/users/{N}")[0], 200)
        erasure = self.erase()
        self.assertEqual(self.here.get(f"/users/{N}")[0], 404)
        self.until(erasure, there, "done")
        self.assertIn("offline", self.until(erasure, gone, "waiting")["told"])
        self.assertEqual(self.people(stays), {1, 3})
        self.here.stop()
        self.here.start()
        self.until(erasure, gone, "waiting")
        self.here.kill()
        self.here.start()
        self.look_now("erasing", "erasure")
        orders = self.here.get(f"/terminals/{gone}/commands?limit=100")[1]["commands"]
        self.assertNotIn("deleteuser", [order["cmd"] for order in orders])
        self.assertEqual(self.here.put(f"/users/{N}", {"name": "Another"})[0], 409)
        goes.leave_or_return()
        place = self.until(erasure, gone, "done")
        self.assertIn("not on the list read at", place["proof"])
        self.assertEqual(self.people(goes), {1, 3})
        report = self.assert_done(erasure)
        self.assertNotIn("Person", str(report))
        self.assertEqual(self.here.put(f"/users/{N}", {"name": "Another"})[0], 200)

    def test_killed_in_the_middle(self) -> None:
        """The process dies while the terminal deletes; another one sees it through with the same orders."""
        client = self.pushing("MOVE")
        erasure = self.erase()
        client.commanded("deleteuser", LONG)
        self.here.kill()
        self.here = self.process("other")
        moved = self.client(self.here)
        moved.habits.update(HABITS)
        self.assertTrue(moved.register("MOVE")["result"])
        self.look_now("erasing", "erasure")
        moved.commanded("deleteuser", LONG)
        moved.reply("deleteuser")
        moved.commanded("getuserlist", LONG)
        moved.reply("getuserlist", **QUIET["getuserlist"])
        self.assert_done(erasure)
        orders = self.here.get("/terminals/MOVE/commands?limit=100")[1]["commands"]
        self.assertEqual([one["attempts"] for one in orders if one["cmd"] == "deleteuser"], [2])

    def test_deleted_meanwhile(self) -> None:
        """A terminal that is deleted from the server meanwhile ends the erasure, but proves nothing."""
        goes = self.terminals("GOES")
        sn = self.sn("GOES")
        self.away(goes, sn)
        erasure = self.erase()
        self.until(erasure, sn, "waiting")
        self.assertEqual(self.here.delete(f"/terminals/{sn}")[0], 204)
        self.look_now("erasure")
        report = self.assert_done(erasure, proven=False)
        self.assertEqual([one["state"] for one in report["places"] if one["sn"]], ["unproven"])

    def test_store_from_before(self) -> None:
        """A store that comes back from before the erasure is cleared again, by what the archive remembers."""
        there = self.terminals("STAY")
        sn = self.sn("STAY")
        erasure = self.erase()
        self.until(erasure, sn, "done")
        self.assert_done(erasure)
        self.here.stop()
        self.redis.ask("FLUSHALL")
        self.redis.ask(f"HSET tf:user:{N} person {{}} name Ines folded ines version 1 key k")
        self.here.token = ""
        self.here.start()
        wait_until(lambda: self.report(erasure)["state"] != "", "it is ordered again", LONG)
        self.assertEqual(self.redis.ask(f"EXISTS tf:user:{N}").strip(), ":0")
        self.assert_done(erasure)
        self.assertEqual(self.people(there), {1, 3})


class OddTests(ErasureScene):
    """Terminals that do not do what they say."""

    def test_liar(self) -> None:
        """One that says true and deletes nothing is told as refusing, whatever it is ordered."""
        liar = self.terminals("LIES", "documented", "--mood", "keeps-nothing:deleteuser")
        sn = self.sn("LIES")
        erasure = self.erase()
        told = self.until(erasure, sn, "refused")["told"]
        self.assertIn("still on the list", told)
        self.assertEqual(self.people(liar), {1, 2, 3})
        self.assertEqual(self.report(erasure)["state"], "open")
        metrics = self.here.get("/metrics")[1]
        self.assertIn("tfserver_erasures_open", metrics)
        news = self.redis.ask("XRANGE tf:news - +")
        self.assertIn('"event":"erasure"', news.replace('\\"', '"'))

    def test_photo_that_stays(self) -> None:
        """An AiFace where 13 leaves the photo: 12 and 50 follow, and its list proves it."""
        face = self.terminals("FACE", "aiface", "--mood", "leaves=photo:deleteuser")
        sn = self.sn("FACE")
        erasure = self.erase()
        place = self.until(erasure, sn, "done")
        self.assertIn("deleted: 13, 12", place["told"])
        self.assertEqual(self.people(face), {1, 3})
        self.assert_done(erasure)

    def test_pushes_again(self) -> None:
        """One that pushes the person again before it was reached is heard out; nothing is kept, and then it
        is deleted there."""
        self.pushing("PUSH").shut()
        wait_until(lambda: not self.here.get("/terminals/PUSH")[1]["online"], "it is offline")
        erasure = self.erase()
        self.until(erasure, "PUSH", "waiting")
        again = self.client(self.here)
        again.habits.update(HABITS)
        self.assertTrue(again.register("PUSH")["result"])
        self.assertTrue(again.ask(cmd="senduser", **PUSHED)["result"])
        self.assertEqual(self.redis.ask(f"EXISTS tf:user:{N}").strip(), ":0")
        self.assertEqual(again.obey("deleteuser")["backupnum"], 13)
        again.obey("getuserlist", **QUIET["getuserlist"])
        self.assert_done(erasure)
        self.assertNotIn("Ines", self.redis.ask("HGETALL tf:holds:PUSH"))
        self.assertTrue(again.ask(cmd="senduser", **PUSHED)["result"])
        self.assertEqual(self.here.get(f"/users/{N}")[0], 404)

    def test_order_that_waits(self) -> None:
        """An order that waits to bring a credential of the person brings nothing any more."""
        goes = self.terminals("GOES")
        sn = self.sn("GOES")
        self.away(goes, sn)
        asked = {"enrollid": N, "name": "Ines M", "backupnum": 10, "admin": 0, "record": 4711}
        made = self.order(self.here, sn, "setuserinfo", wait=0, **asked)[1]
        erasure = self.erase()
        ended = self.ended(self.here, made["id"])
        self.assertEqual(ended["state"], "cancelled")
        self.assertEqual(self.order(self.here, sn, "setuserinfo", wait=0, **asked)[0], 409)
        wait_until(lambda: "Ines" not in str(self.here.get(f"/commands/{made['id']}")), "its name is gone")
        goes.leave_or_return()
        self.until(erasure, sn, "done")
        self.assertEqual(self.people(goes), {1, 3})


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _words(answer: str) -> list[str]:
    return [line for line in answer.split() if line and line[0] not in "*$"]
