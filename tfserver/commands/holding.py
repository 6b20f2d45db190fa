"""Replies that tell what a terminal has: kept before the end of an order is told (docs/people.md).

Of what only takes something away nothing worse can be wrong than that something is thought to be there which
is not; so where the store can't take that at the moment, the terminal's obedience is told all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from twisted.logger import Logger

from tfserver import credentials
from tfserver.commands.context import Context
from tfserver.commands.enrolling import BESIDE, SetUserInfo
from tfserver.commands.experimental import Experimental
from tfserver.commands.held import Told, is_slot, is_somebody, keep_held, plain, says_none
from tfserver.commands.passing import CleanUserLock, DeleteUserLock, GetUserLock, SetUserLock
from tfserver.commands.people import (
    CleanAdmin,
    CleanUser,
    DeleteUser,
    GetUserInfo,
    GetUserList,
    GetUserName,
    SetUserName,
)
from tfserver.commands.reading import CleanLog
from tfserver.commands.upkeep import InitSys
from tfserver.errors import StoreError
from tfserver.locks import UNLOCKED, lock_of
from tfserver.person import HeldPerson, Proof
from tfserver.store.people.holdings import Listed
from tfserver.wire import codec, lenient, times
from tfserver.wire.message import Command, RawReply
from tfserver.wire.table import keeps, minds, vocabulary

MOST_ENTRIES: Final = 200_000
"""Of a list that is longer nothing is kept: more people than any terminal takes."""
_log: Final = Logger()


class Gathered:
    """The list of everybody, as it comes page by page; what is learned while it is read stays."""

    def __init__(self, terminal: Context) -> None:
        self._terminal = terminal
        self._began = times.milliseconds(terminal.now())
        self._entries: list[Listed] = []

    def add(self, records: list[Any]) -> None:
        """A page came; of entries that nobody can read nothing is known."""
        self._entries += [entry for entry in map(_entry, records) if entry is not None]
        del self._entries[MOST_ENTRIES + 1 :]

    def begin_again(self) -> None:
        """The list is read from its beginning again."""
        self._began = times.milliseconds(self._terminal.now())
        self._entries = []

    async def keep(self) -> None:
        """That is the whole list, unless it is longer than any can be."""
        if len(self._entries) <= MOST_ENTRIES:
            await self._terminal.store.holdings.listed(self._terminal.sn, self._entries, self._began)


vocabulary.gathers(GetUserList, Gathered)


def _entry(told: Any) -> Listed | None:
    if not isinstance(told, dict):
        return None
    enrollid = _integer(told.get("enrollid"))
    if enrollid is None or not is_somebody(enrollid):
        return None
    backupnum = _integer(told.get("backupnum"))
    return enrollid, backupnum if is_slot(backupnum) else None, _integer(told.get("admin"))


def _integer(value: Any) -> int | None:
    try:
        return lenient.integer(value)
    except ValueError:
        return None


@minds(GetUserInfo)
async def mind_missing(order: GetUserInfo, reply: RawReply, terminal: Context) -> None:
    """It was asked for a credential that it does not have."""
    if says_none(reply):
        await terminal.store.holdings.gone(terminal.sn, order.enrollid, order.backupnum)


@keeps(SetUserInfo)
async def keep_put(order: SetUserInfo, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It took a credential, and others that stood beside it; what it made of them is not proven."""
    fields = order.said(terminal.cloudtime())
    person = HeldPerson(ours=True, name=fields.get("name"), admin=fields.get("admin"))
    records = {order.backupnum: fields["record"]}
    records |= {slot: fields[name] for name, slot in BESIDE.items() if name in fields}
    for backupnum, record in records.items():
        told = Told(order.enrollid, backupnum, plain(backupnum, str(record)))
        await keep_held(terminal, told, Proof.ACCEPTED, person)
    return _shown(order, reply)


