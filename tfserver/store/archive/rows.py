"""A punch as JSON and as a row: each gives the other back, whatever stands in it.

What the columns can't hold as it is (a number of more than 64 bits, a field that a newer server wrote, a NUL
in a text) makes the whole JSON stand in the column ``body`` besides, so that nothing is lost by archiving.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.model import Clock, Kind, canonical_sn, rfc3339
from tfserver.store.archive.tables import COLUMNS

Row = tuple[Any, ...]
"""The values of ``tables.COLUMNS``; instants as text."""
Entry = tuple[str, str]
"""A place in the feed, and the JSON of the punch that stands there."""

_Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Name = Annotated[str, Meta(max_length=500)]
"""What stands in an index: PostgreSQL's have a bound of some 2700 bytes."""
_NUL: Final = "\\u0000"
"""How JSON writes what no text of PostgreSQL can hold."""


class Place(NamedTuple):
    """A place in the feed; places compare as punches arrived."""

    ms: int
    seq: int

    def __str__(self) -> str:
        return f"{self.ms}-{self.seq}"

    @property
    def next(self) -> Place:
        """The first place behind it."""
        return Place(self.ms, self.seq + 1)

    @property
    def previous(self) -> Place:
        """The last place before it."""
        return Place(self.ms, self.seq - 1) if self.seq else Place(self.ms - 1, _MOST)


_MOST: Final = 2**63 - 2


def place_of(text: str) -> Place:
    """Read a place such as ``1775000000000-3``; ``0`` is the beginning. What is beyond all punches that there
    can be stays so, in numbers that a database knows."""
    ms, _, seq = text.partition("-")
    return Place(min(int(ms), _MOST), min(int(seq or 0), _MOST))


def paced(items: Iterable[Any]) -> Iterator[Any]:
    """The items, with a pause now and then: a thread that reckons without one keeps the reactor waiting for
    milliseconds."""
    for number, item in enumerate(items, 1):
        if not number % _AT_A_STRETCH:
            time.sleep(_PAUSE_SECONDS)
        yield item


_AT_A_STRETCH: Final = 100
_PAUSE_SECONDS: Final = 0.0001


class Unreadable(ValueError):
    """This is no punch at all: no JSON object, or one without ``uid`` or ``sn``."""


class _Body(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The JSON of a punch as the columns can hold it."""

    uid: _Name
    sn: _Name
    site: _Name
    kind: Kind
    enrollid: _Number
    external_id: str | None
    device_time: str
    time: str | None
    utc: str | None
    offset_ms: _Number | None
    received: str
    mode: _Number
    verify: str | None
    inout: _Number
    event: _Number
    temp: float | None
    clock: Clock
    extra: msgspec.Raw
    direction: str | UnsetType = UNSET
    repeat_of: _Name | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Body).decode
_encode: Final = msgspec.json.Encoder().encode


def row_of(place: Place, text: str) -> Row:
    """The row of a punch that stands at a place. Unreadable when there is no way to keep it as one."""
    try:
        body = _decode(text)
    except msgspec.MsgspecError:
        return _row_beside_body(place, text)
    sn, utc, received = body.sn, body.utc, body.received
    dated = is_instant(received) and (utc is None or is_instant(utc))
    if not dated or canonical_sn(sn) != sn or _NUL in text:
        return _row_beside_body(place, text)
    direction, repeat_of = body.direction, body.repeat_of
    return (
        place[0], place[1], body.uid, sn, body.site, body.kind.value, body.enrollid, body.external_id,
        body.device_time, body.time, utc, body.offset_ms, received, body.mode, body.verify, body.inout,
        body.event, body.temp, body.clock.value, str(body.extra, "utf-8"),
        None if direction is UNSET else direction, None if repeat_of is UNSET else repeat_of, None,
    )  # fmt: skip


def body_of(row: Sequence[Any]) -> str:
    """The JSON of the punch in a row."""
    kept = row[_BODY]
    if kept is not None:
        return str(kept)
    extra, direction, repeat_of, _ = row[_EXTRA:]
    values: Any = (
        *row[2:_EXTRA],
        msgspec.Raw(extra),
        UNSET if direction is None else direction,
        UNSET if repeat_of is None else repeat_of,
    )
    found = _Body(*values)
    return _encode(found).decode()


def is_instant(text: str) -> bool:
    """Whether this is an instant as we write them, which a database can give back letter by letter."""
    try:
        return len(text) == 24 and rfc3339(datetime.fromisoformat(text)) == text
    except ValueError:
        return False


_BODY: Final = COLUMNS.index("body")
_EXTRA: Final = COLUMNS.index("extra")


def _row_beside_body(place: Place, text: str) -> Row:
    """What can stand in the columns does, so that it is found; the body stands beside it."""
    try:
        told = msgspec.json.decode(text)
    except msgspec.MsgspecError as wrong:
        raise Unreadable(f"not JSON: {wrong}") from wrong
    if not isinstance(told, dict):
        raise Unreadable("not a JSON object")
    fitting = {name: _fitting(name, told.get(name)) for name in COLUMNS[2:-1]}
    if not fitting["uid"] or not fitting["sn"]:
        raise Unreadable("no uid or no sn")
    sn = canonical_sn(fitting["sn"])
    defaults = {"site": fitting["site"] or "", "kind": fitting["kind"] or Kind.PUNCH.value}
    extra = _encode(told.get("extra")).decode()
    return (*place, *{**fitting, **defaults, "sn": sn, "extra": extra}.values(), text)


def _fitting(name: str, value: Any) -> Any:
    """A value that its column can hold, or None."""
    try:
        found = msgspec.convert(value, _TYPES[name])
    except msgspec.ValidationError:
        return None
    if isinstance(found, str) and ("\0" in found or (name in ("utc", "received") and not is_instant(found))):
        return None
    return found


_TEXTS: Final = ("external_id", "device_time", "time", "utc", "received", "verify", "clock", "direction")
_TYPES: Final[dict[str, Any]] = {
    **dict.fromkeys(("uid", "sn", "site", "kind", "repeat_of"), _Name),
    **dict.fromkeys(("enrollid", "offset_ms", "mode", "inout", "event"), _Number),
    **dict.fromkeys(_TEXTS, str),
    "temp": float,
    "extra": Any,
}
