"""Until when everything is here, on real processes: what is promised holds, and what can't be is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cli.called import call
from tests.integration.test_catchup import CatchUpScene, ago
from tests.real.client import RealClient, log
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN
from tests.real.store import wait_until

OFTEN = "terminals: {timezone: UTC}\ncatchup: {after_seconds: 0.2, every_seconds: 1}\n"
CLASSIC = "tfs30|th600w v6.4"


class CompletenessScene(CatchUpScene):
    """A process that asks terminals as soon as they came, and again each second."""

    def process(self, name: str) -> PlacedServer:
        """A running process."""
        return self.server("-c", self.file("often.yaml", OFTEN), *OPEN, "--instance", name, store=self.redis)

    def asked(self, query: str = "", server: PlacedServer | None = None) -> dict[str, Any]:
        """What a process says of completeness."""
        status, body = (server or self.here).get(f"/completeness{query}")
        self.assertEqual(status, 200, body)
        found: dict[str, Any] = body
        return found

    def until(self, query: str = "") -> str:
        """Until when everything is here, once that is known."""
        wait_until(lambda: self.asked(query)["until"], "it is known until when everything is here")
        return str(self.asked(query)["until"])

    def meets(self, client: RealClient, true: Any, what: str) -> None:
        """Let a terminal answer what it is asked by its habits until something is true."""

        def is_true() -> bool:
            client.habits["gettime"] = {"result": None, "time": ago()}
            client.ask(cmd="heartbeat")
            return bool(true())

        wait_until(is_true, what)


class PromiseTests(CompletenessScene):
    """The moment, and what was recorded before it."""

    def test_only_after_the_reading(self) -> None:
        """Of a terminal that pushes a day's first punch only, nothing is promised until all of them came."""
        records = [log(n, ago(minutes=10 - n)) for n in range(1, 5)]
        client = self.device(self.here, "FIRST", "getalllog")
        self.assertTrue(client.ask(cmd="sendlog", count=1, record=records[:1])["result"])
        asked = client.commanded("getalllog")
        found = self.asked()
        self.assertEqual((found["until"], len(self.here.punches())), (None, 1))
        self.assertIn("FIRST: ", found["why"])
        client.reply("getalllog", count=4, **{"from": 0, "to": 2}, record=records[:2])
        client.commanded("getalllog")
        self.assertIsNone(self.asked()["until"])
        client.reply("getalllog", count=4, **{"from": 2, "to": 4}, record=records[2:])
        until = self.until()
        self.assertLess(datetime.fromisoformat(until), datetime.now(UTC) - timedelta(seconds=60))
        before = {row["time"] for row in records if f"{row['time']}Z" < until.replace("T", " ")}
        self.assertEqual(len(before), 4)
        self.assertLessEqual(before, {row["device_time"] for row in self.here.punches()})
        [row] = self.asked()["terminals"]
        self.assertEqual((row["sn"], row["since"], row["gaps"]), ("FIRST", asked["from"], []))

    def test_holds(self) -> None:
        """Of terminals that push and of others: what is new is later than the moment that was told."""
        usual = ("--terminals", "3", "--rate", "1.7", "--backlog")
        pushing = self.obeying(self.here, *usual, "20", "--dialect", "documented")
        hoarding = self.obeying(
            self.here,
            *usual,
            "120",
            "--dialect",
            "mixed",
            "--sn-prefix",
            "HOARD",
            "--mood",
            "hoards,late=0.05:getalllog",
        )
        wait_until(lambda: len(self.asked()["terminals"]) == 6, "all have registered")
        told = []
        for _ in range(5):
            seen = self.counted("caught_up")
            wait_until(lambda before=seen: self.counted("caught_up") >= before + 6, "all are read once more")
            until = self.until()
            told.append((until, {row["uid"] for row in self.here.punches() if row["utc"] < until}))
        pushing.interrupt()
        hoarding.interrupt()
        for until, here in told:
            self.assertEqual({row["uid"] for row in self.here.punches() if row["utc"] < until}, here, until)
            self.assertGreaterEqual(len(here), 3 * 130)
        moments = [until for until, _ in told]
        self.assertEqual(moments, sorted(moments))
        self.assertLess(moments[0], moments[-1])

    def test_killed_in_the_middle(self) -> None:
        """A reading that was cut short by kill -9 promises nothing, at no process."""
        client = self.device(self.here, "CUT", "getalllog")
        client.obey("getalllog", count=4, **{"from": 0, "to": 1}, record=[log(1, ago(minutes=9))])
        client.commanded("getalllog")
        self.here.kill()
        other = self.process("two")
        found = self.asked(server=other)
        self.assertIsNone(found["until"])
        self.assertIn("may be missing: its logs are read, or that was cut short", found["why"])


