"""What a field takes, in words read off its type."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, UnsetType
from twisted.trial.unittest import SynchronousTestCase

from tfserver.wire.expectation import description, expected, items_of, type_at, words_of


class Item(msgspec.Struct):
    """An object in a list."""

    size: Annotated[int, Meta(ge=1, le=9, description="How big.")]
    parts: list[str] = []


Items = Annotated[list[Item], Meta(min_length=1, max_length=5, description="All of them.")]


class WordsTests(SynchronousTestCase):
    """Words for types."""

    def test_numbers(self) -> None:
        """Numbers with their ends."""
        for annotation, words in (
            (int, "a whole number"),
            (Annotated[int, Meta(ge=1)], "a whole number from 1"),
            (Annotated[int, Meta(ge=1, le=2**63 - 1)], "a whole number from 1"),
            (Annotated[int, Meta(le=9)], "a whole number up to 9"),
            (Annotated[int, Meta(ge=1, le=9)], "a whole number from 1 to 9"),
            (Annotated[int, Meta(ge=0, le=1)], "0 or 1"),
            (Annotated[float, Meta(ge=0)], "a number from 0"),
            (Literal[1, 2, 4], "1, 2 or 4"),
            (Literal[1], "1"),
            (bool, "true or false"),
        ):
            self.assertEqual(expected(annotation), words)

    def test_texts_and_lists(self) -> None:
        """Texts and lists with their lengths."""
        for annotation, words in (
            (str, "text"),
            (Annotated[str, Meta(max_length=5)], "text of at most 5 characters"),
            (Annotated[str, Meta(min_length=2)], "text of at least 2 characters"),
            (Annotated[list[int], Meta(min_length=7, max_length=7)], "a list of 7, each a whole number"),
            (list[bool], "a list, each true or false"),
            (Items, "a list of 1 to 5, each an object with size, parts"),
            (dict[str, Any], "an object"),
            (Any, "any value"),
        ):
            self.assertEqual(expected(annotation), words)

    def test_said_better(self) -> None:
        """A type may say it itself, and a choice says each once."""
        day = Annotated[str, Meta(pattern="x", extra={"expected": "a day"})]
        self.assertEqual(expected(day), "a day")
        self.assertEqual(expected(day | UnsetType), "a day")
        self.assertEqual(expected(bool | int | day), "true or false or a whole number or a day")

    def test_description(self) -> None:
        """What a field is for, the last word first; nothing where nobody said it."""
        self.assertEqual(description(Items), "All of them.")
        self.assertEqual(description(Items | UnsetType), "All of them.")
        self.assertEqual(description(Annotated[Items, Meta(description="Some.")]), "Some.")
        self.assertEqual(description(int), "")


class PathTests(SynchronousTestCase):
    """Types inside types."""

    def test_below(self) -> None:
        """A path leads through lists, objects and what may be left out."""
        for annotation in (Items, Items | UnsetType, list[Item] | int):
            self.assertEqual(words_of(type_at(annotation, "[3].size")), "a whole number from 1 to 9")
            self.assertEqual(words_of(type_at(annotation, "[...].parts[0]")), "text")
        self.assertEqual(words_of(type_at(dict[str, int], "[...]")), "a whole number")
        self.assertEqual(words_of(type_at(Items, "")), expected(Items))

    def test_items(self) -> None:
        """The fields of the objects in a list."""
        self.assertEqual([field.encode_name for field in items_of(type_at(Items, ""))], ["size", "parts"])
        for other in (int, list[int], Item):
            self.assertEqual(items_of(type_at(other, "")), ())
