"""Replies to the commands about logs (protocol §5.2)."""

from __future__ import annotations

from typing import Any

from tfserver.simulator.answers import Answer, Asked, Done, Refused, ReplyFunction
from tfserver.simulator.dialects import Dialect
from tfserver.simulator.logbook import Log
from tfserver.simulator.memory import Memory
from tfserver.simulator.paging import LOGS_A_PAGE, Cursor
from tfserver.simulator.replies_users import span
from tfserver.simulator.times import DAY, day_of, second_of

NO_LOGS = Refused(1, "can not find logs")


def getnewlog(asked: Asked) -> Answer:
    """One page of new logs; giving a page out moves the pointer for good."""
    logs = asked.memory.logs
    if asked.command.get("stn"):
        asked.memory.cursor = Cursor("getnewlog", logs.unread(), LOGS_A_PAGE, begins_at=logs.first_new)
    cursor = asked.memory.reading("getnewlog")
    answer = _page(asked, cursor)
    if cursor is not None:
        logs.mark_read(cursor.begins_at + cursor.position)
    return answer


def getalllog(asked: Asked) -> Answer:
    """One page of the logs between two dates (both included); the pointers stay."""
    command = asked.command
    if command.get("stn"):
        found = asked.memory.logs.everything()
        if asked.dialect.narrows:
            first, last = _bound(command.get("from"), 0), _bound(command.get("to"), DAY - 1)
            if "wrong" in (first, last):
                return Refused(1, "parameter error")
            found = _between(found, first, last)
        asked.memory.cursor = Cursor("getalllog", found, LOGS_A_PAGE)
        if not found and asked.dialect.speaks:
            return NO_LOGS
    return _page(asked, asked.memory.reading("getalllog"))


def cleanlog(asked: Asked) -> Answer:
    """Delete all logs, also those that nobody took."""
    asked.memory.clean_logs()
    return Done()


def record_of(log: Log, memory: Memory, dialect: Dialect) -> dict[str, Any]:
    """One log as this dialect writes it; AiFace adds ``name``, ``aliasid`` and ``note`` (protocol §4.2)."""
    fields = log.fields()
    if dialect.speaks:
        user = memory.users.get(log.enrollid)
        fields["name"] = "" if user is None else user.name
        fields["aliasid"] = str(log.enrollid)
        fields["note"] = {"msg": "door"} if log.enrollid == 0 else {}
    return fields


def _page(asked: Asked, cursor: Cursor | None) -> Answer:
    """The next page; ``count`` is the total of the list (protocol §6.1)."""
    start, found = (0, ()) if cursor is None else cursor.turn()
    if cursor is None or not found:
        return Done({"count": 0, "from": 0, "to": 0, "record": []})
    record = [record_of(log, asked.memory, asked.dialect) for log in found]
    return Done({"count": len(cursor.items), **span(asked, start, len(found)), "record": record})


def _bound(text: object, within_day: int) -> int | str | None:
    """The second of a date (plus ``within_day``) or date-time; None if not given, ``wrong`` if neither."""
    if text is None:
        return None
    day = day_of(text)
    if day is not None:
        return day + within_day
    second = second_of(text)
    return "wrong" if second is None else second


def _between(logs: list[Log], first: int | str | None, last: int | str | None) -> list[Log]:
    """The logs of these seconds, both included."""
    if isinstance(first, int):
        logs = [log for log in logs if log.second >= first]
    if isinstance(last, int):
        logs = [log for log in logs if log.second <= last]
    return logs


LOG_REPLIES: dict[str, ReplyFunction] = {
    "getnewlog": getnewlog,
    "getalllog": getalllog,
    "cleanlog": cleanlog,
}
