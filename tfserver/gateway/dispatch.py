"""The reactor's way to a socket's events, without a log context made for each (docs/performance.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import epollreactor
from twisted.python import log as twisted_log


class _QuietLog:
    """Twisted's log as the reactor sees it, without a context made for each event of a socket.

    What fails is still logged; only the name of the transport is missing from that line.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(twisted_log, name)

    @staticmethod
    def callWithLogger(_: object, act: Callable[..., Any], *args: Any) -> Any:
        """Call it; an exception is logged, as Twisted does."""
        try:
            return act(*args)
        except Exception:
            twisted_log.err()
            return None


def quiet_dispatch(reactor: Any, wanted: bool) -> bool:
    """Let the epoll reactor call without a log context; False when it is another reactor or not wanted."""
    fits = type(reactor) is epollreactor.EPollReactor
    if fits:
        dispatch: Any = epollreactor
        dispatch.log = _QuietLog() if wanted else twisted_log
    return fits and wanted
