"""From JSON to a command, or to sentences about what is wrong: whatever comes, never with a value in them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tests.wire.test_samples import FROM_TERMINALS, samples
from tfserver.wire import codec
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import OpenCommand, decode, restored
from tfserver.wire.table import vocabulary

assert tfserver.commands, "fills the vocabulary"

PROFILE: Final = Profile()
WORDS: Final = sorted(kind.word() for kind in vocabulary)
ALL: Final = Profile(allow=frozenset(WORDS))
SAMPLES: Final = [sample for sample in samples() if "cmd" in sample and sample["cmd"] not in FROM_TERMINALS]
NAMES: Final = sorted({field.encode_name for kind in vocabulary for field in msgspec.structs.fields(kind)})
EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=300)
VALUES: Final = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.integers(-2, 60), st.integers(), st.text(max_size=20)),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(("2026-04-02", "2026-04-02 12:05:00", "08:00~18:30", "01-02", "507311", "\ud800")),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), inner, max_size=4),
    ),
    max_leaves=12,
)
OBJECTS: Final = st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), VALUES, max_size=6)


class Part(msgspec.Struct, forbid_unknown_fields=True):
    """An object in a list."""

    size: Annotated[int, Meta(ge=1, le=9, description="How big.")]
    label: str = ""


class Build(Command[Reply]):
    """Build something."""

    parts: Annotated[list[Part], Meta(max_length=3, description="Of what.")]
    password: Annotated[str, Meta(max_length=5, description="For whom.")] | UnsetType = UNSET

    def problems(self, profile: Profile) -> Problems:
        """Parts that don't fit."""
        return [("parts", "expected parts that fit")] if len(self.parts) == 2 else []


class Furnish(OpenCommand[Reply]):
    """Put anything into it."""

    colour: Annotated[int, Meta(ge=0, le=3, description="Which.")] | UnsetType = UNSET


class TryOut(Command[Reply]):
    """See whether it holds."""

    core = False


class OrderCase(SynchronousTestCase):
    """Tests with commands of their own."""

    def setUp(self) -> None:
        """Enter them."""
        for kind in (Build, Furnish, TryOut):
            vocabulary.enter(kind)
            self.addCleanup(vocabulary.remove, kind)

    def wrong(self, word: Any, fields: Any) -> Problems:
        """What is wrong."""
        found, problems = decode(word, fields, PROFILE)
        self.assertIsNone(found)
        return problems


class WordTests(OrderCase):
    """``cmd``."""

    def test_close(self) -> None:
        """A word that nobody knows is told what it may have been."""
        for word, meant in (("opendor", "opendoor"), ("OPENDOOR", "opendoor"), (" build ", "build")):
            ((field, told),) = self.wrong(word, {})
            self.assertEqual(field, "cmd")
            self.assertIn(f"did you mean {meant}", told)

    def test_far(self) -> None:
        """A word like no other is unknown, however long it is."""
        for word in ("", "dance", "x" * 100_000, "张" * 1000):
            self.assertEqual(self.wrong(word, {}), [("cmd", "unknown command")])

    def test_no_word(self) -> None:
        """Anything but text is no word."""
        for word in (None, 5, ["opendoor"], {"cmd": "opendoor"}, True):
            self.assertEqual(self.wrong(word, {}), [("cmd", "expected the word of a command")])

    def test_not_allowed(self) -> None:
        """An experimental one says where it is allowed; what its fields are does not matter yet."""
        ((field, told),) = self.wrong("tryout", {"x": 1})
        self.assertEqual(field, "cmd")
        self.assertIn("profiles.<name>.allow", told)
        self.assertEqual(decode("tryout", {}, Profile(allow=frozenset({"tryout"}))), (TryOut(), []))

    def test_no_object(self) -> None:
        """Fields are an object."""
        for fields in (None, [], "x", 5, [("parts", [])]):
            self.assertEqual([field for field, _ in self.wrong("build", fields)], ["cmd"])


