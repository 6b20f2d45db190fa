"""A store that is asked without a reactor: each call is answered before it returns."""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from typing import Any

from tests.real.store import RealStore
from tfserver.errors import ScriptFailed
from tfserver.store.keys import Keys
from tfserver.store.script import all_scripts


class DirectClient:
    """What faces of the store ask of a client; awaiting it never waits."""

    def __init__(self, store: RealStore) -> None:
        self.keys = Keys("tf:")
        self.reactor = self
        self.now = 1_775_000_000.0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(store.socket)
        self._lines = self._socket.makefile("rb")
        self._scripts = all_scripts()

    def close(self) -> None:
        """The store is not asked any more."""
        self._lines.close()
        self._socket.close()

    def seconds(self) -> float:
        """A clock that the test moves."""
        return self.now

    def call(self, *words: Any) -> Any:
        """One command and its answer."""
        raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in raw)
        self._socket.sendall(b"*%d\r\n%s" % (len(raw), parts))
        return self._answer()

    async def read(self, *words: Any) -> Any:
        """One command."""
        return self.call(*words)

    async def write(self, *words: Any) -> Any:
        """One command."""
        return self.call(*words)

    async def run(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts."""
        return self.call("EVAL", self._scripts[name].text, len(keys), *keys, *args)

    async def read_script(self, name: str, keys: list[str], args: list[Any]) -> Any:
        """One of our scripts that only reads."""
        return await self.run(name, keys, args)

    def meaning(self, text: str) -> Exception:
        """An error that a script answered."""
        return ScriptFailed(text)

    def _answer(self) -> Any:
        line = self._lines.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"-":
            raise ScriptFailed(rest.decode())
        size = int(rest)
        if size < 0:
            return None
        if kind == b"$":
            return self._lines.read(size + 2)[:-2].decode()
        return [self._answer() for _ in range(size)]


def done(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as over:
        return over.value
    raise AssertionError("it waits for something")
