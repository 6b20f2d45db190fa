"""Secrets in paths."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.secretpath import ALPHABET, LENGTH, hash_of, new_secret, said_in

SECRET = "abcde23456abcde23456"


class SecretPathTests(SynchronousTestCase):
    """What a terminal says in its path."""

    def test_new(self) -> None:
        """A fresh secret can be typed at a keypad, is long enough, and is never the same."""
        made = {new_secret() for _ in range(100)}
        self.assertEqual(len(made), 100)
        self.assertTrue(all(len(secret) == LENGTH and set(secret) <= set(ALPHABET) for secret in made))
        self.assertGreaterEqual(len(set(ALPHABET)) ** LENGTH, 2**100)

    def test_said(self) -> None:
        """It is the end of the path, whatever stands before or asks behind; keypads may write capitals."""
        for path in (
            f"/{SECRET}",
            f"/pub/chat/{SECRET}",
            f"/{SECRET}/",
            f"/{SECRET}?a=/b",
            f"/{SECRET.upper()}",
        ):
            self.assertEqual(said_in(path), hash_of(SECRET), path)

    def test_nothing_said(self) -> None:
        """Usual paths say nothing, and no secret elsewhere counts."""
        for path in ("", "/", "/pub/chat", f"/{SECRET}/x", f"/?{SECRET}", f"/{SECRET}a", f"/{SECRET[1:]}"):
            self.assertEqual(said_in(path), "", path)
