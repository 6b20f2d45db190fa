"""The handler table: words, classes, rows, and what it takes to add a request."""

from __future__ import annotations

import inspect
import json
import pkgutil
from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tfserver.wire.message import Request, Response, Unknown
from tfserver.wire.session import Ask, Send, Session
from tfserver.wire.table import Asked, HandlerTable, Plain, Row, table


class SendSmell(Request):
    """A request of terminals that smell: one class and one handler."""

    echo: ClassVar[tuple[str, ...]] = ("seq",)
    tells_time: ClassVar[bool] = True

    strength: int = 0


class PlainSmell(msgspec.Struct, tag_field="cmd", tag="sendsmell", forbid_unknown_fields=True):
    """A smell as the documents have it."""

    strength: int
    sn: str = ""


def nobody_serves(asked: Sequence[Asked]) -> list[Asked]:
    """All of it has to go the common way."""
    return list(asked)


PLAIN = Plain(SendSmell, b'{"cmd":"sendsmell",', msgspec.json.Decoder(PlainSmell).decode, nobody_serves)


class Reg(Request):
    """A registration without anything."""


def nose() -> HandlerTable:
    """A table with one new request."""
    fresh = HandlerTable()

    @fresh.handles(Reg)
    async def reg(_: Reg, terminal: Any) -> Response:
        """Anybody is welcome."""
        return Response()

    @fresh.handles(SendSmell)
    async def sendsmell(request: SendSmell, terminal: list[int]) -> Response:
        """Keep how strong it was."""
        terminal.append(request.strength)
        return Response(fields={"nose": "on"})

    return fresh


class NewRequestTests(SynchronousTestCase):
    """A new request is one class and one handler."""

    def test_conversation(self) -> None:
        """A session asks the new handler and sends its answer, with echo and time, without further ado."""
        fresh, kept = nose(), []  # type: ignore[var-annotated]
        session = Session(fresh, 0.0)
        for message in ({"cmd": "reg", "sn": "ZX1"}, {"cmd": "sendsmell", "seq": 0, "strength": "9"}):
            (ask,) = session.receive(json.dumps(message).encode(), 0.0)
            assert isinstance(ask, Ask)
            handled = Deferred.fromCoroutine(fresh.handler_of(ask.request)(ask.request, kept))
            (sent,) = session.answer(self.successResultOf(handled), 0.0, "2026-04-02 08:16:13")
        assert isinstance(sent, Send)
        expected = {
            "ret": "sendsmell",
            "result": True,
            "seq": 0,
            "cloudtime": "2026-04-02 08:16:13",
            "nose": "on",
        }
        self.assertEqual(json.loads(sent.payload), expected)
        self.assertEqual(kept, [9])


class TableTests(SynchronousTestCase):
    """Who answers what."""

    def test_second_handler(self) -> None:
        """A class has one handler; a second one is refused by name."""
        error = self.assertRaises(ValueError, nose().handles(SendSmell), None)
        self.assertIn("sendsmell", str(error))

    def test_second_row(self) -> None:
        """A word has one fixed answer, and none beside a handler."""
        fresh = nose()
        fresh.row(Row("sendgps", Response()))
        for word in ("sendgps", "sendsmell"):
            self.assertRaises(ValueError, fresh.row, Row(word, Response(False)))

    def test_class_after_row(self) -> None:
        """A word that is always answered the same gets no handler as well."""
        fresh = HandlerTable()
        fresh.row(Row("sendsmell", Response()))
        self.assertRaises(ValueError, fresh.handles(SendSmell), None)

    def test_two_classes_of_one_word(self) -> None:
        """Two classes with the same word are a mistake, not a silent replacement."""
        other = type("SENDSMELL", (Request,), {})
        self.assertRaises(ValueError, nose().handles(other), None)

    def test_plain(self) -> None:
        """The short way takes what begins as it does; what does not fit it leaves alone."""
        fresh = nose()
        fresh.enter_plain(PLAIN)
        session = Session(fresh, 0.0)
        session.receive(b'{"cmd":"reg","sn":"ZX1"}', 0.0)
        session.answer(Response(), 0.0, None)
        for odd in (
            b'{"cmd": "sendsmell","strength":9}',
            b'{"strength":9,"cmd":"sendsmell"}',
            b'{"cmd":"sendsmell","strength":"9"}',
            b'{"cmd":"sendsmell","strength":9,"sn":"OTHER1"}',
            b'{"cmd":"sendsmell","strength":9,"\xff":1}',
            b'{"cmd":"sendsmell","strength":9,"sn":"\xff"}',
            b'{"cmd":"sendsmell",',
            b'{"cmd":"sendnoise","strength":9}',
            b"",
        ):
            self.assertIsNone(session.take_plain(odd), odd)
        taken = session.take_plain(b'{"cmd":"sendsmell","strength":9}')
        self.assertEqual(taken, PlainSmell(9))

    def test_without_plain(self) -> None:
        """The same table without its short way knows the same words, and the table itself keeps it."""
        fresh = nose()
        fresh.enter_plain(PLAIN)
        fresh.row(Row("sendgps", Response()))
        other = fresh.without_plain()
        self.assertEqual((other.plain, fresh.plain), (None, PLAIN))
        self.assertEqual(list(other.words()), list(fresh.words()))
        self.assertEqual(other.row_of("sendgps"), fresh.row_of("sendgps"))
        self.assertIs(other.handler_of(SendSmell()), fresh.handler_of(SendSmell()))

    def test_unknown_words(self) -> None:
        """Every word has a class that reads it, and no fixed answer unless one was entered."""
        fresh = nose()
        self.assertIs(fresh.type_of("sendsmell"), SendSmell)
        self.assertIs(fresh.type_of("dance"), Unknown)
        self.assertIsNone(fresh.row_of("dance"))
        self.assertEqual(sorted(fresh.words()), ["reg", "sendsmell"])


class VocabularyTests(SynchronousTestCase):
    """The table of the house."""

    def test_words_are_class_names(self) -> None:
        """The wire name of each request class is its name in lower case, and each has a handler."""
        found = []
        for module in pkgutil.iter_modules(tfserver.commands.__path__, "tfserver.commands."):
            for name, kind in inspect.getmembers(import_module(module.name), inspect.isclass):
                if issubclass(kind, Request) and kind.__module__ == module.name:
                    self.assertEqual(kind.word(), name.lower())
                    self.assertIs(table.type_of(kind.word()), kind)
                    self.assertTrue(inspect.iscoroutinefunction(table.handler_of(kind())))
                    found.append(kind.word())
        expected = ["checklive", "heartbeat", "reg", "sendlog", "sendqrcode", "senduser"]
        self.assertEqual(sorted(found), expected)

    def test_all_words(self) -> None:
        """Every word of protocol §4 has an answer of its own."""
        rows = "sendpin sendgps otacheck otaget talkcall vicheckonline offer icecandidate callcancel"
        classes = "checklive heartbeat reg sendlog sendqrcode senduser"
        self.assertEqual(sorted(table.words()), sorted(f"{rows} {classes}".split()))

    def test_only_a_serial_number_is_required(self) -> None:
        """Every request can be made of nothing: terminals leave things out."""
        for word in table.words():
            self.assertEqual(table.type_of(word)().sn, "")
