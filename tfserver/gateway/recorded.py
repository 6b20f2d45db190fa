"""How the flight recorder's messages are shown: read as the session reads them, without what is private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from tfserver import privacy
from tfserver.gateway.recorder import Closed, Cut, Entry, Recorder, Ring
from tfserver.model import rfc3339
from tfserver.wire import codec, lenient
from tfserver.wire.codec import Frame, Rubbish

MOST_RECORDS: Final = 50
_LOGS: Final = frozenset({"sendlog", "getnewlog", "getalllog"})
"""Messages whose records are punches, which people may read anyway."""
_NUMBERS: Final = ("enrollid", "mode", "inout", "event")
_TIME: Final = re.compile(r"[0-9T:/ .-]{1,25}")
Row = dict[str, Any]


def frames(recorder: Recorder, sn: str) -> list[Row]:
    """The last messages of a terminal and what happened to its connections, oldest first."""
    rows = [row for ring in recorder.rings(sn) for row in _rows(ring)]
    rows.sort(key=lambda row: row["at"])
    return rows[-(recorder.frames + 4) :]


def handshakes(recorder: Recorder) -> list[Row]:
    """Connections that never became a WebSocket, the latest first."""
    return [
        {
            "address": address,
            "why": why,
            "times": failure.times,
            "first": _when(failure.first),
            "last": _when(failure.last),
        }
        for (address, why), failure in reversed(recorder.failures.items())
    ]


def _rows(ring: Ring) -> Iterator[Row]:
    for entry in ring.entries():
        yield {**_row(entry), "connection": ring.connection, "address": ring.address}


def _row(entry: Entry) -> Row:
    when, is_heard, what = entry
    at = _when(when)
    if is_heard is None:
        return {"at": at, "direction": "event", **_event(what)}
    return {"at": at, "direction": "in" if is_heard else "out", **_message(what)}


def _event(what: str | Closed) -> Row:
    if isinstance(what, str):
        return _told(what, 0, None, {})
    return _told("closed", 0, None, {"by": what.by, "code": what.code, "why": what.why})


def _message(what: bytes | Cut) -> Row:
    if isinstance(what, Cut):
        frame = codec.decode(what.beginning) if what.beginning else None
        word = frame.word if isinstance(frame, Frame) else ""
        return _told(word, what.size, None, {"cut": True})
    frame = codec.decode(what)
    if isinstance(frame, Frame):
        return _told(frame.word[:64], len(what), _result(frame), _content(frame))
    why = frame.why if isinstance(frame, Rubbish) else "no message"
    return _told("", len(what), None, {"unreadable": why})


def _told(word: str, size: int, result: bool | None, content: Row) -> Row:
    return {"word": word, "size": size, "result": result, "content": content}


def _result(frame: Frame) -> bool | None:
    try:
        return lenient.boolean(frame.fields["result"])
    except (KeyError, ValueError):
        return None


def _content(frame: Frame) -> Row:
    content = privacy.opened(frame.fields)
    records = frame.fields.get("record")
    if frame.word in _LOGS and isinstance(records, list):
        content["record"] = [_log(record) for record in records[:MOST_RECORDS]]
    return content


def _log(record: Any) -> Any:
    """Of a punch what tells when it was and whose; nothing else of it, whatever firmware put there."""
    if not isinstance(record, dict):
        return privacy.redacted(record)
    shown: Row = {}
    for name in _NUMBERS:
        try:
            shown[name] = lenient.integer(record[name])
        except (KeyError, ValueError):
            continue
    time = record.get("time")
    if isinstance(time, str) and _TIME.fullmatch(time):
        shown["time"] = time
    return shown


def _when(seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(seconds, UTC))
