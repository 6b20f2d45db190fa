"""A whole reading that somebody ordered leaves nothing in doubt, just as one of the catch-up does."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import SILENT, Answering, log
from tests.gateway.ordered import OrderedCase
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.order import OrderEvent
from tfserver.store.proven import Proof
from tfserver.store.terminals import Lease

AWAY = StoreUnavailable("away")
DAY = "2026-03-01"
LOGS = [log(n, f"2026-04-02 08:00:0{n}") for n in range(5)]


class SettledTests(OrderedCase):
    """What an ordered getalllog proves. It is 2026-04-02 08:15 UTC."""

    def doubtful(self, **replies: Any) -> Answering:
        """A terminal with five logs, and a day in doubt."""
        terminal = self.terminal(**replies)
        terminal.logs = list(LOGS)
        self.terminals.proofs[SN] = Proof(dirty=DAY)
        return terminal

    def event(self) -> OrderEvent:
        """What became of the one order."""
        [outcome] = self.ended
        return outcome.event

    def test_whole(self) -> None:
        """All logs were read and kept: nothing is in doubt, as of the moment before the first page."""
        began = self.stand.services.present.read().ms
        terminal = self.doubtful()

        def slow(command: dict[str, Any]) -> dict[str, Any]:
            """Three seconds a page."""
            self.stand.clock.rightNow += 3
            return terminal._own(command)

        terminal.replies["getalllog"] = slow
        self.order("getalllog")
        self.assertIs(self.event(), OrderEvent.SAID_TRUE)
        self.assertEqual((len(self.kept.known), self.known.dirty, self.known.proven_ms), (5, "", began))

    def test_fenced(self) -> None:
        """It is a proof only of who has the lease, and of the doubt that stood before the first page."""
        self.doubtful()
        self.order("getalllog")
        [(lease, dirty, _, day, _)] = self.terminals.asked("prove")
        self.assertEqual((lease, dirty, day), (Lease(SN, "c1"), DAY, "2026-04-02"))

    def test_marked_first(self) -> None:
        """The doubt is marked before the first page is asked for."""
        marked: list[str] = []

        def page(command: dict[str, Any]) -> dict[str, Any]:
            """There is nothing."""
            marked.append(self.known.dirty)
            return {"count": 0, "record": []}

        self.terminal(getalllog=page)
        self.order("getalllog")
        self.assertEqual((marked, self.known.dirty), (["2026-03-26"], ""))

    def test_not_marked(self) -> None:
        """Where the doubt can't be marked nothing is asked for, and the order goes back."""
        terminal = self.doubtful()
        self.terminals.given["mark_dirty"] = AWAY
        self.order("getalllog")
        self.assertEqual((terminal.words(), self.event()), ([], OrderEvent.PUT_BACK))

    def test_not_all_of_it(self) -> None:
        """Some days of it prove nothing, and leave the doubt alone."""
        self.doubtful()
        ranges: tuple[dict[str, Any], ...] = (
            {"from": "2026-01-01"},
            {"to": "2026-12-31"},
            {"from": DAY, "to": "2026-04-03"},
        )
        for days in ranges:
            self.order("getalllog", **days)
        self.order("getnewlog")
        self.assertEqual((self.terminals.asked("prove"), self.known), ([], Proof(dirty=DAY)))

    def test_not_whole(self) -> None:
        """A list that did not come whole, was refused or not answered leaves the doubt."""
        repeated = {"count": 9, "from": 0, "to": 2, "record": LOGS[:2]}
        terminal = self.doubtful()
        for reply in (repeated, {"result": False, "reason": 1, "msg": "device busy"}, SILENT):
            terminal.replies["getalllog"] = reply
            self.order("getalllog", 70)
        self.assertEqual((self.terminals.asked("prove"), self.known.dirty), ([], DAY))
        self.assertEqual(len(self.ended), 3)

    def test_not_kept(self) -> None:
        """Pages that could not be kept leave it too."""
        self.doubtful()
        self.kept.failure = AWAY
        self.order("getalllog")
        self.assertEqual((self.terminals.asked("prove"), self.known.dirty), ([], DAY))

    def test_proof_not_kept(self) -> None:
        """The order is done also when what it proves could not be kept, or the terminal changed hands."""
        self.doubtful()
        for failure in (AWAY, False):
            self.terminals.given["prove"] = failure
            self.order("getalllog")
        self.assertEqual([outcome.event for outcome in self.ended], [OrderEvent.SAID_TRUE] * 2)
        self.assertEqual(self.known.dirty, DAY)


class CountTests(OrderedCase):
    """What is told of a list of logs."""

    def test_nothing_there(self) -> None:
        """Of a terminal without logs it is told that there were none."""
        self.terminal()
        for cmd in ("getnewlog", "getalllog"):
            self.order(cmd)
            told = {"complete": True, "pages": 0, "records": 0, "new": 0, "known": 0, "bad": 0}
            self.assertEqual(self.ended.pop().reply, told)

    def test_something_there(self) -> None:
        """Else how many there were."""
        terminal = self.terminal()
        terminal.logs = list(LOGS)
        self.order("getnewlog")
        told = {"complete": True, "pages": 3, "records": 5, "new": 5, "known": 0, "bad": 0}
        self.assertEqual(self.ended.pop().reply, told)
