"""Questions to all processes: who is told what this process remembers."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from tfserver.config import Store as StoreSettings
from tfserver.store.client import Client
from tfserver.store.inquiries import Inquiries


class _Client(Client):
    """Keeps what would be said to the store."""

    def __init__(self, database: int) -> None:
        url = f"redis://127.0.0.1:1/{database}" if database else "redis://127.0.0.1:1"
        super().__init__(reactor, url, "", StoreSettings())
        self.told: list[tuple[Any, ...]] = []

    def read(self, *command: Any) -> Deferred[Any]:
        """One more of them."""
        self.told.append(command)
        return succeed(2)


class DatabaseTests(SynchronousTestCase):
    """Databases of one server hear each other's questions."""

    def answer(self, asking: int, answering: int) -> list[dict[str, Any]]:
        """What a process of one database is told by one of another."""
        asker, other = _Client(asking), _Client(answering)
        waiting = Deferred.fromCoroutine(Inquiries(asker, "one").ask("frames", "A1"))
        told = Inquiries(other, "two")
        told.answers("frames", lambda sn: [{"sn": sn}])
        self.assertTrue(told.heard(asker.told[0][2]))
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        [(_, _, answer)] = other.told
        rows: list[dict[str, Any]] = msgspec.json.decode(answer.split(" ", 2)[2])
        return rows

    def test_own(self) -> None:
        """Who is of the same database is told."""
        for database in (0, 3):
            self.assertEqual(self.answer(database, database), [{"sn": "A1", "process": "two"}])

    def test_of_others(self) -> None:
        """Who is of another is told nothing."""
        for asking, answering in ((0, 3), (3, 0), (3, 4)):
            self.assertEqual(self.answer(asking, answering), [])
