"""What we write: the writing rules of protocol §2.1 and the receipt of §4.2."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.wire import codec
from tfserver.wire.message import Response

NAMES = ("张伟 許", "محمد علی", "สมชาย ใจดี", "Şükrü Çağ", "🙂\u202eab\u0000\u2028")
TIME = "2026-04-02 08:16:13"


def written(response: Response, echo: dict[str, Any], cloudtime: str | None = None) -> str:
    """An answer to ``sendlog`` as text."""
    return codec.encode_response("sendlog", response, echo, cloudtime).decode()


class ResponseTests(SynchronousTestCase):
    """Our answers."""

    def test_exact_bytes(self) -> None:
        """``ret`` comes first, then ``result``, the receipt, the time and the rest, without white space."""
        found = written(Response(fields={"access": 1}), {"count": 2, "logindex": 41}, TIME)
        expected = (
            '{"ret":"sendlog","result":true,"count":2,"logindex":41,'
            '"cloudtime":"2026-04-02 08:16:13","access":1}'
        )
        self.assertEqual(found, expected)

    def test_echo_is_exact(self) -> None:
        """Quirk 11: ``count`` and ``logindex`` go back as they came: 0, texts, halves and huge ones too."""
        for value in (0, 41, "0", " 41 ", "", -1, 1.5, 2**63, True):
            echo = {"count": value, "logindex": value}
            found = json.loads(written(Response(), echo))
            self.assertEqual(found, {"ret": "sendlog", "result": True, **echo})
            self.assertIs(type(found["logindex"]), type(value))

    def test_refusal_repeats_nothing(self) -> None:
        """A refusal holds no receipt and no time, or the terminal would forget its records."""
        found = written(Response(False), {"count": 2, "logindex": 0}, TIME)
        self.assertEqual(found, '{"ret":"sendlog","result":false,"reason":1}')

    def test_refusal_with_words(self) -> None:
        """The reason of a refused ``reg`` is a text for the screen."""
        found = codec.encode_response("reg", Response(False, "Waiting for approval"), {}, None)
        self.assertEqual(found, b'{"ret":"reg","result":false,"reason":"Waiting for approval"}')

    def test_words_of_any_kind(self) -> None:
        """A word with quotes or in another script is answered under the same word."""
        for word in ('a"b', "你好", "a\\b", "ü " * 20):
            payload = codec.encode_response(word, Response(), {}, None)
            self.assertEqual(json.loads(payload), {"ret": word, "result": True})


class CommandTests(SynchronousTestCase):
    """Our commands."""

    def test_exact_bytes(self) -> None:
        """``cmd`` comes first, then the fields in their order."""
        found = codec.encode_command("setdevlock", {"opendelay": 5, "InputAlarm": 0, "tryalarm": 1})
        self.assertEqual(found, b'{"cmd":"setdevlock","opendelay":5,"InputAlarm":0,"tryalarm":1}')

    def test_names_byte_for_byte(self) -> None:
        """Names in any script are written as plain UTF-8, without a byte order mark or escapes."""
        for name in NAMES[:4]:
            payload = codec.encode_command("setusername", {"name": name})
            self.assertEqual(payload, f'{{"cmd":"setusername","name":"{name}"}}'.encode())

    def test_names_there_and_back(self) -> None:
        """What a terminal said of a name is what it would be told again."""
        for name in NAMES:
            frame = codec.decode(json.dumps({"cmd": "x", "name": name}, ensure_ascii=False).encode())
            assert isinstance(frame, codec.Frame)
            payload = codec.encode_command("x", {"name": frame.fields["name"]})
            self.assertEqual(json.loads(payload)["name"], name)

    def test_line_ends(self) -> None:
        """A line end inside a text is escaped: one object a frame, on one line."""
        payload = codec.encode_command("x", {"name": 'a\nb\r\t"\x00'})
        self.assertNotIn(b"\n", payload)
        self.assertEqual(json.loads(payload)["name"], 'a\nb\r\t"\x00')
