"""Time at the terminal: the zone people choose, clocks of new terminals, drift, and impossible dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.real.client import RealClient, log
from tests.real.scene import OPEN, Scene
from tests.real.store import wait_until

WIRE = "%Y-%m-%d %H:%M:%S"
SLACK = timedelta(seconds=30)


def shown(**ahead: float) -> str:
    """What a clock shows that is so far ahead of UTC."""
    return (datetime.now(UTC) + timedelta(**ahead)).strftime(WIRE)


class Time(Scene):
    """One server in UTC, small clients."""

    def setUp(self) -> None:
        config = self.file("tfserver.yaml", "terminals: {timezone: UTC}\n")
        self.here = self.server("-c", config, *OPEN, store=self.store())

    def offset(self, cloudtime: str) -> timedelta:
        """How far ahead of UTC a terminal is set, to the nearest minute."""
        ahead = datetime.strptime(cloudtime, WIRE).replace(tzinfo=UTC) - datetime.now(UTC)
        return timedelta(minutes=round(ahead / timedelta(minutes=1)))

    def kept(self, client: RealClient, when: str, enrollid: int = 1) -> dict[str, Any]:
        """The punch that came of this time."""
        answer = client.ask(cmd="sendlog", count=1, record=[log(enrollid, when)])
        self.assertTrue(answer["result"], when)
        return self.here.punches()[-1]

    def test_zone(self) -> None:
        """A zone given to a terminal rules its next cloudtime and its next punches."""
        client = self.client(self.here, "ZONE", time=shown())
        self.assertEqual(self.here.patch("/terminals/ZONE", {"timezone": "Asia/Kathmandu"})[0], 200)
        nepal = datetime.now(ZoneInfo("Asia/Kathmandu")).utcoffset()
        wait_until(
            lambda: self.offset(client.ask(cmd="heartbeat")["cloudtime"]) == nepal, "the clock is set anew"
        )
        punch = self.kept(client, shown(hours=5, minutes=45, seconds=2))
        self.assertTrue(punch["time"].endswith("+05:45"), punch)
        self.assertLess(abs(datetime.fromisoformat(punch["utc"]) - datetime.now(UTC)), SLACK)
        self.assertEqual(punch["clock"], "ok")

    def test_wrong_zone(self) -> None:
        """A zone that does not exist is refused and changes nothing."""
        client = self.client(self.here, "NOZONE", time=shown())
        for zone in ("Mars/Base", "../../etc/passwd", "/etc/localtime", "UTC\x00", "a" * 300):
            self.assertEqual(self.here.patch("/terminals/NOZONE", {"timezone": zone})[0], 422, zone)
        self.assertEqual(self.offset(client.ask(cmd="heartbeat")["cloudtime"]), timedelta())

    def test_new_terminal_in_a_zone_of_its_own(self) -> None:
        """A new terminal whose clock fits another zone keeps its offset, and nobody trusts its times yet."""
        client = self.client(self.here)
        answer = client.register("OWN", time=shown(hours=3, minutes=30))
        self.assertEqual(self.offset(answer["cloudtime"]), timedelta(hours=3, minutes=30))
        punch = self.kept(client, shown(hours=3, minutes=30))
        self.assertEqual(punch["clock"], "unknown")
        self.assertTrue(punch["time"].endswith("+03:30"), punch)
        self.assertEqual(self.here.get("/terminals/OWN")[1]["clock"], "unknown")
        again = self.client(self.here).register("OWN", time=shown(hours=3, minutes=30))
        self.assertEqual(self.offset(again["cloudtime"]), timedelta(hours=3, minutes=30))

    def test_drifted_clock(self) -> None:
        """A clock that is minutes off is set right, shown as suspect, and its backlog is marked."""
        self.client(self.here, "DRIFT", time=shown()).shut()
        client = self.client(self.here)
        answer = client.register("DRIFT", time=shown(minutes=-7))
        self.assertEqual(self.offset(answer["cloudtime"]), timedelta())
        self.assertEqual(self.here.get("/terminals/DRIFT")[1]["clock"], "suspect")
        self.assertEqual(self.kept(client, shown(minutes=-37))["clock"], "suspect")
        self.assertEqual(self.kept(client, shown(seconds=2), 2)["clock"], "ok")

    def test_punch_right_after_the_clock_was_set(self) -> None:
        """A terminal that punches in the very second in which its clock was set right shows a good time."""
        self.client(self.here, "QUICK", time=shown()).shut()
        client = self.client(self.here)
        answer = client.register("QUICK", time=shown(minutes=-7))
        self.assertEqual(self.kept(client, answer["cloudtime"])["clock"], "ok")

    def test_impossible_dates(self) -> None:
        """No date is so odd that its punch is lost; what is doubtful is marked."""
        client = self.client(self.here, "ODD", time=shown())
        odd = (
            *("2000-01-01 00:00:00", "1970-01-01 00:00:00", "0001-01-01 00:00:00", "9999-12-31 23:59:59"),
            *("0000-00-00 00:00:00", "2026-02-30 08:00:00", "2026-13-01 08:00:00", "2026-04-02 25:61:61"),
            *("yesterday", "\u0662\u0660\u0662\u0666", "2026:04:02", "x" * 5000, "\u0000", "-"),
            *(shown(days=400), "2026-04-02T08:00:00+25:00", "1e400", "NaN", "2026-04-02 08:00:00; DEL"),
        )
        for when in odd:
            punch = self.kept(client, when)
            self.assertEqual(punch["clock"], "suspect", when[:40])
            self.assertEqual(punch["device_time"], when[:4096])
        self.assertEqual(len(self.here.punches()), len(odd))

    def test_forms_of_one_time(self) -> None:
        """One time in several spellings is one punch."""
        client = self.client(self.here, "FORMS", time=shown())
        for when in (
            "2026-04-02 08:05:00",
            "2026/04/02 08:05:00",
            "2026-4-2 8:05",
            "2026-04-02T08:05:00Z",
            " 2026-04-02 08:05:00 ",
        ):
            self.kept(client, when)
        self.assertEqual(len(self.here.punches()), 1)
