"""Users that terminals push, or tell when asked (protocol §4.3, §5.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from tfserver.commands.context import Context
from tfserver.commands.held import Told, keep_held
from tfserver.credentials import CARD, Content, is_bare, problem_with, slots_of
from tfserver.model import rfc3339
from tfserver.person import Proof
from tfserver.privacy import is_private, redacted, short
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
    """Keep what was pushed, and set the clock; not while punches need all there is."""
    if terminal.services.pressure.yields("senduser"):
        return Response(False)
    now = terminal.now()
    await terminal.keep_clock(now)
    await keep_person(request, request.word(), terminal, now)
    return Response()


async def keep_person(told: SendUser, word: str, terminal: Context, now: datetime) -> None:
    """Keep the person and the sealed credential, as this terminal has them; what can't be read is put aside.

    ``word`` is what brought them: a terminal tells the same of a person whether it pushes or is asked.
    """
    try:
        enrollid = lenient.integer(told.enrollid)
        backupnum = None if told.backupnum is None else lenient.integer(told.backupnum)
        record = _record(told.record, backupnum)
    except ValueError as wrong:
        await terminal.store.punches.append(terminal.sn, None, [], [_unreadable(told, word, str(wrong))])
        return
    origin = Origin(*terminal.make, rfc3339(now))
    profile = Profile(told.name[:MOST_NAME], told.admin, _extra(told.rest))
    credential = _credential(backupnum, record)
    await terminal.store.users.put(terminal.sn, enrollid, profile, credential, origin)
    told_now = Told(enrollid, backupnum, record, profile.name, profile.admin)
    await keep_held(terminal, told_now, Proof.READ)


def _record(sent: Any, backupnum: int | None) -> str:
    record = lenient.text(sent)
    slots = slots_of(backupnum) if backupnum is not None else None
    if slots is not None and slots.content is not Content.TEMPLATE:
        record = codec.without_data_url(record.strip())
    if backupnum is not None and not is_bare(backupnum, record):
        problem = problem_with(backupnum, record)
        if problem is not None:
            raise ValueError(problem)
    # some firmware tells it as text with zeros before it; of a password they would be digits
    return str(int(record)) if backupnum == CARD and record else record


def _credential(backupnum: int | None, record: str) -> tuple[int, str] | None:
    if backupnum is None or is_bare(backupnum, record):
        return None
    return backupnum, record


def _unreadable(told: SendUser, word: str, why: str) -> Bad:
    """The frame without its record: nothing biometric and no password lies open in the quarantine. Nor does a
    name whose number can't be read: nobody would find it when the person is to be forgotten."""
    open_part = {
        "cmd": word,
        "enrollid": short(told.enrollid),
        "name": told.name[:MOST_NAME] if _is_number(told.enrollid) else redacted(told.name),
        "backupnum": short(told.backupnum),
        "record": {"redacted": True, "bytes": len(str(told.record))},
    }
    raw = msgspec.json.encode(open_part)[:MOST_RAW].decode("utf-8", "ignore").encode()
    return Bad(f"{word}: {why}", raw)


def _is_number(value: Any) -> bool:
    try:
        lenient.integer(value)
    except ValueError:
        return False
    return True


def _extra(rest: dict[str, Any]) -> dict[str, Any]:
    """What else was sent, as far as it is short and plain: pictures and templates are long."""
    plain = {
        key: short(value)
        for key, value in rest.items()
        if _is_plain(value) and len(key) <= MOST_TEXT and not is_private(key)
    }
    return dict(list(plain.items())[:MOST_EXTRA])


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= MOST_TEXT)