class FieldTests(OrderCase):
    """Fields by their types."""

    def test_right(self) -> None:
        """What is right is a command; a word among the fields is no field."""
        found, problems = decode("build", {"cmd": "build", "parts": [{"size": 1}]}, PROFILE)
        self.assertEqual((found, problems), (Build([Part(1)]), []))

    def test_wrong(self) -> None:
        """Each says where it is and what was expected there, and what kind of thing came instead."""
        of_parts = "a list of at most 3, each an object with size, label"
        for fields, problem in (
            ({"parts": 5}, ("parts", f"expected {of_parts}, got a whole number")),
            ({"parts": None}, ("parts", f"expected {of_parts}, got null")),
            ({"parts": [{"size": 1}] * 4}, ("parts", f"expected {of_parts}")),
            (
                {"parts": [{"size": 1}, {"size": 10}]},
                ("parts[1].size", "expected a whole number from 1 to 9"),
            ),
            ({"parts": [{"size": "1"}]}, ("parts[0].size", "expected a whole number from 1 to 9, got text")),
            (
                {"parts": [{"size": 1.5}]},
                ("parts[0].size", "expected a whole number from 1 to 9, got a number with a fraction"),
            ),
            ({"parts": [{}]}, ("parts[0].size", "missing; expected a whole number from 1 to 9")),
            (
                {"parts": [{"size": 1, "x": 2}]},
                ("parts[0].x", "unknown field; expected an object with size, label"),
            ),
            ({"parts": [[]]}, ("parts[0]", "expected an object with size, label, got a list")),
            ({"parts": [], "colour": 1}, ("colour", "unknown field; known here: parts, password")),
            ({}, ("parts", f"missing; expected {of_parts}")),
        ):
            self.assertEqual(self.wrong("build", fields), [problem])

    def test_all_at_once(self) -> None:
        """Every wrong field is told, in the order they came, missing ones last."""
        problems = self.wrong("build", {"x": 1, "password": 5})
        self.assertEqual([field for field, _ in problems], ["x", "password", "parts"])

    def test_no_fields(self) -> None:
        """A command without fields says so."""
        allowed = Profile(allow=frozenset({"tryout"}))
        expected = [("x", "unknown field; this command has no fields")]
        self.assertEqual(decode("tryout", {"x": 1}, allowed), (None, expected))

    def test_beyond_types(self) -> None:
        """What types can't say comes when they are right; then there is no command either."""
        self.assertEqual(
            self.wrong("build", {"parts": [{"size": 1}] * 2}), [("parts", "expected parts that fit")]
        )

    def test_no_value_is_told(self) -> None:
        """A password that is wrong is not repeated."""
        problems = self.wrong("build", {"parts": [], "password": "geheimnis"})
        self.assertEqual(problems, [("password", "expected text of at most 5 characters")])

    def test_half_letters(self) -> None:
        """Text that can't be written is refused before anything is done."""
        for fields, name in (
            ({"parts": [{"size": 1, "label": "\ud800"}]}, "parts"),
            ({"parts": [], "password": "\udfff"}, "password"),
            ({"parts": [], "\ud800": 1}, "?"),
        ):
            ((field, told),) = self.wrong("build", fields)
            self.assertEqual(field, name)
            self.assertTrue(told.startswith("expected text that UTF-8 can write"))

    def test_depth(self) -> None:
        """Nesting without end is refused, not followed."""
        deep: list[Any] = []
        for _ in range(100_000):
            deep = [deep]
        self.assertEqual([field for field, _ in self.wrong("build", {"parts": deep})], ["parts"])
        self.assertEqual([field for field, _ in self.wrong("furnish", {"sofa": deep})], ["sofa"])


class OpenTests(OrderCase):
    """Commands that take other fields too."""

    def test_flat(self) -> None:
        """They stand beside the known ones, going in and coming out."""
        found, _ = decode("furnish", {"chairs": 4, "colour": 2, "sofa": {"soft": True}}, PROFILE)
        assert found is not None
        self.assertEqual(found.said(""), {"colour": 2, "chairs": 4, "sofa": {"soft": True}})
        self.assertEqual(found.secrets(), {})

    def test_known_ones_are_checked(self) -> None:
        """A known one is not just any."""
        problems = self.wrong("furnish", {"chairs": 4, "colour": 4})
        self.assertEqual(problems, [("colour", "expected a whole number from 0 to 3")])

    def test_reserved(self) -> None:
        """What every message has is no field of one."""
        for name in ("ret", "sn", "result", "stn"):
            self.assertEqual([field for field, _ in self.wrong("furnish", {name: 1})], [name])


class RestoredTests(OrderCase):
    """Commands that waited."""

    def test_same(self) -> None:
        """What was accepted is made again from its fields, without being looked at anew."""
        for order in (Build([Part(1), Part(2)]), Furnish(colour=1, more={"chairs": 4})):
            self.assertEqual(restored(order.word(), order.fields()), order)

    def test_other_vocabulary(self) -> None:
        """A word or field that is gone by now is an exception of a known kind."""
        self.assertRaises(LookupError, restored, "dance", {})
        self.assertRaises(msgspec.ValidationError, restored, "build", {"walls": 4})


class AnythingTests(SynchronousTestCase):
    """Property: whatever JSON comes."""

    def check(self, word: Any, fields: Any) -> None:
        """Either a command that can be written, or sentences; never both, neither, or an exception."""
        found, problems = decode(word, fields, ALL)
        self.assertEqual(found is None, bool(problems))
        for field, told in problems:
            self.assertIsInstance(field, str)
            self.assertTrue(told)
            json.dumps([field, told]).encode()
        if found is not None:
            codec.encode_command(found.word(), found.said("2026-04-02 12:05:00"))
            self.assertEqual(restored(found.word(), found.fields()), found)
            self.assertIsInstance(found.subject(), str)
            self.assertTrue(all(isinstance(value, str) for value in found.secrets().values()))

    @EXAMPLES
    @given(st.one_of(st.sampled_from(WORDS), VALUES), st.one_of(OBJECTS, VALUES))
    def test_anything(self, word: Any, fields: Any) -> None:
        """Any word with any fields."""
        self.check(word, fields)

    @EXAMPLES
    @given(st.sampled_from(SAMPLES), OBJECTS)
    def test_nearly_right(self, sample: dict[str, Any], more: dict[str, Any]) -> None:
        """A sample of the page with something else in it."""
        self.check(sample["cmd"], {**sample, **more})

    @EXAMPLES
    @given(st.sampled_from(WORDS), st.data())
    def test_own_fields(self, word: str, data: st.DataObject) -> None:
        """A command's own fields with any values."""
        kind = vocabulary.find(word)
        assert kind is not None
        names = [field.encode_name for field in msgspec.structs.fields(kind)]
        self.check(word, {name: data.draw(VALUES) for name in names if data.draw(st.booleans())})

    def test_secret_values_are_never_told(self) -> None:
        """What stands in a private field is in no sentence, and in nothing that is shown."""
        secret = "geheim-4711"
        for word in WORDS:
            for name in ("record", "password", "image", "pin"):
                _, problems = decode(word, {name: secret, "enrollid": 7, "backupnum": 10}, ALL)
                self.assertNotIn(secret, json.dumps(problems), word)
            kind = vocabulary.find(word)
            assert kind is not None
            raw = codec.reply_of(codec.Frame(word, False, {"ret": word, "password": secret, "image": secret}))
            self.assertNotIn(secret, json.dumps(codec.read_reply(kind.reply_type(), raw).shown()), word)
