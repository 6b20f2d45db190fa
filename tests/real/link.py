"""A line between two programs that can be cut, or fall silent without being cut."""

from __future__ import annotations

import contextlib
import enum
import selectors
import socket
import threading
from typing import Final

from tests.real.process import free_port

CHUNK: Final = 1 << 16
LOOK_SECONDS: Final = 0.02
"""How long a change may take to be seen."""
SECONDS: Final = 10


class State(enum.Enum):
    """What a line does."""

    WHOLE = "whole"
    CUT = "cut"
    SILENT = "silent"
    OVER = "over"


class RealLink:
    """Forwards what comes to ``port`` of loopback to another port, both ways, in a thread of its own.

    Whatever is told it holds when the call returns.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._wanted = self._state = State.WHOLE
        self._changed = threading.Condition()
        self._others: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name=f"link to {target}", daemon=True)

    def start(self) -> RealLink:
        """Begin to forward."""
        self._thread.start()
        return self

    def cut(self) -> None:
        """End all connections, and take none."""
        self._become(State.CUT)

    def fall_silent(self) -> None:
        """Forward nothing, and end nothing: as when a cable was drawn."""
        self._become(State.SILENT)

    def mend(self) -> None:
        """Forward again."""
        self._become(State.WHOLE)

    def remove(self) -> None:
        """End it."""
        if self._thread.is_alive():
            self._become(State.OVER)
            self._thread.join(SECONDS)

    def _become(self, state: State) -> None:
        with self._changed:
            self._wanted = state
            if not self._changed.wait_for(lambda: self._state is state, SECONDS):
                raise AssertionError(f"the line did not become {state.value}")

    def _run(self) -> None:
        while self._state is not State.OVER:
            if self._state is State.SILENT:
                threading.Event().wait(LOOK_SECONDS)
            else:
                for key, _ in self._selector.select(LOOK_SECONDS):
                    self._ready(key.fileobj)
            with self._changed:
                if self._wanted in (State.CUT, State.OVER):
                    self._close_all()
                self._state = self._wanted
                self._changed.notify_all()
        self._listener.close()
        self._selector.close()

    def _ready(self, end: object) -> None:
        if end is self._listener:
            self._accept(self._state is State.CUT)
        elif isinstance(end, socket.socket) and end in self._others:
            self._forward(end)

    def _accept(self, is_cut: bool) -> None:
        near, _ = self._listener.accept()
        if is_cut:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(5)
            self._others[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _forward(self, one: socket.socket) -> None:
        try:
            data = one.recv(CHUNK)
            if data:
                self._others[one].sendall(data)
                return
        except OSError:
            pass
        self._close(one)

    def _close(self, one: socket.socket) -> None:
        other = self._others[one]
        for each in (one, other):
            del self._others[each]
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(each)
            each.close()

    def _close_all(self) -> None:
        while self._others:
            self._close(next(iter(self._others)))
