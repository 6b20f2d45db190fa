"""What terminals did not push is fetched, on real processes: after a reg, and through kills."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator, key_of
from tests.real.store import RealStore, wait_until

SOON = "terminals: {timezone: UTC}\ncatchup: {after_seconds: 0.2}\n"
CLASSIC = "tfs30|th600w v6.4"


def ago(**time: float) -> str:
    """What a clock in UTC showed then."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%d %H:%M:%S")


class CatchUpScene(Scene):
    """A process that asks terminals as soon as they came."""

    def setUp(self) -> None:
        self.redis: RealStore = self.store()
        self.here = self.process("one")

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("soon.yaml", SOON), *OPEN, "--instance", name, store=self.redis)

    def mark(self, sn: str, field: str) -> str:
        """What the store has noted of a terminal; empty when nothing."""
        lines = self.redis.ask(f"HGET tf:terminal:{sn} {field}").split("\r\n")
        return "" if lines[0] == "$-1" else lines[1]

    def device(self, server: PlacedServer, sn: str, *without: str) -> RealClient:
        """A terminal whose clock is right; commands ``without`` a habit are for the test to answer."""
        client = self.client(server)
        client.habits.update({word: habit for word, habit in QUIET.items() if word not in without})
        if "gettime" not in without:
            client.habits["gettime"] = {"result": None, "time": ago()}
        self.assertTrue(client.register(sn, time=ago())["result"])
        return client

    def counted(self, what: str, server: PlacedServer | None = None) -> float:
        """What the metrics of a process say of catch-up."""
        lines = (server or self.here).get("/metrics")[1].splitlines()
        name = f'tfserver_catchup_total{{what="{what}"}} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


class HoardingTests(CatchUpScene):
    """Terminals that keep their punches until somebody asks."""

    def hoarding(self, *options: str) -> RealSimulator:
        """Terminals of three dialects with a backlog that they never push."""
        usual = ("--terminals", "6", "--backlog", "240", "--rate", "0", "--dialect", "mixed")
        return self.obeying(self.here, *usual, *options)

    def assert_all_here(self, count: int) -> None:
        """So many punches come to be here, none of them twice."""
        wait_until(lambda: len(self.here.punches()) >= count, f"{count} punches are fetched")
        found = Counter(key_of(row) for row in self.here.punches())
        self.assertEqual((len(found), set(found.values())), (count, {1}))

    def test_fetched(self) -> None:
        """What was never pushed is fetched after the reg, from all dialects, and counted."""
        simulator = self.hoarding("--mood", "hoards")
        self.assert_all_here(6 * 240)
        wait_until(lambda: self.counted("caught_up") == 6, "all are proven")
        self.assertEqual(self.counted("fetched"), 6 * 240)
        marks = [bool(self.mark("SIMT00000001", field)) for field in ("dirty", "proven", "proven_day")]
        self.assertEqual(marks, [False, True, True])
        simulator.interrupt()

    def test_killed_in_the_middle(self) -> None:
        """kill -9 while pages come that each come only once: afterwards nothing is missing."""
        simulator = self.hoarding("--mood", "hoards,late=0.1:getnewlog")
        wait_until(lambda: len(self.here.punches()) > 200, "pages come")
        self.here.kill()
        self.here.start()
        self.assert_all_here(6 * 240)
        simulator.interrupt()

    def test_kind_without_getnewlog(self) -> None:
        """Of a kind that never answers getnewlog the days in doubt are read, and it is not asked."""
        self.redis.ask(f'HSET tf:models "{CLASSIC}|getnewlog" 3')
        simulator = self.hoarding("--dialect", "classic", "--mood", "hoards,silent:getnewlog")
        self.assert_all_here(6 * 240)
        wait_until(lambda: self.counted("caught_up") == 6, "all are proven")
        self.assertEqual(simulator.obeyed("getnewlog"), [])
        simulator.interrupt()

    def test_dialects_are_learnt(self) -> None:
        """How each kind speaks is looked at once, whatever it is called."""
        simulator = self.hoarding("--mood", "hoards")
        wait_until(lambda: self.counted("probed") == 3, "three kinds were looked at")
        simulator.interrupt()
        shown = {}
        for kind in (CLASSIC, "th900|th900 v7.2", "AiFace|AiF43V_v4.40"):
            notes = json.loads(self.redis.ask(f'HGET tf:models "{kind}"').split("\r\n")[1])
            shown[kind] = (notes["to"], notes["admin"], notes["words"]["gettime"].get("sn"))
        self.assertEqual(
            list(shown.values()),
            [("exclusive", "text", False), ("inclusive", "number", True), ("exclusive", "text", True)],
        )


