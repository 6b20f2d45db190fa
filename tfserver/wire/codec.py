"""Bytes to messages and back: lenient in, strict out (protocol §2.1, §7).

All that firmware does to JSON is undone here and nowhere else, each quirk in one function.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
from types import UnionType
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin

import msgspec

from tfserver.wire import lenient
from tfserver.wire.message import RawReply, Reply, Request, Response

MAX_DEPTH: Final = 40
MAX_WORD: Final = 1024
MOST_RECEIPT: Final = 1024
MOST_PARTS: Final = 100_000
"""Objects and lists of a message. Of empty ones millions would fit, each as dear as a record."""
MOST_MENDED_QUOTES: Final = 400_000
"""A page of records has fewer; a message without end of names takes ten times as long to mend as to read."""
MOST_REST: Final = 200
"""Fields nobody described that are shown of a reply; settings of a terminal are a hundred."""

_encode = msgspec.json.Encoder().encode
_decode_json = msgspec.json.Decoder().decode
# A string without an end takes the rest in one go: trying again from each quote inside would be quadratic.
_TRAILING_COMMA: Final = re.compile(r'("(?:[^"\\]++|\\.)*+(?:"|\\?\Z))|,(?=\s*[\]}])', re.DOTALL)
_EDGE: Final = "\x00 \t\r\n\ufeff"
_DATA_URL: Final = re.compile(r"data:image/[^,;]{0,40};base64,", re.IGNORECASE)
RECORD_ALIASES: Final = ("log", "logs", "records", "data")


class Frame(NamedTuple):
    """A JSON object with ``cmd`` or ``ret``: its word, whether it asks, all fields, and what was mended."""

    word: str
    asks: bool
    fields: dict[str, Any]
    mended: tuple[str, ...] = ()


class Rubbish(NamedTuple):
    """A frame that is no message: why, its size, and a short hash to recognise it in the log by."""

    why: str
    size: int
    digest: str


class Noise(NamedTuple):
    """A frame without an object, e.g. the text keep-alive of one vendor demo: to be ignored."""


def decode(payload: bytes) -> Frame | Rubbish | Noise:
    """Read one frame; never raises, whatever the bytes are."""
    if len(payload) > MOST_PARTS and payload.count(b"{") + payload.count(b"[") > MOST_PARTS:
        return _rubbish("too many parts", payload)
    found = _strict(payload)
    mended: tuple[str, ...] = ()
    if found is None:
        text, mended = _text(payload)
        if "{" not in text:
            return Noise() if len(payload) <= 8 else _rubbish("no object", payload)
        if len(text) > MOST_MENDED_QUOTES and text.count('"') > MOST_MENDED_QUOTES:
            return _rubbish("too much to mend", payload)
        found, more = _mend(text)
        mended += more
    if not isinstance(found, dict):
        return _rubbish("not an object", payload)
    return _frame(found, mended) or _rubbish("neither cmd nor ret", payload)


def _rubbish(why: str, payload: bytes) -> Rubbish:
    return Rubbish(why, len(payload), hashlib.sha256(payload).hexdigest()[:12])


def _strict(payload: bytes) -> object:
    try:
        found = _decode_json(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _is_deep(found, MAX_DEPTH):
        return _scrubbed(found, MAX_DEPTH)
    return found


def _is_deep(value: Any, depth: int) -> bool:
    """Whether nesting goes further than anything we write may: the stack is shorter where we write it."""
    level = [value]
    for _ in range(depth):
        inside = [outer.values() if type(outer) is dict else outer for outer in level]
        # of a page of records most have nothing nested: seen without a look at each value
        inside = [values for values in inside if not _NESTS.isdisjoint(map(type, values))]
        if not inside:
            return False
        level = [inner for values in inside for inner in values if type(inner) in _NESTS]
    return bool(level)


_NESTS: Final = frozenset((dict, list))


def _text(payload: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode leniently: UTF-8, then GB18030, then with replacements (protocol §7 #29)."""
    for charset in ("utf-8", "gb18030"):
        try:
            text = payload.decode(charset)
        except UnicodeDecodeError:
            continue
        return text.strip(_EDGE), () if charset == "utf-8" else (charset,)
    return payload.decode("utf-8", "replace").strip(_EDGE), ("replaced",)


