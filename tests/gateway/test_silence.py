"""What is not said again because nobody answered it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Dialled, Stand
from tfserver.commands.context import Make
from tfserver.gateway.silence import Silences
from tfserver.store.models import NOTHING, Learnt
from tfserver.wire.exchange import End


class SilencesTests(SynchronousTestCase):
    """Two connections of one kind."""

    def setUp(self) -> None:
        """Nothing was said yet."""
        stand = Stand()
        self.models = stand.terminals.models
        self.silences = Silences(self.models)  # type: ignore[arg-type]
        self.one, self.two = (Dialled(stand, connection=name).link for name in ("c1", "c2"))
        for link in (self.one, self.two):
            link.context.make = Make("tfs30", "v1")

    def note(self, link: Any, word: str, end: End, learnt: Learnt = NOTHING) -> None:
        """A command was said, and ended so."""
        self.successResultOf(Deferred.fromCoroutine(self.silences.note(link, learnt, word, end)))

    def silent(self, link: Any, word: str = "gettime", learnt: Learnt = NOTHING) -> bool:
        """Whether it is of no use to say it."""
        return self.silences.is_silent(link, learnt, word)

    def test_on_the_connection(self) -> None:
        """A silence counts at once on its connection, on no other, and until the connection ends."""
        self.note(self.one, "gettime", End.SILENT)
        self.assertEqual((self.silent(self.one), self.silent(self.two)), (True, False))
        self.assertFalse(self.silent(self.one, "getnewlog"))
        self.silences.forget(self.one)
        self.assertFalse(self.silent(self.one))

    def test_charged_once(self) -> None:
        """The kind is charged once a connection, by the first answer to another command."""
        self.note(self.one, "gettime", End.SILENT)
        self.assertEqual(self.models.asked("was_silent"), [])
        for _ in range(3):
            self.note(self.one, "getdevinfo", End.REPLIED)
            self.note(self.one, "gettime", End.SILENT)
        self.assertEqual(self.models.asked("was_silent"), [("tfs30", "v1", "gettime")])

    def test_answered_late(self) -> None:
        """A command that is answered after all is not silent, and nobody is charged with it."""
        self.note(self.one, "gettime", End.SILENT)
        self.note(self.one, "gettime", End.REPLIED)
        self.assertFalse(self.silent(self.one))
        self.assertEqual(self.models.asked("was_silent"), [])

    def test_other_ends(self) -> None:
        """What was not sent, or was lost with the connection, is no silence."""
        for end in (End.UNSENT, End.LOST):
            self.note(self.one, "gettime", end)
        self.assertFalse(self.silent(self.one))

    def test_row_ends(self) -> None:
        """An answer is told only where silences of that command are known."""
        self.note(self.one, "getnewlog", End.REPLIED, Learnt(None, {"gettime": 1}))
        self.assertEqual(self.models.asked("has_answered"), [])
        self.note(self.one, "gettime", End.REPLIED, Learnt(None, {"gettime": 1}))
        self.assertEqual(self.models.asked("has_answered"), [("tfs30", "v1", "gettime")])
