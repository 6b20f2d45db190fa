"""Fetching punches from terminals, page by page, and letting terminals forget them (protocol §5.2, §6)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands import logs
from tfserver.commands.context import Context
from tfserver.commands.fields import END, SLOW, time_problems
from tfserver.commands.logs import SendLog
from tfserver.order import Danger
from tfserver.wire import codec
from tfserver.wire.message import Command, Problems, Profile, RawReply, Reply
from tfserver.wire.table import command, keeps

LOGS = "logs"
"""The subject of orders that change the logs on the terminal."""
_DAY = "%Y-%m-%d"

Day = Annotated[
    str,
    Meta(
        pattern=r"^\d{4}-\d\d-\d\d" + END,
        description="A day by the terminal's clock.",
        extra={"expected": "a day as YYYY-MM-DD"},
    ),
]


class LogsKept(Reply):
    """What became of the records that the terminal gave: all of them are safe."""

    records: int = 0
    new: int = 0
    known: int = 0
    bad: int = 0


@command
class GetNewLog(Command[LogsKept]):
    """Fetch the punches that the terminal was not asked for yet; it can't be undone."""

    within: ClassVar[float] = SLOW
    list_field: ClassVar[str] = "record"
    moves_pointer: ClassVar[bool] = True

    def subject(self) -> str:
        """It changes nothing but the terminal's own pointer."""
        return ""


@command
class GetAllLog(Command[LogsKept]):
    """Fetch all punches, or those of a range of days."""

    within: ClassVar[float] = SLOW
    list_field: ClassVar[str] = "record"

    since: Annotated[Day, Meta(description="The first day.")] | UnsetType = msgspec.field(
        default=UNSET, name="from"
    )
    until: Annotated[Day, Meta(description="The last day; it belongs to the range.")] | UnsetType = (
        msgspec.field(default=UNSET, name="to")
    )

    def subject(self) -> str:
        """It changes nothing."""
        return ""

    def problems(self, profile: Profile) -> Problems:
        """Whether the days exist, in this order."""
        wrong = [
            *time_problems("from", self.since, _DAY, "YYYY-MM-DD"),
            *time_problems("to", self.until, _DAY, "YYYY-MM-DD"),
        ]
        if (
            not wrong
            and isinstance(self.since, str)
            and isinstance(self.until, str)
            and self.until < self.since
        ):
            wrong.append(("to", "expected the same day as from, or a later one"))
        return wrong


@command
class CleanLog(Command[Reply]):
    """Delete all punches from the terminal."""

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    within: ClassVar[float] = SLOW
    admin_only: ClassVar[bool] = True
    needs_proof: ClassVar[bool] = True

    def subject(self) -> str:
        """It changes the logs."""
        return LOGS


@keeps(GetNewLog)
async def keep_new(order: GetNewLog, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """Keep a page before the next is asked for: the terminal gives it only once."""
    return await _keep_page(reply, terminal)


@keeps(GetAllLog)
async def keep_all(order: GetAllLog, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """Keep a page; most of it may be known already."""
    return await _keep_page(reply, terminal)


async def _keep_page(reply: RawReply, terminal: Context) -> dict[str, Any]:
    """No door is decided by what was fetched: it is a backlog, however young."""
    page, _ = codec.read(SendLog, codec.Frame(SendLog.word(), False, reply.fields))
    assert isinstance(page, SendLog)
    if not page.record:
        return LogsKept().shown()
    found = logs.read_page(page.record, terminal, terminal.services.present.read())
    kept = await terminal.store.punches.append(terminal.sn, None, found.records, found.bad)
    logs.count(terminal.services.metrics, kept, len(found.bad))
    return LogsKept(records=len(page.record), new=kept.new, known=kept.known, bad=len(found.bad)).shown()