class WhyTests(CompletenessScene):
    """What stands in the way."""

    def test_silent(self) -> None:
        """A terminal that does not answer getalllog never has a moment, holds back all, and says why."""
        self.redis.ask(f'HSET tf:models "{CLASSIC}|getalllog" 3')
        usual = ("--terminals", "1", "--rate", "0", "--backlog", "20")
        silent = self.obeying(self.here, *usual, "--dialect", "classic", "--mood", "silent:getalllog")
        other = self.obeying(self.here, *usual, "--dialect", "documented", "--sn-prefix", "GOOD")
        known = self.until("?except=SIMT00000001")
        wait_until(lambda: self.counted("given_up") >= 2, "it was asked for its logs more than once")
        found = self.asked()
        self.assertIsNone(found["until"])
        self.assertEqual(found["why"], "SIMT00000001: it does not answer getalllog")
        self.assertGreater(known, ago(hours=1).replace(" ", "T"))
        self.assertEqual(silent.obeyed("getalllog"), [])
        silent.interrupt()
        other.interrupt()

    def test_wrong_clock(self) -> None:
        """A clock that is found wrong holds the moment back until it was right at a reading."""
        client = self.device(self.here, "CLOCK", "gettime", "settime")
        client.obey("gettime", result=None, time=ago(hours=3))
        client.obey("settime")
        client.commanded("gettime")
        found = self.asked()
        self.assertIsNone(found["until"])
        self.assertIn("its clock was wrong by 3 hours", found["why"])
        client.reply("gettime", result=None, time=ago())
        self.meets(client, lambda: self.asked()["until"], "a reading counts")

    def test_full_memory(self) -> None:
        """A memory that was full when it came again leaves a gap; the moment goes on behind it."""
        client = self.device(self.here, "FULL", "getalllog")
        self.give(client, [log(n, ago(minutes=30 - n)) for n in range(4)], "until")
        client.shut()
        before = self.asked()
        self.assertEqual(before["gaps"], [])
        again = self.client(self.here)
        again.habits.update(client.habits)
        self.assertTrue(again.register("FULL", time=ago(), logsize=4, usedlog=4)["result"])
        self.give(again, [log(n, ago(seconds=9 - n)) for n in range(4)], "gaps")
        found = self.asked()
        [gap] = found["gaps"]
        self.assertEqual(gap["from"], before["until"])
        self.assertIn("its log memory was full", gap["why"])
        self.assertGreaterEqual(found["until"], gap["to"])
        shown = self.here.get("/terminals/FULL")[1]["completeness"]
        self.assertEqual([one["from"] for one in shown["gaps"]], [gap["from"]])
        self.assert_acknowledged("FULL", gap["to"])

    def give(self, client: RealClient, records: list[dict[str, Any]], what: str) -> None:
        """Let a terminal give these records, as often as it is asked, until something is known."""
        for _ in range(5):
            client.habits["gettime"] = {"result": None, "time": ago()}
            client.obey("getalllog", count=4, **{"from": 0, "to": 4}, record=records)
            client.obey("getalllog", count=0, record=[])
            # what it is asked next, it is asked after the reading was judged
            client.passed.append(client.commanded("getalllog"))
            if self.asked()[what]:
                return
        self.fail(f"{what}: {self.asked()}")

    def assert_acknowledged(self, sn: str, until: str) -> None:
        """The command line says that there are gaps, and takes it that somebody knows of them."""
        asked = {"TFSERVER_URL": f"http://127.0.0.1:{self.here.http}", "TFSERVER_TOKEN": self.here.token}
        self.assertEqual(call("completeness", **asked).status, 1)
        done = call("completeness", "--sn", sn, "--acknowledge", until, **asked)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual(self.asked()["gaps"], [])

    def test_day(self) -> None:
        """A day is complete when it is over and all of it is here; one that was never read is not."""
        simulator = self.obeying(self.here, "--rate", "0", "--history", "30", "--dialect", "documented")
        self.until()
        today = datetime.now(UTC).date()
        for back, is_complete in ((2, True), (-1, False), (40, False)):
            day = today - timedelta(days=back)
            self.assertIs(self.asked(f"?day={day}")["complete"], is_complete, back)
        self.assertEqual(self.order(self.here, "SIMT00000001", "getalllog")[1]["state"], "done")
        self.assertIs(self.asked(f"?day={today - timedelta(days=40)}")["complete"], True)
        simulator.interrupt()
