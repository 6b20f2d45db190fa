"""Why a terminal refused, in words (protocol §3.8)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from twisted.trial.unittest import SynchronousTestCase

from tfserver.credentials import PHOTO
from tfserver.order import OrderError
from tfserver.wire.message import Command, RawReply, Reply
from tfserver.wire.reasons import MOST_MSG, refusal


class Bring(Command[Reply]):
    """Bring something."""

    backupnum: int | UnsetType = UNSET
    record: str | UnsetType = UNSET


def refused(backupnum: int | UnsetType = UNSET, **fields: Any) -> OrderError:
    """What is told of a refusal."""
    return refusal(Bring(backupnum, "x" * 50), RawReply("bring", False, fields))


class RefusalTests(SynchronousTestCase):
    """What people are told."""

    def test_numbers_of_photos(self) -> None:
        """For a photo the numbers have meanings; they come as numbers or as text."""
        for reason in (5, "5", "05"):
            found = refused(PHOTO, reason=reason)
            self.assertEqual(found.message, "the terminal refused: there is no face in it")
            self.assertEqual(found.reason, reason)
        self.assertEqual(refused(PHOTO, reason=99).message, "the terminal refused: reason 99")

    def test_numbers_of_others(self) -> None:
        """Elsewhere a number means nothing that is known."""
        for backupnum in (UNSET, 0, 11):
            self.assertEqual(refused(backupnum, reason=5).message, "the terminal refused: reason 5")

    def test_words(self) -> None:
        """The terminal's own words are told, beside its number."""
        found = refused(reason=1, msg="can not find the user")
        self.assertEqual(found.message, "the terminal refused: can not find the user")
        self.assertEqual((found.reason, found.msg), (1, "can not find the user"))
        both = refused(PHOTO, reason=5, msg="bad")
        self.assertEqual((both.message, both.msg), ("the terminal refused: there is no face in it", "bad"))

    def test_general(self) -> None:
        """1 of a photo is about its size, unless the terminal says something better, or was sent no photo."""
        self.assertIn("too big", refused(PHOTO, reason=1).message)
        self.assertIn("memory full", refused(PHOTO, reason=1, msg="memory full").message)
        told = refusal(Bring(PHOTO), RawReply("bring", False, {"reason": 5}))
        self.assertEqual(told.message, "the terminal refused: reason 5")

    def test_nothing_said(self) -> None:
        """A terminal that gives no reason gave none."""
        self.assertEqual(refused(), OrderError("the terminal refused: no reason given"))

    def test_odd(self) -> None:
        """What is no number and no text is no reason; whatever comes is cut, and can be written and read."""
        for fields in (
            {"reason": True},
            {"reason": [1]},
            {"reason": {"x": 1}},
            {"reason": 1.5},
            {"reason": 10**39},
            {"reason": "x" * 10_000},
            {"reason": "٣"},
            {"msg": ["x"] * 10_000},
            {"msg": 7},
            {"reason": "x" * 10_000, "msg": "y" * 10_000},
        ):
            found = refused(PHOTO, **fields)
            self.assertLess(len(msgspec.json.encode(found)), 4 * MOST_MSG, fields)
            self.assertEqual(msgspec.json.decode(msgspec.json.encode(found), type=OrderError), found)
            if not isinstance(fields.get("reason"), int | str) or fields.get("reason") is True:
                self.assertIsNone(found.reason)
