"""When terminals are asked for what they did not push: not too early, a few at a time, again and again."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import SILENT, AskedCase, log
from tests.gateway.stand_ins import SN, START
from tfserver.config import CatchUp
from tfserver.errors import StoreUnavailable
from tfserver.gateway.catchup import PATIENCE_SECONDS, REST_SECONDS, SPARE
from tfserver.order import Danger
from tfserver.store.models import NOTHING, Learnt
from tfserver.store.outbox import Look, Taken
from tfserver.store.proven import Proof

ROUND = ["gettime", "getnewlog", "getalllog"]
AWAY = StoreUnavailable("away")


class TurnTests(AskedCase):
    """When a terminal's turn comes."""

    def test_some_time_after_reg(self) -> None:
        """A terminal is asked once its reg is some seconds old, not before."""
        terminal = self.terminal()
        self.run_for(14)
        self.assertEqual(terminal.words(), [])
        self.run_for(3)
        self.assertEqual(terminal.firsts(), ROUND)
        self.assertEqual(self.counted("caught_up"), 1)

    def test_again(self) -> None:
        """It is asked again about every hour, and in between it is left alone."""
        terminal = self.terminal()
        self.run_for(20)
        self.run_for(3600 * 0.85)
        self.assertEqual(terminal.firsts(), ROUND)
        self.run_for(3600 * 0.3)
        self.assertEqual(terminal.firsts(), ROUND * 2)

    def test_failover(self) -> None:
        """After a failover of the store it is asked soon, once, and then again about every hour; orders that
        may be doubtful are ended once."""
        terminal = self.terminal()
        self.run_for(60)
        self.stand.outbox.given["end_doubtful"] = None
        self.fleet.renew()
        self.run_for(40)
        self.assertEqual(terminal.firsts(), ROUND * 2)
        self.run_for(3600 * 0.8)
        self.assertEqual(terminal.firsts(), ROUND * 2)
        self.run_for(3600 * 0.4)
        self.assertEqual(terminal.firsts(), ROUND * 3)
        self.assertEqual(len(self.stand.outbox.asked("end_doubtful")), 1)

    def test_failover_while_asked(self) -> None:
        """Who is being asked then proves nothing by that, and is asked once more, soon."""

        def failing_over(command: dict[str, Any]) -> dict[str, Any]:
            """Answer; meanwhile the store fails over."""
            terminal.replies.clear()
            self.terminals.lineage = "second"
            self.fleet.catchup.renew()
            return {"count": 0, "from": 0, "to": 0, "record": []}

        terminal = self.terminal(getalllog=failing_over)
        self.run_for(20)
        self.assertEqual((terminal.firsts(), self.terminals.asked("prove")), (ROUND, []))
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ROUND * 2)
        self.assertEqual(len(self.terminals.asked("prove")), 1)

    def test_reg_again(self) -> None:
        """Firmware that says reg again and again on one connection is not asked more often for it."""
        terminal = self.terminal()
        for _ in range(10):
            self.run_for(10)
            terminal.register()
        self.run_for(30)
        self.assertEqual(terminal.firsts(), ROUND)

    def test_connection_that_is_gone(self) -> None:
        """Who is gone before the turn is not asked; the new connection has a turn of its own."""
        old = self.terminal()
        self.run_for(10)
        old.link.lost()
        new = self.terminal(connection="c2")
        self.run_for(10)
        self.assertEqual((old.words(), new.words()), ([], []))
        self.run_for(10)
        self.assertEqual((old.words(), new.firsts()), ([], ROUND))
        self.assertEqual(len(self.terminals.asked("proof")), 2)

    def test_nothing_for_a_reg(self) -> None:
        """A reg costs no call of the store beside its own, however many come."""
        for n in range(50):
            self.terminal(f"{SN}{n}", f"c{n}")
        asked = {name for name, _ in self.terminals.calls}
        self.assertEqual(asked - {"beat"}, {"register", "set_clock"})
        self.assertEqual(self.models.calls, [])
        self.assertEqual(self.stand.outbox.calls, [])

    def test_storm_leaves_nothing_behind(self) -> None:
        """Of terminals that come and go quickly hardly any connection is still remembered."""
        for n in range(3 * SPARE):
            self.terminal(connection=f"c{n}").link.lost()
        self.all.clear()
        self.run_for(2)
        self.assertLessEqual(self.fleet.catchup._wheel.count, SPARE)

    def test_drain(self) -> None:
        """A process that is about to end asks nobody."""
        terminal = self.terminal()
        self.fleet.post.hold()
        self.run_for(60)
        self.assertEqual(terminal.words(), [])
        self.assertEqual(self.terminals.asked("proof"), [])


