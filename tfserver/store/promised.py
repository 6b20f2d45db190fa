"""Writes that count when replicas have them too (``store.acknowledge: replica``).

WAIT holds up its connection until enough replicas have confirmed, so these calls have connections of their
own, one call at a time on each. Behind each script goes a tiny write: WAIT waits for what its own connection
has written, and a script that knew everything has written nothing, although nobody may have confirmed it yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, fail, succeed

from tfserver.config import Store as StoreSettings
from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store.keys import Keys
from tfserver.store.script import Script

CONNECTIONS: Final = 12
"""More than calls for punches under way at once: orders, and people that terminals push, need some too."""
MOST_WAITING: Final = 1000
PATIENCE: Final = 0.8
"""Of the deadline of writes, for the replicas: who asked hears in time that they did not confirm."""
_SLACK: Final = 0.5


class Promised:
    """Calls over the connections of a pool. ``translated`` makes a StoreError of a connection's failure."""

    def __init__(
        self,
        reactor: Any,
        pool: Any,
        settings: StoreSettings,
        keys: Keys,
        translated: Callable[[Any, Any], Any],
    ) -> None:
        self.pool = pool
        self._reactor = reactor
        self._replicas = settings.replicas
        self._seconds = settings.write_seconds
        self._mark = keys.confirmed
        self._translated = translated
        self._busy: set[Any] = set()
        self._waiting: deque[Deferred[Any]] = deque()

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a script; StoreUnavailable when too few replicas have confirmed it in time."""
        connection = await self._free()
        self._busy.add(connection)
        try:
            try:
                return await self._call(connection, "EVALSHA", script.sha, len(keys), *keys, *args)
            except ScriptFailed as failed:
                if not str(failed).startswith("NOSCRIPT"):
                    raise
            return await self._call(connection, "EVAL", script.text, len(keys), *keys, *args)
        finally:
            self._release(connection)

    async def probe(self) -> None:
        """Write nothing but the mark; StoreUnavailable as for ``run``."""
        connection = await self._free()
        self._busy.add(connection)
        try:
            await self._call(connection, "PING")
        finally:
            self._release(connection)

    def _free(self) -> Deferred[Any]:
        """A connection that nobody uses; StoreUnavailable when that takes too long."""
        if not self.pool.pool:
            return fail(StoreUnavailable("no connection for writes that replicas have to confirm"))
        for connection in self.pool.pool:
            if connection not in self._busy:
                return succeed(connection)
        if len(self._waiting) >= MOST_WAITING:
            return fail(StoreUnavailable("too much waits for the replicas"))
        waits: Deferred[Any] = Deferred()
        self._waiting.append(waits)
        waits.addTimeout(self._seconds, self._reactor)
        return waits.addErrback(self._late)

    def _late(self, _: object) -> None:
        raise StoreUnavailable("the replicas confirm too slowly")

    def _release(self, connection: Any) -> None:
        self._busy.discard(connection)
        while self._waiting and connection.connected:
            waits = self._waiting.popleft()
            if not waits.called:
                self._busy.add(connection)
                waits.callback(connection)
                return

    async def _call(self, connection: Any, *command: Any) -> Any:
        """One command, the mark and the wait for it, sent together."""
        sent = [
            connection.execute_command(*command),
            connection.execute_command("SET", self._mark, ""),
            connection.execute_command("WAIT", self._replicas, round(self._seconds * PATIENCE * 1000)),
        ]
        together: Deferred[Any] = DeferredList(sent, fireOnOneErrback=False, consumeErrors=True)
        together.addTimeout(self._seconds + _SLACK, self._reactor)
        answers = await together.addErrback(self._translated, connection)
        for is_there, answer in answers:
            if not is_there:
                self._translated(answer, connection)
        confirmed = int(answers[2][1])
        if confirmed < self._replicas:
            told = f"{confirmed} of {self._replicas} replicas confirmed in time (store.acknowledge: replica)"
            raise StoreUnavailable(told)
        return answers[0][1]
