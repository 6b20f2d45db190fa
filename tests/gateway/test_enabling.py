"""A terminal that was disabled is enabled again, whatever became of who disabled it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.gateway.answering import SILENT, UNKNOWN, Answering, AskedCase, Reply
from tests.gateway.stand_ins import APPROVED, SN
from tfserver.commands.upkeep import DisableDevice
from tfserver.config import CatchUp
from tfserver.errors import StoreUnavailable
from tfserver.gateway.courier import Courier
from tfserver.order import Danger
from tfserver.store.models import MOST_SILENCES, Learnt
from tfserver.store.outbox import Look, Taken
from tfserver.store.proven import Proof

DISABLED = msgspec.structs.replace(APPROVED, disabled=True)


class EnablingCase(AskedCase):
    """Terminals of a process without catch-up: that is another matter."""

    catchup = CatchUp(enabled=False)

    def disable(self, terminal: Answering) -> None:
        """Disable it, as somebody's order does."""

        async def job(courier: Courier) -> None:
            """Say it."""
            await courier.obey(DisableDevice())

        self.fleet.post.courier_of(terminal.link).own(job)
        self.run_for(1)

    def enabled(self, terminal: Answering) -> int:
        """How often it was told to let people in."""
        return terminal.words().count("enabledevice")

    def came_disabled(self, connection: str = "c1", **replies: Reply) -> Answering:
        """A terminal with the mark, on a new connection."""
        self.terminals.given["register"] = DISABLED
        self.terminals.proofs[SN] = Proof(is_disabled=True)
        return self.terminal(connection=connection, **replies)


class AgainTests(EnablingCase):
    """When it is enabled."""

    def test_after_a_connect(self) -> None:
        """A terminal with the mark is enabled as soon as it comes again."""
        terminal = self.came_disabled()
        self.run_for(2)
        self.assertEqual(terminal.words(), ["enabledevice"])
        self.assertEqual(self.terminals.asked("clear_disabled"), [(SN,)])

    def test_without_a_mark(self) -> None:
        """Others are told nothing."""
        terminal = self.terminal()
        self.run_for(700)
        self.assertEqual(terminal.words(), [])

    def test_after_a_while(self) -> None:
        """One that stays connected is enabled when it was disabled for too long."""
        terminal = self.terminal()
        self.disable(terminal)
        self.run_for(590)
        self.assertEqual(self.enabled(terminal), 0)
        self.run_for(20)
        self.assertEqual(self.enabled(terminal), 1)
        self.assertEqual(self.terminals.disabled, set())

    def test_enabled_by_people(self) -> None:
        """What somebody enabled in time is left alone, and disabled anew it has its time again."""
        terminal = self.terminal()
        self.disable(terminal)
        self.run_for(500)
        self.terminals.disabled.clear()
        self.run_for(90)
        self.disable(terminal)
        self.run_for(590)
        self.assertEqual(self.enabled(terminal), 0)
        self.run_for(30)
        self.assertEqual(self.enabled(terminal), 1)

    def test_enabled_in_the_last_moment(self) -> None:
        """What people's order enabled while ours waited behind it is not said once more."""
        orders = [Taken("o1", "getdevinfo", {}, 60.0, 1, Danger.ORDINARY)]
        self.stand.outbox.given["take"] = lambda *_: Look(orders.pop()) if orders else Look()
        self.stand.outbox.given["finish"] = Look()
        terminal = self.terminal(getdevinfo=SILENT)
        self.disable(terminal)
        self.run_for(590)
        self.fleet.post.wake(SN)
        self.run_for(15)
        self.terminals.disabled.clear()
        self.run_for(30)
        self.assertEqual(terminal.words(), ["disabledevice", "getdevinfo"])

    def test_reg_again(self) -> None:
        """A reg on the same connection is no new connection: somebody may want it disabled."""
        terminal = self.terminal()
        self.disable(terminal)
        self.terminals.given["register"] = DISABLED
        self.run_for(20)
        terminal.register()
        self.run_for(20)
        self.assertEqual(self.enabled(terminal), 0)

    def test_went_elsewhere(self) -> None:
        """A terminal that is not connected here any more is not ours to enable, and not remembered."""
        terminal = self.terminal()
        self.disable(terminal)
        terminal.link.lost()
        self.run_for(2)
        self.assertEqual(self.terminals.disabled, set())

    def test_lost_before_the_answer(self) -> None:
        """One that is lost before it said that it lets people in is told again on its next connection."""
        terminal = self.came_disabled()

        def lose(command: dict[str, Any]) -> dict[str, Any]:
            """It is gone."""
            terminal.link.lost()
            return {}

        terminal.replies["enabledevice"] = lose
        self.run_for(2)
        again = self.came_disabled("c2")
        self.run_for(2)
        self.assertEqual((self.enabled(terminal), self.enabled(again)), (1, 1))

    def test_end_of_the_process(self) -> None:
        """A process that is about to end leaves it to others."""
        self.fleet.post.hold()
        terminal = self.came_disabled()
        self.run_for(30)
        self.assertEqual(self.enabled(terminal), 0)


class NotAnsweredTests(EnablingCase):
    """Terminals that do not say that they let people in."""

    def test_refused(self) -> None:
        """One that refuses is told again, each time after twice as long."""
        terminal = self.came_disabled(enabledevice={"result": False, "reason": 1})
        counts = []
        for seconds in (2, 60, 120, 240):
            self.run_for(seconds)
            counts.append(self.enabled(terminal))
        self.assertEqual(counts, [1, 2, 3, 4])
        self.assertEqual(self.terminals.disabled, {SN})
        del terminal.replies["enabledevice"]
        self.run_for(500)
        self.assertEqual(self.terminals.disabled, set())

    def test_store_away(self) -> None:
        """When it can't be kept that it obeyed, it is told again."""
        self.terminals.given["clear_disabled"] = StoreUnavailable("away")
        terminal = self.came_disabled()
        self.run_for(70)
        self.assertEqual(self.enabled(terminal), 2)
        self.assertEqual(self.terminals.disabled, {SN})

    def test_unknown_in_words(self) -> None:
        """Firmware that says that it has no such command can't have been disabled by it."""
        terminal = self.came_disabled(enabledevice=UNKNOWN)
        self.run_for(700)
        self.assertEqual(self.enabled(terminal), 1)
        self.assertEqual(self.terminals.disabled, set())

    def test_silent_kind(self) -> None:
        """Of a kind that never answers it, the mark goes after one try."""
        self.models.given["get"] = Learnt(None, {"enabledevice": MOST_SILENCES})
        terminal = self.came_disabled(enabledevice=SILENT)
        self.run_for(700)
        self.assertEqual(self.enabled(terminal), 1)
        self.assertEqual(self.terminals.disabled, set())

    def test_silent(self) -> None:
        """Silence of a kind that may know it leaves the mark, and it is told again."""
        terminal = self.came_disabled(enabledevice=SILENT)
        self.run_for(50)
        self.assertEqual(self.terminals.disabled, {SN})
        del terminal.replies["enabledevice"]
        self.run_for(60)
        self.assertEqual(self.terminals.disabled, set())