@keeps(DeleteUser)
async def keep_deleted(order: DeleteUser, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It does not have that any more, or never had."""
    await _done(terminal, terminal.store.holdings.gone(terminal.sn, order.enrollid, order.backupnum))
    return _shown(order, reply)


@keeps(GetUserName)
async def keep_name(order: GetUserName, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It told a person's name."""
    found = _shown(order, reply)
    if "name" in found:
        # what was asked is told in any case: a name that is not kept is read again by the next plan
        await _done(terminal, terminal.store.holdings.named(terminal.sn, {order.enrollid: found["name"]}))
    return found


@keeps(SetUserName)
async def keep_names(order: SetUserName, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It took names of people that it has."""
    names = {person.enrollid: person.name for person in order.record}
    await terminal.store.holdings.named(terminal.sn, names)
    return _shown(order, reply)


@keeps(GetUserLock)
async def keep_lock(order: GetUserLock, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It told when a person may pass."""
    found = _shown(order, reply)
    await terminal.store.holdings.locked(terminal.sn, {order.enrollid: lock_of(found)})
    return found


@keeps(SetUserLock)
async def keep_locks(order: SetUserLock, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It took when people may pass; of those of whom only a part was said it is not known."""
    locks = {fields["enrollid"]: lock_of(fields) for fields in order.fields()["record"]}
    await terminal.store.holdings.locked(terminal.sn, locks)
    return _shown(order, reply)


@keeps(DeleteUserLock)
async def keep_unlocked(order: DeleteUserLock, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It knows no more when a person may pass."""
    await terminal.store.holdings.locked(terminal.sn, {order.enrollid: UNLOCKED})
    return _shown(order, reply)


@keeps(CleanUserLock)
async def keep_all_unlocked(order: CleanUserLock, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It knows that of nobody any more."""
    await _done(terminal, terminal.store.holdings.all_locked(terminal.sn, UNLOCKED))
    return _shown(order, reply)


@keeps(CleanAdmin)
async def keep_demoted(order: CleanAdmin, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It has no administrators any more."""
    await _done(terminal, terminal.store.holdings.demoted(terminal.sn))
    return _shown(order, reply)


@keeps(CleanUser)
async def keep_cleared(order: CleanUser, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It has nobody any more."""
    await _done(terminal, terminal.store.holdings.cleared(terminal.sn))
    return _shown(order, reply)


@keeps(CleanLog)
async def keep_emptied(order: CleanLog, reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It has no punches any more."""
    await _done(terminal, terminal.store.holdings.rooms.emptied(terminal.sn))
    return _shown(order, reply)


async def keep_nothing(order: Command[Any], reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It has neither people nor punches any more."""
    await _done(terminal, terminal.store.holdings.cleared(terminal.sn))
    await _done(terminal, terminal.store.holdings.rooms.emptied(terminal.sn))
    return _shown(order, reply)


keeps(InitSys)(keep_nothing)


async def keep_faceless(order: Command[Any], reply: RawReply, terminal: Context) -> dict[str, Any]:
    """It has no face of a person any more."""
    for row in credentials.TABLE:
        for backupnum in range(row.first, row.last + 1) if row.kind is credentials.Kind.FACE else ():
            gone = terminal.store.holdings.gone(terminal.sn, order.fields()["enrollid"], backupnum)
            await _done(terminal, gone)
    return _shown(order, reply)


for _word, _keeper in (("cleandatebase", keep_nothing), ("deleteuserface", keep_faceless)):
    _command = vocabulary.find(_word)
    assert _command is not None and issubclass(_command, Experimental)
    keeps(_command)(_keeper)


async def _done(terminal: Context, keeping: Awaitable[Any]) -> None:
    try:
        await keeping
    except StoreError as failed:
        told = "{sn}: it is not kept yet what changed there: {failed}"
        _log.warn(told, failed=failed, **terminal.about)


def _shown(order: Command[Any], reply: RawReply) -> dict[str, Any]:
    return codec.read_reply(order.reply_type(), reply).shown()
