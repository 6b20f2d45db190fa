"""Users that terminals push (protocol §4.3)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from tfserver.commands.context import Context
from tfserver.credentials import PRIVATE, Content, is_bare, problem_with, slots_of
from tfserver.model import rfc3339
from tfserver.store.shelf import Bad
from tfserver.store.users import Origin, Profile
from tfserver.wire import codec, lenient
from tfserver.wire.message import Request, Response
from tfserver.wire.table import handles

MOST_EXTRA: Final = 40
MOST_TEXT: Final = 200
MOST_NAME: Final = 256
MOST_RAW: Final = 4096


class SendUser(Request):
    """One credential of one person, or a bare person."""

    tells_time: ClassVar[bool] = True

    enrollid: Any = None
    name: str = ""
    backupnum: Any = None
    admin: int = 0
    record: Any = ""


@handles(SendUser)
async def senduser(request: SendUser, terminal: Context) -> Response:
    """Keep the person and the sealed credential, as this terminal has them."""
    now = terminal.now()
    await terminal.keep_clock(now)
    try:
        enrollid = lenient.integer(request.enrollid)
        backupnum = None if request.backupnum is None else lenient.integer(request.backupnum)
        record = _record(request.record, backupnum)
    except ValueError as wrong:
        await terminal.store.punches.append(terminal.sn, None, [], [_unreadable(request, str(wrong))])
        return Response()
    origin = Origin(*terminal.make, rfc3339(now))
    profile = Profile(request.name[:MOST_NAME], request.admin, _extra(request.rest))
    credential = _credential(backupnum, record)
    await terminal.store.users.put(terminal.sn, enrollid, profile, credential, origin)
    return Response()


def _record(sent: Any, backupnum: int | None) -> str:
    record = lenient.text(sent)
    slots = slots_of(backupnum) if backupnum is not None else None
    if slots is not None and slots.content is not Content.TEMPLATE:
        record = codec.without_data_url(record.strip())
    if backupnum is not None and not is_bare(backupnum, record):
        problem = problem_with(backupnum, record)
        if problem is not None:
            raise ValueError(problem)
    return record


def _credential(backupnum: int | None, record: str) -> tuple[int, str] | None:
    if backupnum is None or is_bare(backupnum, record):
        return None
    return backupnum, record


def _unreadable(request: SendUser, why: str) -> Bad:
    """The frame without its record: nothing biometric and no password lies open in the quarantine."""
    told = {
        "cmd": "senduser",
        "enrollid": request.enrollid,
        "name": request.name[:MOST_NAME],
        "backupnum": request.backupnum,
        "record": {"redacted": True, "bytes": len(str(request.record))},
    }
    return Bad(f"senduser: {why}", msgspec.json.encode(told)[:MOST_RAW].decode("utf-8", "ignore").encode())


def _extra(rest: dict[str, Any]) -> dict[str, Any]:
    """What else was sent, as far as it is short and plain: pictures and templates are long."""
    plain = {
        key: value
        for key, value in rest.items()
        if _is_plain(value) and len(key) <= MOST_TEXT and key.strip().lower() not in PRIVATE
    }
    return dict(list(plain.items())[:MOST_EXTRA])


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MOST_TEXT)