class MiddleTests(CatchUpScene):
    """One terminal, page by page."""

    def test_second_page_lost(self) -> None:
        """A page that was given out and that a killed server did not keep is fetched by another process."""
        records = [log(n, ago(hours=n)) for n in range(1, 5)]
        client = self.device(self.here, "KILLED", "getnewlog", "getalllog")
        client.obey("getnewlog", count=4, **{"from": 0, "to": 2}, record=records[:2])
        self.assertFalse(client.commanded("getnewlog")["stn"])
        self.assertEqual(len(self.here.punches()), 2)
        day = self.mark("KILLED", "dirty")
        self.assertNotEqual(day, "")
        self.here.kill()
        other = self.process("two")
        again = self.device(other, "KILLED", "getalllog")
        asked = again.commanded("getalllog")
        self.assertEqual(asked["from"], day)
        again.reply("getalllog", count=4, **{"from": 0, "to": 4}, record=records)
        again.obey("getalllog", count=0, record=[])
        wait_until(lambda: self.mark("KILLED", "dirty") == "", "nothing is in doubt")
        self.assertEqual(sorted(row["enrollid"] for row in other.punches()), [1, 2, 3, 4])
        self.assertNotEqual(self.mark("KILLED", "proven"), "")

    def test_wrong_clock(self) -> None:
        """A clock that is found wrong is set to the terminal's own time."""
        client = self.device(self.here, "WRONG", "gettime", "settime")
        client.obey("gettime", result=None, time=ago(minutes=4))
        told = client.obey("settime")["cloudtime"]
        self.assertLess(
            abs(datetime.fromisoformat(told) - datetime.fromisoformat(ago())), timedelta(minutes=1)
        )

    def test_store_away(self) -> None:
        """While the store is away nothing is asked for that comes only once; afterwards it is."""
        client = self.device(self.here, "AWAY", "gettime")
        client.commanded("gettime")
        self.redis.pause()
        self.addCleanup(self.redis.go_on)
        client.reply("gettime", result=None, time=ago())
        with self.assertRaises(TimeoutError):
            client.hear(4)
        self.assertEqual(client.passed, [])
        self.redis.go_on()
        client.habits["gettime"] = {"result": None, "time": ago()}
        self._until_proven(client, "AWAY")

    def _until_proven(self, client: RealClient, sn: str) -> None:
        """Let a terminal of habits answer until nothing is in doubt."""
        self.here.until_ready()

        def is_proven() -> bool:
            """Whether it is by now; what came meanwhile is answered."""
            client.ask(cmd="heartbeat", sn=sn)
            return self.mark(sn, "proven") != ""

        wait_until(is_proven, "it is asked again")


class CleanTests(CatchUpScene):
    """Logs that somebody wants to delete."""

    def test_refused_while_in_doubt(self) -> None:
        """As long as logs are in doubt the order is not taken; nothing is made of it."""
        client = self.device(self.here, "DOUBT", "getalllog")
        client.commanded("getalllog")
        status, body = self.order(self.here, "DOUBT", "cleanlog", confirm="DOUBT")
        self.assertEqual((status, "not proven" in body["detail"]), (409, True), body)
        self.assertEqual(self.here.get("/terminals/DOUBT/commands")[1]["commands"], [])

    def test_read_before(self) -> None:
        """Then all logs are read once more while people are kept away, and only then deleted."""
        simulator = self.obeying(self.here, "--history", "120", "--rate", "0", "--dialect", "documented")
        wait_until(lambda: self.counted("caught_up") == 1, "it is proven")
        wait_until(lambda: self.counted("probed") == 1, "it is at rest")
        before = len(simulator.obeyed())
        status, body = self.order(self.here, "SIMT00000001", "cleanlog", confirm="SIMT00000001")
        self.assertEqual((status, body["state"]), (200, "done"), body)
        wait_until(lambda: simulator.obeyed("enabledevice"), "people are let in")
        words = [line["cmd"] for line in simulator.obeyed()[before:]]
        self.assertEqual(
            list(dict.fromkeys(words)), ["disabledevice", "getalllog", "cleanlog", "enabledevice"]
        )
        self.assertEqual(len(self.here.punches()), 120)
        wait_until(lambda: self.mark("SIMT00000001", "disabled") == "", "the mark is gone")
        simulator.interrupt()

    def test_killed_in_the_bracket(self) -> None:
        """kill -9 while people are kept away: whoever has the terminal next lets them in."""
        client = self.device(self.here, "KEPTOUT")
        wait_until(lambda: client.ask(cmd="heartbeat") and self.mark("KEPTOUT", "proven"), "it is proven")
        ordered = self.meanwhile(self.order, self.here, "KEPTOUT", "cleanlog", confirm="KEPTOUT")
        client.habits.pop("getalllog")
        client.obey("disabledevice")
        client.commanded("getalllog")
        self.here.kill()
        self.assertEqual(ordered.result()[0], 0)
        other = self.process("two")
        again = self.device(other, "KEPTOUT")
        again.obey("enabledevice")
        wait_until(lambda: self.mark("KEPTOUT", "disabled") == "", "the mark is gone")
        self.assertEqual([message for message in again.passed if message.get("cmd") == "cleanlog"], [])


class BackfillTests(CatchUpScene):
    """Days fetched again because somebody asked."""

    def test_done(self) -> None:
        """Each day is read by an order of its own; how far it is can be seen, and no punch is there twice."""
        simulator = self.obeying(self.here, "--history", "3000", "--rate", "0", "--dialect", "classic")
        wait_until(lambda: self.counted("probed") == 1, "it is at rest")
        last = datetime.now(UTC).date()
        asked = {"sn": "SIMT00000001", "from": str(last - timedelta(days=4)), "to": str(last)}
        status, made = self.here.post("/backfills", asked)
        self.assertEqual((status, made["days"], made["state"]), (202, 5, "open"), made)
        wait_until(lambda: self._listed()["state"] != "open", "it ends")
        found = self._listed()
        self.assertEqual((found["state"], found["done"], found["id"]), ("done", 5, made["id"]))
        self.assertGreater(found["records"], 0)
        rows = self.here.punches()
        self.assertEqual(len({row["uid"] for row in rows}), len(rows))
        simulator.interrupt()

    def _listed(self) -> dict[str, Any]:
        """The one backfill there is."""
        [found] = self.here.get("/backfills?sn=SIMT00000001")[1]["backfills"]
        shown: dict[str, Any] = found
        return shown
