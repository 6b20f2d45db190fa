"""The reactor's way to a socket's events, without a log context made for each (docs/performance.md)."""

from __future__ import annotations

import contextlib
import select
from typing import Any, Final

from twisted.internet import epollreactor, tcp
from twisted.internet.error import ConnectionFdescWentAway
from twisted.python import log as twisted_log

MOST_EVENTS: Final = 512
MOST_NEW: Final = 4096
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
    What is left over comes next time, but for connections that we made ourselves: what the store says must
    not wait behind twenty thousand terminals that come, or go, in the same moment.
    """

    def __init__(self, poller: Any, selectables: dict[int, Any]) -> None:
        self._poller = poller
        self._poll = poller.poll
        self.modify, self.fileno = poller.modify, poller.fileno
        self._selectables = selectables
        self._new = list(selectables)
        """Nobody has looked yet whether these are our own."""
        self._own: set[int] = set()
        self._of_own = select.epoll()

    def register(self, descriptor: int, events: int) -> None:
        """Listen to a descriptor."""
        self._poller.register(descriptor, events)
        self._new.append(descriptor)
        if len(self._new) >= MOST_NEW:
            self._find_own()

    def unregister(self, descriptor: int) -> None:
        """Listen to it no more."""
        if descriptor in self._own:
            self._own.discard(descriptor)
            with contextlib.suppress(OSError):  # closed already
                self._of_own.unregister(descriptor)
        self._poller.unregister(descriptor)

    def close(self) -> None:
        """Let go."""
        self._of_own.close()
        self._poller.close()

    def poll(self, timeout: float, most: int) -> Any:
        """Events that happened, as ``epoll.poll`` gives them."""
        found = self._poll(timeout, min(most, MOST_EVENTS))
        if len(found) < MOST_EVENTS:
            return found
        self._find_own()
        own = dict(self._of_own.poll(0))
        return [*own.items(), *(event for event in found if event[0] not in own)] if own else found

    def _find_own(self) -> None:
        new, self._new = self._new, []
        for descriptor in new:
            selectable = self._selectables.get(descriptor)
            is_own = isinstance(selectable, tcp.Connection) and not isinstance(selectable, tcp.Server)
            if is_own and descriptor not in self._own:
                self._own.add(descriptor)
                self._of_own.register(descriptor, _READABLE)


def quiet_dispatch(reactor: Any, wanted: bool) -> bool:
    """Let the epoll reactor call without a log context; False when it is another reactor or not wanted."""
    fits = type(reactor) is epollreactor.EPollReactor
    if fits:
        dispatch: Any = epollreactor
        dispatch.log = _QuietLog() if wanted else twisted_log
        if wanted and not isinstance(reactor._poller, _Poller):
            reactor._poller = _Poller(reactor._poller, reactor._selectables)
    return fits and wanted
