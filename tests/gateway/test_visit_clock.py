"""The time that a terminal shows is asked for, and set right where it is surely wrong."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import AskedCase
from tests.gateway.stand_ins import SN
from tfserver.model import Admission, ClockEntry, Registration

ROUND = ["gettime", "getnewlog", "getalllog"]


class ClockTests(AskedCase):
    """The time it shows."""

    def test_right(self) -> None:
        """A clock that is a little off is left alone."""
        terminal = self.terminal()
        terminal.shows = -4.0
        self.run_for(20)
        self.assertNotIn("settime", terminal.words())

    def test_wrong(self) -> None:
        """One that is further off is set, before anything is fetched."""
        for n, ahead in enumerate((-8.0, 8.0)):
            terminal = self.terminal(f"{SN}{n}", f"c{n}")
            terminal.shows = ahead
            self.run_for(20)
            self.assertEqual(terminal.firsts(), ["gettime", "settime", "getnewlog", "getalllog"])
            [set_to] = [command for command in terminal.asked if command["cmd"] == "settime"]
            self.assertLess(abs(_seconds(set_to["cloudtime"]) - _seconds(self._shown())), 10)

    def _shown(self) -> str:
        return self.stand.now().strftime("%Y-%m-%d %H:%M:%S")

    def test_slow_answer(self) -> None:
        """An answer that was long on its way is no wrong clock."""
        terminal = self.terminal()

        def late(command: dict[str, Any]) -> dict[str, Any]:
            """It looked at its clock, and then took ten seconds."""
            found = terminal._own(command)
            self.stand.clock.rightNow += 10
            return found

        terminal.replies["gettime"] = late
        self.run_for(20)
        self.assertNotIn("settime", terminal.words())

    def test_far_off(self) -> None:
        """How far it was off is kept, so that what it recorded is dated right, and looked for where it is."""
        terminal = self.terminal()
        terminal.shows = -86_400.0 * 9000
        self.run_for(20)
        timeline = self.terminals.asked("set_clock")[-1][1]
        self.assertEqual(len(timeline), 2)
        self.assertLess(timeline[0].drift, -8999 * 86_400_000)
        [asked] = [command for command in terminal.asked if command["cmd"] == "getalllog"]
        self.assertLess(asked["from"], "2002-01-01")

    def test_new_offset(self) -> None:
        """A clock that runs at an offset which is not the zone's any more is set to the new one."""
        clock = (ClockEntry(0, -3600),)
        self.terminals.given["register"] = Registration(Admission.APPROVED, timezone="UTC", clock=clock)
        terminal = self.terminal()
        terminal.link.context.timeline = clock
        terminal.shows = -3600.0
        self.run_for(20)
        self.assertIn("settime", terminal.words())
        self.assertEqual(self.terminals.asked("set_clock")[-1][1][-1].offset, 0)

    def test_unreadable(self) -> None:
        """What can't be read as a time changes nothing."""
        terminal = self.terminal(gettime={"time": "noon"})
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ROUND)


def _seconds(text: str) -> int:
    hours, minutes, seconds = text[11:].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)
