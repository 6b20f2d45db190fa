"""Log records: plain ones are read strictly and fast, all others leniently (protocol §4.2)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from tfserver.privacy import opened, short
from tfserver.store.shelf import Bad
from tfserver.wire import codec, lenient, times

MOST_RAW: Final = 4096
MOST_EXTRA_KEYS: Final = 40
_OWN: Final = frozenset({"enrollid", "time", "mode", "inout", "event", "temp", "image"})

Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class PlainRecord(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A record exactly as the documents have it. What the others may have besides, it has not."""

    temp: ClassVar[None] = None
    image: ClassVar[str] = ""
    extra: ClassVar[dict[str, Any]] = {}

    enrollid: Integer
    time: Annotated[str, Meta(min_length=1, max_length=times.MOST_TEXT)]
    mode: Integer = 0
    inout: Integer = 0
    event: Integer = 0


class LogRecord(msgspec.Struct):
    """One event at the terminal; ``extra`` is what else the firmware sent with it."""

    enrollid: int
    time: str
    mode: int = 0
    inout: int = 0
    event: int = 0
    temp: float | None = None
    image: str = ""
    extra: dict[str, Any] = {}


def read_record(item: Any) -> LogRecord:
    """Read one record leniently; ValueError says what makes it unusable for ever."""
    if not isinstance(item, dict):
        raise ValueError("not an object")
    fields = {key.strip(): value for key, value in item.items() if value is not None}
    time = fields.get("time")
    if not isinstance(time, str | int | float) or isinstance(time, bool) or not str(time).strip():
        raise ValueError("time: missing")
    if "enrollid" not in fields:
        raise ValueError("enrollid: missing")
    try:
        enrollid = lenient.integer(fields["enrollid"])
    except ValueError as wrong:
        raise ValueError(f"enrollid: {wrong}") from wrong
    log = LogRecord(enrollid, str(time).strip()[:MOST_RAW], extra=_extra(fields))
    for name in ("mode", "inout", "event"):
        setattr(log, name, _integer_or_zero(fields, name, log.extra))
    log.temp = _temperature(fields, log.extra)
    image = fields.get("image")
    log.image = codec.without_data_url(image) if isinstance(image, str) else ""
    return log


def _integer_or_zero(fields: dict[str, Any], name: str, extra: dict[str, Any]) -> int:
    """A missing integer is 0; an unreadable one too, and stays to be seen."""
    if name not in fields:
        return 0
    try:
        return lenient.integer(fields[name])
    except ValueError:
        extra[name] = short(fields[name])
        return 0


def _temperature(fields: dict[str, Any], extra: dict[str, Any]) -> float | None:
    if "temp" not in fields:
        return None
    try:
        return lenient.temperature(fields["temp"])
    except ValueError:
        extra["temp"] = short(fields["temp"])
        return None


def _extra(fields: dict[str, Any]) -> dict[str, Any]:
    """Everything nobody described, private and long values by their size only."""
    rest = [(key, value) for key, value in fields.items() if key not in _OWN]
    return opened(_without_image(dict(rest[:MOST_EXTRA_KEYS])))


def _without_image(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key.strip().lower() != "image"}


def bad_record(item: Any, why: str) -> Bad:
    """What goes to the quarantine of a record that can't be used: nothing private, and bounded."""
    told = opened(_without_image(item)) if isinstance(item, dict) else short(item)
    return Bad(why, _cut(msgspec.json.encode(told)))


def _cut(raw: bytes) -> bytes:
    """So much of a text as may be kept, without half a letter at its end."""
    return raw[:MOST_RAW].decode("utf-8", "ignore").encode()