class OffTests(AskedCase):
    """Catch-up that is switched off."""

    catchup = CatchUp(enabled=False)

    def test_nothing(self) -> None:
        """Nothing is asked, and nothing is remembered."""
        terminal = self.terminal()
        self.run_for(7300)
        self.assertEqual(terminal.words(), [])
        self.assertEqual(self.fleet.catchup._wheel.count, 0)


class AtOnceTests(AskedCase):
    """How many are asked at the same time."""

    catchup = CatchUp(at_once=2)

    def test_bound(self) -> None:
        """No more than allowed at once; when one has ended the next begins."""
        names = [f"{SN}{n}" for n in range(4)]
        terminals = [self.terminal(sn, f"c{n}", getnewlog=SILENT) for n, sn in enumerate(names)]
        self.run_for(20)
        self.assertEqual([bool(terminal.words()) for terminal in terminals], [True, True, False, False])
        self.run_for(62)
        self.assertEqual([bool(terminal.words()) for terminal in terminals], [True] * 4)
        self.run_for(62)
        self.assertEqual(self.counted("caught_up"), 4)

    def test_those_at_work_leave_room(self) -> None:
        """Terminals that carry out orders take no room of those at rest."""
        orders = [Taken("o1", "getdevinfo", {}, 60.0, 1, Danger.ORDINARY)] * 2
        self.stand.outbox.given["take"] = lambda *_: Look(orders.pop()) if orders else Look()
        self.stand.outbox.given["finish"] = Look()
        names = [f"{SN}{n}" for n in range(3)]
        terminals = [self.terminal(sn, f"c{n}", getdevinfo=SILENT) for n, sn in enumerate(names)]
        self.run_for(12)
        for sn in names[:2]:
            self.fleet.post.wake(sn)
        self.run_for(8)
        self.assertEqual([terminal.firsts() for terminal in terminals], [["getdevinfo"]] * 2 + [ROUND])

    def test_lost_ones_make_room(self) -> None:
        """A terminal that is lost while it is asked makes room for another."""
        names = [f"{SN}{n}" for n in range(3)]
        terminals = [self.terminal(sn, f"c{n}", gettime=SILENT) for n, sn in enumerate(names)]
        self.run_for(17)
        terminals[0].link.lost()
        self.run_for(2)
        self.assertEqual(terminals[2].words(), ["gettime"])


class PushingTests(AskedCase):
    """Terminals that still push what they have."""

    def push(self) -> None:
        """A new punch came just now, as the store remembers it."""
        now = round(self.stand.now().timestamp() * 1000)
        self.terminals.proofs[SN] = self.known._replace(pushed_ms=now)

    def test_left_alone(self) -> None:
        """It is asked when nothing came for a while."""
        terminal = self.terminal()
        for _ in range(6):
            self.run_for(10)
            self.push()
        self.run_for(12)
        self.assertEqual(terminal.words(), [])
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ROUND)

    def test_not_for_ever(self) -> None:
        """One that pushes on and on is asked after some minutes all the same."""
        terminal = self.terminal()
        for _ in range(round(PATIENCE_SECONDS / 10)):
            self.run_for(10)
            self.push()
        self.assertEqual(terminal.words(), [])
        for _ in range(4):
            self.run_for(10)
            self.push()
        self.assertEqual(terminal.firsts(), ROUND)

    def test_clock_put_back(self) -> None:
        """A last punch in the future, by a clock of ours that was put back, holds nobody off."""
        self.terminals.proofs[SN] = Proof(pushed_ms=round(START.timestamp() * 1000) + 10**9)
        terminal = self.terminal()
        self.run_for(18)
        self.assertEqual(terminal.firsts(), ROUND)


