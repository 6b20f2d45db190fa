"""Any bytes and any values: reading never raises, and what is written is read back the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tfserver.wire import codec
from tfserver.wire.codec import Frame, Noise, Rubbish
from tfserver.wire.message import Response
from tfserver.wire.table import table

assert tfserver.commands, "fills the handler table"

SAMPLES: Final = Path(__file__).with_name("samples.jsonl").read_bytes().splitlines()
EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=150)
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES: Final = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), TEXT),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=12,
)
KEYS: Final = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz_"), min_size=4, max_size=12).filter(
    lambda key: key not in ("reson", "result", "inputalarm")
)
FIELDS: Final = st.dictionaries(KEYS, VALUES.filter(lambda value: value is not None), max_size=6)
WORDS: Final = (
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz é张"), min_size=1)
    .map(str.strip)
    .filter(lambda word: 0 < len(word) <= codec.MAX_WORD)
)
CUT: Final = st.tuples(st.integers(0, 400), st.integers(0, 12), st.binary(max_size=6))


def mutated(sample: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """A sample from which pieces were cut and into which others were put."""
    for at, length, put in cuts:
        sample = sample[:at] + put + sample[at + length :]
    return sample


class ReadingTests(SynchronousTestCase):
    """Lenient in."""

    def _reads(self, payload: bytes) -> None:
        found = codec.decode(payload)
        self.assertIsInstance(found, Frame | Rubbish | Noise)
        if isinstance(found, Frame):
            self.assertEqual(found.word, found.word.strip())
            self.assertTrue(0 < len(found.word) <= codec.MAX_WORD)
            request, unreadable = codec.read(table.type_of(found.word), found)
            self.assertIs(type(request), table.type_of(found.word))
            self.assertTrue(set(unreadable) <= set(found.fields) | {"devinfo", "record"})
            json.loads(codec.encode_command(found.word, found.fields))
            codec.reply_of(found)

    @EXAMPLES
    @given(st.binary(max_size=300))
    def test_any_bytes(self, payload: bytes) -> None:
        """Any bytes are a frame, rubbish or noise, and what is a frame can be used."""
        self._reads(payload)

    @EXAMPLES
    @given(st.text('{}[]",:\\ \x00cmdretu1.e-', max_size=60))
    def test_any_punctuation(self, text: str) -> None:
        """So is any text that looks a little like JSON."""
        self._reads(text.encode())
        self._reads(b'{"cmd":"reg","devinfo":' + text.encode())

    @EXAMPLES
    @given(st.sampled_from(SAMPLES), st.lists(CUT, max_size=4))
    def test_mutated_samples(self, sample: bytes, cuts: list[tuple[int, int, bytes]]) -> None:
        """So is any sample of the protocol page with pieces cut out and put in."""
        self._reads(mutated(sample, cuts))

    @EXAMPLES
    @given(st.sampled_from(sorted(table.words())), st.dictionaries(KEYS | TEXT, VALUES, max_size=6))
    def test_any_fields(self, word: str, fields: dict[str, Any]) -> None:
        """Any request with any fields is filled into its class."""
        for key in ("sn", "record", "devinfo", "enrollid", "backupnum", "logindex", "cpusn"):
            for value in list(fields.values())[:1]:
                self._reads(json.dumps({**fields, key: value, "cmd": word}).encode())


class WritingTests(SynchronousTestCase):
    """Strict out."""

    @EXAMPLES
    @given(WORDS, FIELDS)
    def test_commands(self, word: str, fields: dict[str, Any]) -> None:
        """Every command is strict JSON of what was put in, ``cmd`` first, and our own codec reads it so."""
        payload = codec.encode_command(word, fields)
        self.assertEqual(json.loads(payload), {"cmd": word, **fields})
        self.assertEqual(next(iter(json.loads(payload))), "cmd")
        self.assertEqual(codec.decode(payload), Frame(word, True, {"cmd": word, **fields}))

    @EXAMPLES
    @given(WORDS, FIELDS, VALUES, st.booleans())
    def test_responses(self, word: str, fields: dict[str, Any], echo: Any, result: bool) -> None:
        """Every answer is strict JSON, ``ret`` first; its receipt stands in it exactly if it is true."""
        receipt = {"count": echo, "logindex": echo}
        payload = codec.encode_response(word, Response(result, fields=fields), receipt, "2026-04-02 08:15:04")
        found = json.loads(payload)
        self.assertEqual(list(found)[:2], ["ret", "result"])
        told = {"cloudtime": "2026-04-02 08:15:04", **receipt} if result else {"reason": 1}
        self.assertEqual(found, {"ret": word, "result": result, **told, **fields})
        again = codec.decode(payload)
        assert isinstance(again, Frame)
        self.assertEqual((again.word, again.asks, again.mended), (word, False, ()))

    @EXAMPLES
    @given(WORDS, FIELDS, st.booleans())
    def test_replies(self, word: str, fields: dict[str, Any], result: bool) -> None:
        """A reply is read back from what was written of it."""
        frame = codec.decode(json.dumps({"ret": word, "result": result, **fields}).encode())
        assert isinstance(frame, Frame)
        reply = codec.reply_of(frame)
        self.assertEqual((reply.ret, reply.result, reply.fields), (word, result, fields))
