"""Starting anew, and keeping people from the terminal meanwhile (protocol §5.1, §5.3)."""

from __future__ import annotations

from typing import ClassVar

from tfserver.commands.fields import SLOW, USERS
from tfserver.order import Danger
from tfserver.wire.message import Command, Reply
from tfserver.wire.table import command

USE = "use"
"""The subject of orders that stop or resume the use of the terminal by people before it."""


@command
class Reboot(Command[Reply]):
    """Start the terminal anew."""

    danger: ClassVar[Danger] = Danger.ONCE
    ends_connection: ClassVar[bool] = True


@command
class InitSys(Command[Reply]):
    """Delete all people and punches from the terminal; its settings stay."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    within: ClassVar[float] = SLOW
    admin_only: ClassVar[bool] = True
    ends_connection: ClassVar[bool] = True

    def subject(self) -> str:
        """It is about everybody."""
        return USERS


@command
class DisableDevice(Command[Reply]):
    """Stop people from using the terminal, e.g. while much is written to it."""

    danger: ClassVar[Danger] = Danger.ONCE
    local_use: ClassVar[bool | None] = False

    def subject(self) -> str:
        """It is never overtaken by its opposite."""
        return USE


@command
class EnableDevice(Command[Reply]):
    """Let people use the terminal again."""

    danger: ClassVar[Danger] = Danger.ONCE
    local_use: ClassVar[bool | None] = True

    def subject(self) -> str:
        """It is never overtaken by its opposite."""
        return USE
