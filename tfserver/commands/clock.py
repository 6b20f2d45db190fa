"""The terminal's clock (protocol §5.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from tfserver.wire.message import Command, Reply
from tfserver.wire.table import command


class Clock(Reply):
    """The terminal's local time."""

    time: str | None = None


@command
class SetTime(Command[Reply]):
    """Set the clock right: to the terminal's own local time and to nothing else."""

    tells_time: ClassVar[bool] = True

    def subject(self) -> str:
        """It changes the clock."""
        return "clock"

    def said(self, cloudtime: str) -> dict[str, Any]:
        """The time it is when it goes out."""
        return {"cloudtime": cloudtime}


@command
class GetTime(Command[Clock]):
    """Ask what time the terminal shows."""

    def subject(self) -> str:
        """It changes nothing."""
        return ""
