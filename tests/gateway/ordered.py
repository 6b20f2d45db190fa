"""A fleet without catch-up, and orders for its terminals that a test puts."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import AskedCase
from tests.gateway.stand_ins import SN
from tfserver.config import CatchUp
from tfserver.store.outbox import Look, Outcome, Taken
from tfserver.wire.table import vocabulary


class OrderedCase(AskedCase):
    """An outbox that hands out what is ``waiting`` and notes what is told as ``ended``."""

    catchup = CatchUp(enabled=False)

    def setUp(self) -> None:
        """Nothing waits."""
        super().setUp()
        self.waiting: list[Taken] = []
        self.ended: list[Outcome] = []
        self.stand.outbox.given["take"] = lambda *_: Look(self.waiting.pop()) if self.waiting else Look()
        self.stand.outbox.given["finish"] = self._finish
        self.stand.outbox.given["progress"] = True

    def _finish(self, sn: str, connection: str, taken: Taken, outcome: Outcome, *_: Any) -> Look:
        self.ended.append(outcome)
        return Look()

    def order(self, cmd: str, seconds: float = 1, **args: Any) -> None:
        """An order for the first terminal, and some time for it."""
        command = vocabulary.find(cmd)
        assert command is not None
        self.waiting.append(Taken("o1", cmd, args, 300.0, 1, command.danger))
        self.fleet.post.wake(SN)
        self.run_for(seconds)