def _mend(text: str) -> tuple[object, tuple[str, ...]]:
    """Undo rubbish before the object, trailing commas and a second object (protocol §7 #1, #2, #31)."""
    start = text.index("{")
    mended: tuple[str, ...] = ("prefix",) if start else ()
    body = text[start:]
    tries: tuple[tuple[str, tuple[str, ...]], ...] = (
        (body, ()),
        (_TRAILING_COMMA.sub(r"\1", body), ("comma",)),
    )
    for candidate, note in tries:
        try:
            found, end = _FORGIVING.raw_decode(candidate)
        except (ValueError, RecursionError):
            continue
        if candidate[end:].strip(_EDGE):
            note = (*note, "tail")
        return _scrubbed(found, MAX_DEPTH), mended + note
    return None, mended


def _no_number(_: str) -> None:
    """NaN and Infinity are no JSON: taken as missing."""


def _finite(digits: str) -> float | None:
    found = float(digits)
    return found if found - found == 0 else None


def _bounded_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= 40 else digits


_FORGIVING: Final = json.JSONDecoder(
    strict=False, parse_constant=_no_number, parse_float=_finite, parse_int=_bounded_int
)


def _scrubbed(value: Any, depth: int) -> Any:
    """Values that can be written again: lone surrogates become U+FFFD, nesting ends somewhere."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_scrubbed(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_scrubbed(key, depth - 1): _scrubbed(item, depth - 1) for key, item in value.items()}
    return value


def _frame(found: dict[str, Any], mended: tuple[str, ...]) -> Frame | None:
    fields = _trimmed(found)
    if "cmd" not in fields and "ret" not in fields:
        fields = _trimmed(_lowered(fields))
        mended = (*mended, "case")
    for key in ("cmd", "ret"):
        word = fields.get(key)
        if isinstance(word, str) and 0 < len(word.strip()) <= MAX_WORD:
            return Frame(word.strip(), key == "cmd", fields, mended)
    return None


def _trimmed(found: dict[str, Any]) -> dict[str, Any]:
    """Keys without spaces and missing instead of null (protocol §2.1)."""
    fields = {key.strip(): value for key, value in found.items() if value is not None}
    for name in [name for name in fields if len(name) == 10 and name.lower() == "inputalarm"]:
        fields["InputAlarm"] = fields.pop(name)
    return fields


def _lowered(value: Any) -> Any:
    """Keys in lower case, at every depth (protocol §7 #30)."""
    if isinstance(value, dict):
        return {key.lower(): _lowered(item) for key, item in value.items()}
    return [_lowered(item) for item in value] if isinstance(value, list) else value


def read(request: type[Request], frame: Frame) -> tuple[Request, tuple[str, ...]]:
    """Fill a request class from a frame; also the names of the fields that could not be read.

    An unreadable field keeps its default: a batch is never lost for one bad value.
    """
    fields = _gathered(frame)
    found, unreadable = _filled(request, fields)
    described = _described(request)
    found.rest = {key: value for key, value in fields.items() if key not in described}
    return found, unreadable


S = TypeVar("S", Request, Reply)


def _filled(kind: type[S], fields: dict[str, Any]) -> tuple[S, tuple[str, ...]]:
    try:
        return msgspec.convert(fields, kind), ()
    except msgspec.ValidationError:
        return _field_by_field(kind, fields)


@functools.cache
def _described(kind: type[Request] | type[Reply]) -> frozenset[str]:
    return frozenset({"cmd", *(field.encode_name for field in msgspec.structs.fields(kind))})


def _field_by_field(kind: type[S], fields: dict[str, Any]) -> tuple[S, tuple[str, ...]]:
    values, unreadable = {}, []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in fields:
            try:
                values[field.name] = _reader(field.type)(fields[field.encode_name])
            except ValueError:
                unreadable.append(field.encode_name)
    return kind(**values), tuple(unreadable)


def _reader(annotation: Any) -> Any:
    """The lenient reader of a field's type; of ``int | None`` it is that of ``int``."""
    choices = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    plain = (get_origin(choice) or choice for choice in choices)
    return next((lenient.READERS[kind] for kind in plain if kind in lenient.READERS), lambda value: value)


def _gathered(frame: Frame) -> dict[str, Any]:
    """Put what firmware misplaces where it belongs."""
    fields = frame.fields
    if frame.word == "reg":
        return _with_devinfo(fields)
    if frame.word == "sendlog":
        return _with_records(fields)
    return fields


def _with_devinfo(fields: dict[str, Any]) -> dict[str, Any]:
    """``devinfo`` also when its keys stand at the top level (protocol §4.1, §7 #7)."""
    inner = fields.get("devinfo")
    found = _trimmed(inner) if isinstance(inner, dict) else {}
    outer = {key: value for key, value in fields.items() if key not in ("cmd", "sn", "cpusn", "devinfo")}
    return {**fields, "devinfo": {**outer, **found}}


def _with_records(fields: dict[str, Any]) -> dict[str, Any]:
    """``record`` also when it is one object or goes by another name (protocol §2.1, §7 #27)."""
    name = next((key for key in ("record", *RECORD_ALIASES) if key in fields), None)
    found = fields[name] if name else []
    if found == "":
        found = []
    return {**fields, "record": found if isinstance(found, list) else [found]}


def without_data_url(image: str) -> str:
    """A base64 picture without the ``data:`` prefix some firmware puts before it (protocol §7 #23)."""
    match = _DATA_URL.match(image[:64])
    return image[match.end() :] if match else image


def reply_of(frame: Frame) -> RawReply:
    """A terminal's reply; a missing ``result`` beside data means success (protocol §1.3).

    Without data, or with a ``result`` that can't be read, nothing was said.
    """
    fields = {key: value for key, value in frame.fields.items() if key not in ("ret", "cmd", "result")}
    if "reson" in fields:
        fields.setdefault("reason", fields.pop("reson"))
    try:
        result: bool | None = lenient.boolean(frame.fields["result"])
    except KeyError:
        result = True if fields.keys() - {"sn"} else None
    except ValueError:
        result = None
    return RawReply(frame.word, result, fields)


def read_reply(reply: type[Reply], raw: RawReply) -> Reply:
    """Fill a reply class; what can't be read keeps its default."""
    found, _ = _filled(reply, raw.fields)
    described = _described(reply)
    rest = ((key, value) for key, value in raw.fields.items() if key not in described)
    found.rest = dict(itertools.islice(rest, MOST_REST))
    return found


def receipt(fields: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """What an answer repeats, exactly as it came; what is too long for a number is nobody's receipt."""
    return {name: fields[name] for name in names if name in fields and _is_short(fields[name])}


def _is_short(value: Any) -> bool:
    return not isinstance(value, str | list | dict) or len(_encode(value)) <= MOST_RECEIPT


def encode_response(word: str, response: Response, echo: dict[str, Any], cloudtime: str | None) -> bytes:
    """Write our answer: ``ret`` first, then ``result`` and what it repeats (protocol §2.1, §4.2).

    A refusal repeats nothing and tells no time: ``count`` and ``logindex`` are the terminal's receipt.
    """
    if not response.result:
        return _encode({"ret": word, "result": False, "reason": response.reason, **response.fields})
    message: dict[str, Any] = {"ret": word, "result": True, **echo}
    if cloudtime is not None:
        message["cloudtime"] = cloudtime
    return _encode({**message, **response.fields})


def encode_command(word: str, fields: dict[str, Any]) -> bytes:
    """Write a command: ``cmd`` first, exact keys, one object (protocol §2.1)."""
    return _encode({"cmd": word, **fields})
