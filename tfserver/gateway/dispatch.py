"""The reactor's way to a socket's events, without a log context made for each (docs/performance.md)."""

from __future__ import annotations

import select
from typing import Any, Final

from twisted.internet import epollreactor
from twisted.internet.error import ConnectionFdescWentAway
from twisted.python import log as twisted_log

MOST_EVENTS: Final = 512
_READABLE: Final = getattr(select, "EPOLLIN", 1)


class _QuietLog:
    """Twisted's log as the epoll reactor sees it, without a context made for each event of a socket.

    What fails is still logged; only the name of the transport is missing from that line.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(twisted_log, name)

    @staticmethod
    def callWithLogger(source: Any, act: Any, *args: Any) -> None:
        """Let the reactor deal with an event: ``args`` are its source again, the descriptor and the event.

        The most common event, that there is something to read and nothing else, takes no detour.
        """
        try:
            if args[2] != _READABLE:
                act(*args)
                return
            why: Any = None
            was_read = False
            try:
                if source.fileno() == -1:
                    why = ConnectionFdescWentAway("File descriptor lost")
                else:
                    why = source.doRead()
                    was_read = True
            except BaseException as wrong:
                twisted_log.err()
                why = wrong
            if why:
                act.__self__._disconnectSelectable(source, why, was_read)
        except Exception:
            twisted_log.err()


class _Poller:
    """An epoll object that is asked for a bounded number of events.

    Twisted asks for as many as there are connections, and Python makes room for all of them at each call.
    What is left over comes next time.
    """

    def __init__(self, poller: Any) -> None:
        self._poll = poller.poll
        self.register, self.modify, self.unregister = poller.register, poller.modify, poller.unregister
        self.close, self.fileno = poller.close, poller.fileno

    def poll(self, timeout: float, most: int) -> Any:
        """Events that happened, as ``epoll.poll`` gives them."""
        return self._poll(timeout, min(most, MOST_EVENTS))


def quiet_dispatch(reactor: Any, wanted: bool) -> bool:
    """Let the epoll reactor call without a log context; False when it is another reactor or not wanted."""
    fits = type(reactor) is epollreactor.EPollReactor
    if fits:
        dispatch: Any = epollreactor
        dispatch.log = _QuietLog() if wanted else twisted_log
        if wanted and not isinstance(reactor._poller, _Poller):
            reactor._poller = _Poller(reactor._poller)
    return fits and wanted
