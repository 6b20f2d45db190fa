"""All that is kept of one person, in words of its own: one JSON object a line, made piece by piece.

What stands in credentials, and pictures, come only where they are asked for by somebody who may have them.
Of what others are named in as well there is only that it happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

import msgspec

from tfserver.commander import Commander
from tfserver.credentials import label_of
from tfserver.store.archive.database import Archive
from tfserver.store.archive.filter import Filter
from tfserver.store.archive.forms import Form
from tfserver.store.audit import NEWEST, Audit, AuditRecord
from tfserver.store.export import Export
from tfserver.store.feed import Feed
from tfserver.store.people.directory import Directory
from tfserver.store.people.holdings import Holdings
from tfserver.store.people.told import Told

AUDIT_PAGE: Final = 500
_LISTS: Final = ("enrollids", "members", "add", "remove", "users")
_DEEP: Final = 5


class Places(NamedTuple):
    """Where something of a person may be."""

    directory: Directory
    holdings: Holdings
    told: Told
    feed: Feed
    archive: Archive
    audit: Audit
    commander: Commander


class _Punch(msgspec.Struct):
    uid: str


_PUNCH: Final = msgspec.json.Decoder(_Punch)


class PersonalData:
    """The lines about one person, as an export. ``opens``: with records and pictures."""

    def __init__(self, places: Places, enrollid: int, *, opens: bool) -> None:
        self._places = places
        self._enrollid = enrollid
        self._opens = opens
        self._lines = self._all()

    async def open(self, after: str) -> None:
        """Begin; there is no place to go on behind."""

    async def next(self) -> bytes | None:
        """The next lines, None behind the last."""
        # in Python 3.11 anext with a default can't be told that what it awaits has failed
        try:
            return await anext(self._lines)
        except StopAsyncIteration:
            return None

    async def _all(self) -> AsyncIterator[bytes]:
        yield _line("person_data", enrollid=self._enrollid, records=self._opens)
        async for part in self._in_directory():
            yield part
        async for part in self._at_terminals():
            yield part
        async for part in self._punches():
            yield part
        async for part in self._done():
            yield part
        # who reads it can tell a whole file from one that was cut off
        yield _line("end")

    async def _in_directory(self) -> AsyncIterator[bytes]:
        known = await self._places.directory.get(self._enrollid)
        if known is None:
            return
        yield _line("person", person=known.person)
        for one in known.credentials:
            opened = await self._opened(one.backupnum)
            yield _line(
                "credential",
                backupnum=one.backupnum,
                label=label_of(one.backupnum),
                bytes=one.bytes,
                made=one.made,
                **opened,
            )
        for clash in known.collisions:
            yield _line("collision", collision=clash)

    async def _opened(self, backupnum: int) -> dict[str, str]:
        found = await self._places.directory.record(self._enrollid, backupnum) if self._opens else None
        return {"record": found[0]} if found else {}

    async def _at_terminals(self) -> AsyncIterator[bytes]:
        told = self._places.told
        for sn, profile in await told.profiles(self._enrollid):
            yield _line("told", sn=sn, name=profile.name, admin=profile.admin, extra=profile.extra)
        for slot in await told.slots(self._enrollid):
            slot = await told.opened(self._enrollid, slot) if self._opens else slot
            record = {} if slot.record is None else {"record": slot.record}
            label = label_of(slot.backupnum)
            yield _line(
                "told_credential",
                sn=slot.sn,
                backupnum=slot.backupnum,
                label=label,
                origin=slot.told.origin,
                **record,
            )
        for sn, person, slots in await self._places.holdings.where(self._enrollid):
            held = [
                {
                    "backupnum": n,
                    "label": label_of(n),
                    "proof": one.proof,
                    "recognised": one.recognised or None,
                }
                for n, one in sorted(slots.items())
            ]
            yield _line(
                "held",
                sn=sn,
                name=person.name if person else None,
                admin=person.admin if person else None,
                seen=person.seen or None if person else None,
                credentials=held,
            )

    async def _punches(self) -> AsyncIterator[bytes]:
        wanted = Filter(enrollid=self._enrollid)
        export = Export(self._places.feed, self._places.archive, Form.NDJSON, wanted)
        await export.open("0-0")
        while (lines := await export.next()) is not None:
            # each line is an object of its own, and no text in it has a line break
            yield b'{"data":"punch",' + lines[1:].replace(b"\n{", b'\n{"data":"punch",')
            if self._opens:
                uids = [_PUNCH.decode(line).uid for line in lines.splitlines()]
                for uid, picture in await self._places.told.pictures(uids):
                    yield _line("picture", uid=uid, picture=picture)

    async def _done(self) -> AsyncIterator[bytes]:
        """What the audit has, and the orders that it names as far as they are kept."""
        before, orders = NEWEST, set[str]()
        while True:
            page = await self._places.audit.page(before, 0, AUDIT_PAGE)
            lines = b""
            for record in page:
                if names(record.detail, self._enrollid):
                    lines += _audited(record, self._enrollid)
                    order_id = record.detail.get("order")
                    orders |= {order_id} if isinstance(order_id, str) else set()
            yield lines
            if len(page) < AUDIT_PAGE:
                break
            before = page[-1].id
        for order_id in sorted(orders):
            yield await self._order(order_id)

    async def _order(self, order_id: str) -> bytes:
        order = await self._places.commander.get(order_id)
        if order is None:
            return b""
        whole = msgspec.to_builtins(order)
        if order.args.get("enrollid") != self._enrollid:
            # others are named in it as well
            whole = {name: value for name, value in whole.items() if name not in ("args", "reply")}
        return _line("order", order=whole)


def names(value: Any, enrollid: int, deep: int = _DEEP) -> bool:
    """Whether a person is named by number somewhere in what the audit or an order tells."""
    if deep == 0:
        return False
    if isinstance(value, list):
        return any(names(one, enrollid, deep - 1) for one in value)
    if not isinstance(value, dict):
        return False
    if value.get("enrollid") == enrollid:
        return True
    listed = (value[name] for name in _LISTS if isinstance(value.get(name), list))
    return any(enrollid in one for one in listed) or any(
        names(one, enrollid, deep - 1) for one in value.values()
    )


def _audited(record: AuditRecord, enrollid: int) -> bytes:
    args = record.detail.get("args")
    whose = args.get("enrollid") if isinstance(args, dict) else record.detail.get("enrollid")
    told = msgspec.to_builtins(record)
    if whose != enrollid:
        del told["detail"]
    return _line("audit", audit=told)


def _line(data: str, **fields: Any) -> bytes:
    return msgspec.json.encode({"data": data, **fields}) + b"\n"
