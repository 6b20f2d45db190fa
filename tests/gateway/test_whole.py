"""When a reading of a terminal's logs moves its mark of completeness, and what stands in the way."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import SILENT, Answering, AskedCase, log
from tests.gateway.ordered import OrderedCase
from tests.gateway.stand_ins import SN
from tfserver.gateway import whole
from tfserver.model import Admission, Capacity, Clock, ClockEntry, Registration
from tfserver.store.completeness import Mark
from tfserver.store.proven import Proof

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRST_DAY = "2026-03-26"
OLD, NEW = "2026-04-01 08:00:00", "2026-04-02 08:00:00"
FULL = Capacity(2, 2, 0)


class MarkedCase(AskedCase):
    """Terminals that are visited. It is 2026-04-02 08:15 UTC."""

    def setUp(self) -> None:
        """Nobody has read anything."""
        super().setUp()
        self.began: list[int] = []

    def visited(self, **replies: Any) -> Answering:
        """A terminal after its first visit; when its logs were asked for stands in ``began``."""
        terminal = self.terminal(**replies)
        own = terminal.replies.get("getalllog", terminal._own)

        def noted(command: dict[str, Any]) -> dict[str, Any]:
            """Note when it is asked."""
            if command["stn"]:
                self.began.append(self.stand.services.present.read().ms)
            return own(command) if callable(own) else own

        terminal.replies["getalllog"] = noted
        self.run_for(20)
        return terminal

    def mark(self) -> Mark:
        """What the last reading said."""
        found = self.terminals.asked("prove")[-1][-1]
        assert isinstance(found, Mark)
        return found

    def held(self) -> str:
        """What is told to stand in its way, empty when nothing is."""
        asked = self.terminals.marks.asked("hold")
        return str(asked[-1][-1]) if asked else ""

    def asked_from(self) -> list[str]:
        """The first days of what was asked for."""
        [terminal] = self.all
        return [
            command["from"] for command in terminal.asked if command["cmd"] == "getalllog" and command["stn"]
        ]


class ClockTests(MarkedCase):
    """What has to be known of the clock."""

    def test_right(self) -> None:
        """The mark is a minute before the reading, and as much earlier as the clock may be off."""
        for n, ahead in enumerate((0.0, 3.0, -3.0)):
            self.terminals.proofs.clear()
            terminal = self.terminal(f"{SN}{n}", f"c{n}")
            terminal.shows = ahead
            self.run_for(20)
            off = self.terminals.asked("prove")[-1][2] - MINUTE - (self.mark().until or 0)
            self.assertGreaterEqual(off, abs(ahead) * 1000)
            self.assertLessEqual(off, abs(ahead) * 1000 + 1000)

    def test_moment(self) -> None:
        """It is reckoned from the beginning of the reading, and says what was read."""
        self.visited()
        self.assertLess((self.mark().until or 0), self.began[0] - MINUTE + 1)
        self.assertEqual((self.mark().since, self.mark().watched), (FIRST_DAY, ""))

    def test_wrong(self) -> None:
        """A clock that was far off moves nothing, also when it was set right; the next reading does."""
        for ahead in (121.0, -121.0, -86_400.0 * 9000):
            self.terminals.proofs.clear()
            self.all.clear()
            terminal = self.terminal()
            terminal.shows = ahead
            self.run_for(20)
            self.assertIsNone(self.mark().until)
            self.assertIn("its clock was wrong by", self.mark().why)
            self.assertIsNone(self.known.whole_ms)
        self.assertIn("9000 days", self.mark().why)
        terminal.shows = 0
        self.run_for(3600 * 1.2)
        self.assertIsNotNone(self.mark().until)

    def test_time_of_reg(self) -> None:
        """Where gettime is not answered the time of the reg counts."""
        self.terminals.proofs[SN] = Proof(clock=Clock.OK, drift_ms=-4000)
        self.visited(gettime={"result": False, "reason": 1})
        self.assertEqual(self.mark().until, self.began[0] - MINUTE - 4000)

    def test_time_of_reg_wrong(self) -> None:
        """Of a reg whose time was far off it does not."""
        self.terminals.proofs[SN] = Proof(clock=Clock.SUSPECT, drift_ms=200_000)
        self.visited(gettime={"result": False, "reason": 1})
        self.assertIn("wrong by 3 minutes", self.mark().why)

    def test_shown_now(self) -> None:
        """What it shows now counts before that."""
        self.terminals.proofs[SN] = Proof(clock=Clock.SUSPECT, drift_ms=200_000)
        self.visited()
        self.assertIsNotNone(self.mark().until)

    def test_not_known(self) -> None:
        """Without any time it does not move, though nothing is in doubt any more."""
        self.visited(gettime={"result": False, "reason": 1})
        self.assertEqual((self.mark().until, self.known.dirty), (None, ""))
        self.assertIn("its clock is not known", self.mark().why)

    def test_frozen(self) -> None:
        """Nor of a clock that may stand still, whatever it shows just now."""
        self.terminals.proofs[SN] = Proof(is_frozen=True, drift_ms=0)
        self.visited()
        self.assertIn("stood still", self.mark().why)

    def test_no_zone(self) -> None:
        """Nor while nobody has confirmed the zone."""
        clock = (ClockEntry(0, 3600),)
        self.terminals.given["register"] = Registration(Admission.APPROVED, clock=clock, echo=3600)
        terminal = self.terminal()
        terminal.shows = 3600.0
        self.run_for(20)
        self.assertIn("nobody has confirmed its time zone", self.mark().why)

    def test_offset_it_ran_at(self) -> None:
        """A zone that was changed just now does not make the clock wrong under which it recorded."""
        clock = (ClockEntry(0, -3600),)
        self.terminals.given["register"] = Registration(Admission.APPROVED, timezone="UTC", clock=clock)
        terminal = self.terminal()
        terminal.link.context.timeline = clock
        terminal.shows = -3600.0
        self.run_for(20)
        self.assertIsNotNone(self.mark().until)


class DaysTests(MarkedCase):
    """Which days are read."""

    def test_since_the_mark(self) -> None:
        """A reading that can move the mark begins where it stands, though later ones were whole."""
        now = self.stand.services.present.read().ms
        self.terminals.proofs[SN] = Proof(proven_ms=now - HOUR, whole_ms=now - 30 * DAY)
        self.visited()
        self.assertEqual((self.asked_from(), self.mark().since), (["2026-03-03"], "2026-03-03"))

    def test_since_the_proof(self) -> None:
        """One that can't begins where the last whole one did."""
        now = self.stand.services.present.read().ms
        self.terminals.proofs[SN] = Proof(proven_ms=now - HOUR, whole_ms=now - 30 * DAY)
        self.visited(gettime={"result": False, "reason": 1})
        self.assertEqual(self.asked_from(), ["2026-04-02"])

    def test_looked_for(self) -> None:
        """It is found if it is there, and missed if it is not."""
        terminal = self.terminal()
        terminal.logs = [log(1, OLD), log(2, NEW)]
        self.run_for(20)
        self.assertEqual(self.known.anchor, NEW)
        self.run_for(3600 * 1.2)
        self.assertEqual((self.mark().watched, self.mark().found), (NEW, True))
        terminal.logs = [log(3, "2026-04-02 09:00:00")]
        self.run_for(3600 * 1.2)
        self.assertEqual((self.mark().watched, self.mark().found), (NEW, False))

    def test_quiet_days(self) -> None:
        """Its day is read again as long as nothing newer came."""
        self.terminals.proofs[SN] = Proof(whole_ms=self.stand.services.present.read().ms, anchor=OLD)
        terminal = self.terminal()
        terminal.logs = [log(1, OLD)]
        self.run_for(20)
        self.assertEqual(
            (self.asked_from(), self.mark().found, self.mark().newest), (["2026-04-01"], True, OLD)
        )
        marked = self.terminals.asked("mark_dirty")
        self.assertEqual(marked, [(SN, "2026-04-02")])

    def test_near_midnight(self) -> None:
        """A clock that is a little slow dates what follows a reading on the day before."""
        now = self.stand.services.present.read().ms
        self.terminals.proofs[SN] = Proof(whole_ms=now - now % DAY + MINUTE)
        self.visited()
        self.assertEqual(self.asked_from(), ["2026-04-01"])

    def test_full_at_first(self) -> None:
        """Of a full memory only days behind that of its oldest record are whole; else all that were read."""
        for room, since in ((FULL, "2026-04-02"), (Capacity(9, 2, 7), FIRST_DAY), (None, FIRST_DAY)):
            self.terminals.proofs[SN] = Proof(log=room)
            self.all.clear()
            terminal = self.terminal()
            terminal.logs = [log(1, OLD), log(2, NEW)]
            self.run_for(20)
            self.assertEqual((self.mark().since, self.mark().full), (since, room is FULL))

    def test_as_many_as_it_holds(self) -> None:
        """A memory counts as full also when as many records came as it holds."""
        self.terminals.proofs[SN] = Proof(log=Capacity(2, 0, 2))
        terminal = self.terminal()
        terminal.logs = [log(1, OLD), log(2, NEW)]
        self.run_for(20)
        self.assertTrue(self.mark().full)

    def test_oldest(self) -> None:
        """The oldest record is told as an instant."""
        terminal = self.terminal()
        terminal.logs = [log(1, NEW), log(2, OLD)]
        self.run_for(20)
        oldest = self.mark().oldest or 0
        self.assertEqual(self.stand.services.present.read().ms // DAY - oldest // DAY, 1)
        self.assertEqual(oldest % DAY, 8 * HOUR)


class HeldTests(MarkedCase):
    """Readings that were not whole."""

    def test_silent(self) -> None:
        """A terminal that does not answer getalllog is told so, the first time and later."""
        self.terminal(getalllog=SILENT)
        self.run_for(90)
        self.assertEqual(self.held(), "it does not answer getalllog")
        self.run_for(3600 * 1.2)
        self.assertEqual([asked[:2] for asked in self.terminals.marks.asked("hold")], [(SN, "c1")] * 2)
        self.assertEqual(self.terminals.asked("prove"), [])

    def test_refused(self) -> None:
        """What it says when it refuses is told."""
        self.visited(getalllog={"result": False, "reason": 1, "msg": "device busy"})
        self.assertIn("it refuses getalllog", self.held())
        self.assertIn("device busy", self.held())

    def test_not_to_its_end(self) -> None:
        """A list that is perhaps not whole is told so."""
        repeated = {"count": 9, "from": 0, "to": 2, "record": [log(1, OLD), log(2, NEW)]}
        self.visited(getalllog=repeated)
        self.assertIn("perhaps not all", self.held())
        self.assertEqual(self.terminals.asked("prove"), [])

    def test_whole(self) -> None:
        """A whole one leaves nothing to be told."""
        self.visited()
        self.assertEqual(self.held(), "")


class OrderedTests(OrderedCase):
    """Readings that people ordered."""

    def order_all(self, known: Proof) -> Mark:
        """What an ordered reading of everything says."""
        self.terminals.proofs[SN] = known
        self.all.clear()
        terminal = self.terminal()
        terminal.logs = [log(1, OLD), log(2, NEW)]
        self.order("getalllog")
        found = self.terminals.asked("prove")[-1][-1]
        assert isinstance(found, Mark)
        return found

    def test_everything(self) -> None:
        """It moves the mark by the time of the reg, for all there is, and looks for the newest record."""
        began = self.stand.services.present.read().ms
        found = self.order_all(Proof(drift_ms=5000, anchor=OLD))
        self.assertEqual((found.until, found.since), (began - MINUTE - 5000, ""))
        self.assertEqual((found.watched, found.found, found.newest), (OLD, True, NEW))

    def test_clock_not_known(self) -> None:
        """Where that time is not known nothing is held against it: the next visit asks."""
        for known in (Proof(), Proof(drift_ms=200_000), Proof(is_frozen=True)):
            found = self.order_all(known)
            self.assertEqual((found.until, found.why), (None, ""))


class CleanedTests(OrderedCase):
    """Logs that are deleted."""

    def test_cleared(self) -> None:
        """All of them were read just before, and are not looked for the next time."""
        self.terminals.proofs[SN] = Proof(drift_ms=0, anchor=OLD)
        terminal = self.terminal()
        terminal.logs = [log(1, OLD), log(2, NEW)]
        self.order("cleanlog", 2)
        _, _, began, _, found = self.terminals.asked("prove")[-1]
        self.assertEqual((found.until, found.since, found.clears), (began - MINUTE, "", True))
        self.assertEqual((found.watched, found.found, found.newest), (OLD, True, ""))


class WordsTests(AskedCase):
    """How long a clock was wrong."""

    def test_units(self) -> None:
        """In the largest unit of which there are two."""
        context = self.terminal().link.context
        for ms, told in (
            (120_000, "2 minutes"),
            (-7_300_000, "2 hours"),
            (3 * DAY, "3 days"),
            (-HOUR, "60 minutes"),
        ):
            self.assertIn(f"by {told}:", whole.ran(context, Proof(), ms).why)
        self.assertEqual(whole.ran(context, Proof(), -119_999), (119_999, ""))
