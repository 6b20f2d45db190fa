"""Signals that come again while a stop is under way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.signals import told_again


class Reactor:
    """Calls at once what is called from a thread."""

    def callFromThread(self, function: Callable[[], Any]) -> None:
        """Call it."""
        function()


class ToldAgainTests(SynchronousTestCase):
    """Who hears of a second signal."""

    def setUp(self) -> None:
        """Somebody handles both signals."""
        self.told: list[str] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.signal(number, lambda number, frame: self.told.append("stop"))
            self.addCleanup(signal.signal, number, before)

    def say(self, number: signal.Signals) -> None:
        """A signal comes."""
        os.kill(os.getpid(), number)

    def test_again(self) -> None:
        """Within, both signals hurry; afterwards they are whose they were."""
        with told_again(Reactor(), lambda: self.told.append("hurry")):
            self.say(signal.SIGTERM)
            self.say(signal.SIGINT)
        self.say(signal.SIGTERM)
        self.assertEqual(self.told, ["hurry", "hurry", "stop"])

    def test_after_a_failure(self) -> None:
        """They are given back also when the stop fails."""
        with self.assertRaises(ZeroDivisionError), told_again(Reactor(), lambda: None):
            _ = 1 / 0
        self.say(signal.SIGINT)
        self.assertEqual(self.told, ["stop"])

    def test_not_handled(self) -> None:
        """A signal that nobody handled keeps its default."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with told_again(Reactor(), lambda: None):
            self.assertIs(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)