class StoreAwayTests(AskedCase):
    """The store is away."""

    def test_nobody_is_asked(self) -> None:
        """While it is away no terminal is asked, and the store only now and then; then all are."""
        self.terminals.given["proof"] = AWAY
        terminals = [self.terminal(f"{SN}{n}", f"c{n}") for n in range(30)]
        self.run_for(60)
        self.assertEqual([terminal.words() for terminal in terminals], [[]] * 30)
        self.assertLess(len(self.terminals.asked("proof")), 60 / REST_SECONDS)
        self.terminals.given["proof"] = lambda sn: Proof()
        self.run_for(30)
        self.assertEqual([terminal.firsts() for terminal in terminals], [ROUND] * 30)

    def test_away_for_people(self) -> None:
        """Away for an order between two steps, the visit ends; soon there is another one, whole."""
        looks: list[Look | Exception] = [Look(), AWAY]
        self.stand.outbox.given["take"] = lambda *_: looks.pop() if looks else Look()
        terminal = self.terminal()

        def shown(command: dict[str, Any]) -> dict[str, Any]:
            """Somebody orders something while the terminal answers."""
            if looks:
                self.fleet.post.wake(SN)
            return terminal._own(command)

        terminal.replies["gettime"] = shown
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime"])
        self.run_for(REST_SECONDS + 10)
        self.assertEqual(terminal.firsts(), ["gettime", *ROUND])

    def test_mark_can_not_be_kept(self) -> None:
        """Where the doubt can't be kept nothing is fetched that comes only once."""
        self.terminals.given["mark_dirty"] = AWAY
        terminal = self.terminal()
        terminal.logs = [log(1, "2026-04-02 08:00:00")]
        self.run_for(40)
        self.assertNotIn("getnewlog", terminal.words())
        self.assertEqual(terminal.taken, 0)

    def test_away_in_the_middle(self) -> None:
        """A page that can't be kept ends the visit; the doubt stays, and soon all of it is fetched."""
        terminal = self.terminal()
        terminal.logs = [log(n, f"2026-04-02 08:00:0{n}") for n in range(5)]
        self.kept.failure = AWAY
        self.run_for(18)
        self.assertNotEqual(self.known.dirty, "")
        self.assertEqual(self.kept.known, set())
        self.kept.failure = None
        self.run_for(REST_SECONDS + 10)
        self.assertEqual(len(self.kept.known), 5)
        self.assertEqual(self.known.dirty, "")


class MistakeTests(AskedCase):
    """A mistake of our own."""

    def test_others_go_on(self) -> None:
        """It ends the visit of one terminal, and that one is asked again at its next turn."""
        is_broken = True

        def get(model: str, firmware: str) -> Learnt | Exception:
            """What is known of a kind."""
            return ZeroDivisionError("a bug") if is_broken and model == "odd" else NOTHING

        self.models.given["get"] = get
        odd, other = self.terminal(model="odd"), self.terminal(f"{SN}2", "c2")
        self.run_for(20)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((odd.words(), other.firsts()), ([], ROUND))
        self.assertEqual((self.counted("given_up"), self.counted("caught_up")), (1, 1))
        is_broken = False
        self.run_for(3600 * 1.2)
        self.assertEqual(odd.firsts(), ROUND)

    def test_before_the_visit(self) -> None:
        """One that is made before a terminal is asked costs it this turn only."""
        self.terminals.given["proof"] = ZeroDivisionError("a bug")
        terminal = self.terminal()
        self.run_for(20)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.terminals.given["proof"] = lambda sn: Proof()
        self.run_for(3600 * 1.2)
        self.assertEqual(terminal.firsts(), ROUND)
