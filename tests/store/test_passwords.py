"""Passwords: what is kept of them, what is refused, and how many are looked at at once."""

from __future__ import annotations

import threading
import unicodedata
from typing import Any

import argon2
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.store.hashing import CHEAP, RIGHT, at_once
from tfserver.store import passwords as module
from tfserver.store.passwords import Busy, Cost, Passwords, WeakPassword, check_strength


class StrengthTests(SynchronousTestCase):
    """Which passwords are taken."""

    def test_taken(self) -> None:
        """Length is what counts: any letters of any script, blanks too, do."""
        for password in (RIGHT, "abcdefghijkl", "كلمة مرور طويلة جدا", "x" * 251 + "1234y"):
            check_strength(password, "ines")

    def test_refused(self) -> None:
        """What is short, endless, the name, or the same again and again is refused with what was expected."""
        for password, name in (
            ("", "ines"),
            ("elevenchars", "ines"),
            ("x1y2z" * 52, "ines"),
            ("aaaaaaaaaaaaaaaaaa", "ines"),
            ("abababababababab", "ines"),
            ("ines.marques", "ines.marques"),
            ("INES.Marques1!", "ines.marques"),
            ("inesinesines12", "ines"),
        ):
            found = self.assertRaises(WeakPassword, check_strength, password, name)
            self.assertEqual(found.problems, [("password", str(found))])
            self.assertTrue(str(found).startswith("expected"))
            if password:
                self.assertNotIn(password, str(found))

    def test_length_of_what_is_meant(self) -> None:
        """Letters are counted as they are compared, not as a keyboard puts them together."""
        self.assertRaises(WeakPassword, check_strength, unicodedata.normalize("NFD", "éàüöñçîôûâê"), "ines")


class KeptTests(SynchronousTestCase):
    """What is kept of a password."""

    def setUp(self) -> None:
        """Cheap ones."""
        self.passwords = Passwords(at_once, CHEAP)

    def test_argon2id(self) -> None:
        """It is Argon2id, with another salt each time, and the password is no part of it."""
        kept = [self.successResultOf(Deferred.fromCoroutine(self.passwords.hash(RIGHT))) for _ in range(2)]
        self.assertNotEqual(*kept)
        for text in kept:
            self.assertTrue(text.startswith("$argon2id$v=19$m=8,t=1,p=1$"), text)
            self.assertNotIn("otters", text)

    def test_cost(self) -> None:
        """Unless somebody says otherwise a guess costs what RFC 9106 recommends where memory is short."""
        profile = argon2.profiles.RFC_9106_LOW_MEMORY
        self.assertEqual(Cost()[:2], (profile.memory_cost, profile.time_cost))
        kept = self.successResultOf(Deferred.fromCoroutine(Passwords(at_once).hash(RIGHT)))
        self.assertTrue(kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$"), kept)

    def checked(self, password: str, kept: str | None) -> bool:
        """Whether it is right."""
        return self.successResultOf(Deferred.fromCoroutine(self.passwords.check(password, kept)))

    def test_checked(self) -> None:
        """The password is right and no other, however its letters were put together."""
        word = "Crème brûlée, twice"
        kept = self.successResultOf(Deferred.fromCoroutine(self.passwords.hash(word)))
        for form in ("NFC", "NFD", "NFKC"):
            self.assertTrue(self.checked(unicodedata.normalize(form, word), kept))
        for other in (word.lower(), word + " ", word[:-1], "", "\ud800", word + "x" * 5000):
            self.assertFalse(self.checked(other, kept))

    def test_of_nobody(self) -> None:
        """Where nothing is kept, or nonsense, nothing is right, and the same work is done."""
        done: list[tuple[str, Any]] = []
        real = self.passwords._hasher.verify

        def verify(kept: str, password: bytes) -> Any:
            done.append((kept.rpartition("$")[0].rpartition("$")[0], len(kept)))
            return real(kept, password)

        self.patch(self.passwords, "_hasher", _Hasher(verify))
        kept = self.successResultOf(Deferred.fromCoroutine(Passwords(at_once, CHEAP).hash(RIGHT)))
        self.assertTrue(self.checked(RIGHT, kept))
        self.assertFalse(self.checked(RIGHT, None))
        self.assertFalse(self.checked("x" * 1000, kept))
        self.assertEqual(len(set(done)), 1, done)
        self.assertEqual(len(done), 3)
        self.assertFalse(self.checked(RIGHT, "nonsense"))

    def test_outdated(self) -> None:
        """What was hashed at another cost is known as such."""
        kept = self.successResultOf(Deferred.fromCoroutine(self.passwords.hash(RIGHT)))
        self.assertFalse(self.passwords.is_outdated(kept))
        for cost in (Cost(16, 1, 1), Cost(8, 2, 1)):
            self.assertTrue(Passwords(at_once, cost).is_outdated(kept))


class _Hasher:
    """A hasher that tells what it verifies."""

    def __init__(self, verify: Any) -> None:
        self.verify = verify


class TurnTests(SynchronousTestCase):
    """How many at once."""

    def setUp(self) -> None:
        """Threads that end when the test says so."""
        self.running: list[Deferred[Any]] = []
        self.passwords = Passwords(self.in_thread, CHEAP)

    def in_thread(self, *_: Any) -> Deferred[Any]:
        """One more."""
        self.running.append(Deferred())
        return self.running[-1]

    def asked(self) -> Deferred[str]:
        """Somebody signs in."""
        return Deferred.fromCoroutine(self.passwords.hash(RIGHT))

    def test_one_after_another(self) -> None:
        """One is looked at, so many wait, and the next is told to come again."""
        waiting = [self.asked() for _ in range(1 + module.MOST_WAITING)]
        self.assertEqual(len(self.running), 1)
        self.failureResultOf(self.asked(), Busy)
        for n, one in enumerate(waiting):
            self.running[n].callback(f"kept {n}")
            self.assertEqual(self.successResultOf(one), f"kept {n}")

    def test_given_up(self) -> None:
        """Who gives up waiting does not make room for another thread while its own still works."""
        first, second = self.asked(), self.asked()
        first.cancel()
        self.failureResultOf(first)
        self.assertEqual(len(self.running), 1)
        self.running[0].callback("kept")
        self.assertEqual(len(self.running), 2)
        self.running[1].errback(ZeroDivisionError())
        self.failureResultOf(second, ZeroDivisionError)


class ThreadTests(TestCase):
    """Where the work is done."""

    async def test_not_on_the_reactor(self) -> None:
        """It is done in another thread than the reactor's."""
        found: list[int] = []

        def in_thread(function: Any, *args: Any) -> Deferred[Any]:
            def work() -> Any:
                found.append(threading.get_ident())
                return function(*args)

            return deferToThread(work)

        passwords = Passwords(in_thread, CHEAP)
        self.assertTrue(await passwords.check(RIGHT, await passwords.hash(RIGHT)))
        self.assertEqual(len(found), 2)
        self.assertNotIn(threading.get_ident(), found)
