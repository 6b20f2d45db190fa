"""The log as JSON: an object a line, for programs that collect logs (``log.format: json``).

All events of the process come this way: ours, Twisted's, twistd's own, and what somebody prints.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO, Any, Final

from twisted.logger import FileLogObserver, ILogObserver, LogEvent, formatEvent
from twisted.python.components import Componentized
from twisted.python.logfile import LogFile

FIELDS: Final = ("sn", "order", "cmd", "connection", "address", "webhook", "actor")
"""What an event may be about; each has this name in every log call."""
MOST_TEXT: Final = 16 * 1024
MOST_TRACEBACK: Final = 64 * 1024
MOST_FIELD: Final = 256
_NO_LEVEL: Final = "info"


def line(event: LogEvent) -> str:
    """One event as one line: control characters and all that is not ASCII are escaped."""
    when = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    told: dict[str, Any] = {
        "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": getattr(event.get("log_level"), "name", _NO_LEVEL),
        "message": formatEvent(event)[:MOST_TEXT],
        "logger": str(event.get("log_namespace", "")),
    }
    for name in FIELDS:
        value = event.get(name)
        if value not in (None, ""):
            told[name] = value if isinstance(value, int) else str(value)[:MOST_FIELD]
    failure = event.get("log_failure")
    if failure is not None:
        told["traceback"] = _traceback(failure)
    return json.dumps(told) + "\n"


def observer(stream: IO[str]) -> Any:
    """What Twisted gives each event to."""
    return FileLogObserver(stream, line)


def use(application: Any, twistd: Mapping[str, Any]) -> None:
    """Let an application log so, to where twistd's options say; before it begins to.

    With ``--logger`` or ``--syslog`` it goes on as it was told there.
    """
    if isinstance(application, Componentized) and not twistd.get("logger") and not twistd.get("syslog"):
        application.setComponent(ILogObserver, observer(_stream(twistd)))


def _stream(twistd: Mapping[str, Any]) -> Any:
    """Standard output, or the file: as twistd itself chooses."""
    name = twistd.get("logfile") or ("-" if twistd.get("nodaemon") else "twistd.log")
    if name == "-":
        return sys.stdout
    file = LogFile.fromFullPath(name)
    if not signal.getsignal(signal.SIGUSR1):
        signal.signal(signal.SIGUSR1, lambda number, frame: _rotate(file))
    return file


def _rotate(file: Any) -> None:
    from twisted.internet import reactor

    loop: Any = reactor
    loop.callFromThread(file.rotate)


def _traceback(failure: Any) -> str:
    try:
        return str(failure.getTraceback())[-MOST_TRACEBACK:]
    except Exception:
        return "(no traceback)"
