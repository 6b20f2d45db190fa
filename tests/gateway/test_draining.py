"""The end of a process: who is let go when, and who is waited for."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.gateway.stand_ins import APPROVED, SN, Dialled
from tests.gateway.test_fleet import OTHER, FleetCase
from tfserver.errors import StoreUnavailable
from tfserver.order import Danger
from tfserver.store.outbox import Look, Taken
from tfserver.store.shelf import Kept

GOING_AWAY = 1001


class DrainCase(FleetCase):
    """A fleet that is to end."""

    def draining(self, patience: float = 10, spread: float = 0) -> Deferred[None]:
        """The drain, begun."""
        return Deferred.fromCoroutine(self.fleet.drain(patience, spread))

    def let_go(self, *terminals: Dialled) -> int:
        """How many of these were told to go."""
        return sum(terminal.wire.closed() == [GOING_AWAY] for terminal in terminals)

    def busy(self, connection: str, sn: str) -> tuple[Dialled, Deferred[Kept]]:
        """A terminal whose punch is being kept."""
        appending: Deferred[Kept] = Deferred()
        self.stand.punches.given["append"] = appending
        terminal = self.registered(connection, sn)
        terminal.sendlog(sn=sn)
        return terminal, appending


class DrainTests(DrainCase):
    """All at once."""

    def test_closes_all(self) -> None:
        """Every connection is closed with 1001, registered or not, and the drain ends with the last."""
        all_of_them = [self.registered("c1"), self.dialled("c2")]
        drain = self.draining()
        self.assertEqual(self.let_go(*all_of_them), 2)
        self.assertNoResult(drain)
        for terminal in all_of_them:
            terminal.link.lost()
        self.stand.clock.advance(0.1)
        self.successResultOf(drain)
        self.assertEqual(self.released(), [(SN, "c1")])

    def test_answers_go_out_first(self) -> None:
        """An answer that is under way goes out before its connection is closed; nobody else waits for it."""
        terminal, appending = self.busy("c1", SN)
        idle = self.registered("c2", OTHER)
        self.draining()
        self.stand.clock.pump([0.1] * 5)
        self.assertEqual((self.let_go(terminal), self.let_go(idle)), (0, 1))
        appending.callback(Kept(1, 0, 0))
        self.stand.clock.advance(0.1)
        self.assertTrue(terminal.last()["result"])
        self.assertEqual(terminal.wire.events[-1], ("close", GOING_AWAY))

    def test_bounded(self) -> None:
        """A drain ends in its time, also with answers that never come and peers that never close."""
        terminal, _ = self.busy("c1", SN)
        drain = self.draining(1)
        self.stand.clock.pump([0.1] * 11)
        self.assertEqual(self.let_go(terminal), 1)
        self.stand.clock.pump([0.1] * 22)
        self.assertIn("abort", terminal.wire.events)
        self.successResultOf(drain)

    def test_no_patience(self) -> None:
        """With no seconds for what is in flight nobody is waited for."""
        terminal, _ = self.busy("c1", SN)
        self.draining(0)
        self.assertEqual(self.let_go(terminal), 1)

    def test_without_terminals(self) -> None:
        """A drain of nobody ends at once."""
        self.successResultOf(self.draining(spread=600))

    def test_without_a_store(self) -> None:
        """A store that is away does not keep the drain from ending."""
        self.terminals.given["release"] = StoreUnavailable("away")
        terminal = self.registered("c1")
        drain = self.draining()
        terminal.link.lost()
        self.stand.clock.advance(0.1)
        self.successResultOf(drain)


class SpreadTests(DrainCase):
    """One after another."""

    def many(self, count: int) -> list[Dialled]:
        """So many registered terminals."""
        return [self.registered(f"c{n}", f"T{n}") for n in range(count)]

    def test_spread(self) -> None:
        """Terminals go evenly over the seconds."""
        terminals = self.many(1000)
        self.draining(spread=5)
        gone = []
        for _ in range(5):
            gone.append(self.let_go(*terminals))
            self.stand.clock.pump([0.05] * 20)
        self.assertEqual([round(count / 100) for count in gone], [0, 2, 4, 6, 8])
        self.assertEqual(self.let_go(*terminals), 1000)

    def test_few(self) -> None:
        """Few terminals take a hundredth of a second each, however long the spread may be."""
        terminals = self.many(20)
        self.draining(spread=600)
        self.assertEqual(self.let_go(*terminals), 1)
        self.stand.clock.pump([0.02] * 10)
        self.assertEqual(self.let_go(*terminals), 20)

    def test_served_meanwhile(self) -> None:
        """Whoever waits for its turn is served: punches are acknowledged, orders are carried out."""
        terminals = self.many(1000)
        self.draining(spread=5)
        self.stand.clock.advance(1)
        last = max(terminals, key=lambda terminal: terminal.wire.closed() == [])
        sn = last.link.context.sn
        last.sendlog(sn=sn)
        self.assertEqual((last.last()["ret"], last.last()["result"]), ("sendlog", True))
        self.stand.outbox.given["take"] = _takes("opendoor")
        self.fleet.woken("channel", f"door {sn}")
        self.assertEqual(last.last()["cmd"], "opendoor")

    def test_no_orders_at_the_end(self) -> None:
        """Whose turn has come and who is waited for gets no order more: it is for the next process."""
        self.busy("c1", SN)
        self.draining()
        self.fleet.woken("channel", f"order {SN}")
        self.assertEqual(self.stand.outbox.asked("take"), [])

    def test_busy_ones_last(self) -> None:
        """Who waits for an answer when the drain begins has its turn after all others."""
        first, appending = self.busy("c0", SN)
        terminals = self.many(100)
        self.draining(spread=1)
        self.stand.clock.pump([0.02] * 48)
        appending.callback(Kept(1, 0, 0))
        self.assertEqual((self.let_go(first), self.let_go(*terminals)), (0, 97))
        self.stand.clock.pump([0.02] * 4)
        self.assertEqual((self.let_go(first), self.let_go(*terminals)), (1, 100))

    def test_rest_of_a_queue(self) -> None:
        """What waits behind an order that is in flight when the drain begins is for the next process, though
        the terminal's turn is long after."""
        self.many(1000)
        terminal = self.registered("c", SN)
        self.stand.outbox.given.update(take=_takes("getusername"), finish=Look())
        self.fleet.woken("channel", f"order {SN}")
        self.draining(spread=5)
        terminal.says(ret="getusername", result=True, record="Ines")
        [finished] = self.stand.outbox.asked("finish")
        self.assertFalse(finished[4])
        self.assertEqual(self.let_go(terminal), 0)

    def test_reg_meanwhile(self) -> None:
        """Firmware that says reg once more while it waits is answered."""
        terminals = self.many(1000)
        self.draining(spread=5)
        waits = next(terminal for terminal in terminals if not terminal.wire.closed())
        self.terminals.given["register"] = APPROVED
        waits.reg(waits.link.context.sn)
        self.assertTrue(waits.last()["result"])

    def test_insisted(self) -> None:
        """Somebody who insists ends it at once, whatever is in flight."""
        busy, _ = self.busy("c0", SN)
        terminals = self.many(1000)
        drain = self.draining(spread=600)
        self.stand.clock.advance(0.02)
        self.fleet.draining.hurry()
        self.stand.clock.advance(0.02)
        self.assertEqual(self.let_go(busy, *terminals), 1001)
        for terminal in (busy, *terminals):
            terminal.link.lost()
        self.stand.clock.advance(0.02)
        self.successResultOf(drain)


def _takes(word: str) -> Look:
    """An order that is handed over."""
    args = {"doornum": 1} if word == "opendoor" else {"enrollid": 7}
    danger = Danger.DOOR if word == "opendoor" else Danger.ORDINARY
    return Look(Taken("o1", word, args, 5.0, 1, danger))
