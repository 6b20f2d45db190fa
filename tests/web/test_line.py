"""Pages are made one piece after the other, and terminals are heard in between."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any
from unittest import mock

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.web.line import LONG_SECONDS, REST_SECONDS, TURN_SECONDS, Line


class LineTests(SynchronousTestCase):
    """Work on a clock that goes on by what a piece takes."""

    def setUp(self) -> None:
        """A line at which nobody stands."""
        self.clock = Clock()
        self.used = 0.0
        self.line = Line(self.clock, lambda: self.used)
        self.done: list[str] = []

    def begin(self, work: Coroutine[Deferred[Any], Any, Any]) -> Deferred[Any]:
        """Work that goes on in its turns."""
        return Deferred.fromCoroutine(self.line.place().paced(work))

    def page(self, name: str, count: int, seconds: float = 0.75 * TURN_SECONDS) -> Deferred[str]:
        """A page: so many pieces, each of which takes this long."""
        place = self.line.place()

        async def pieces() -> str:
            """One after the other."""
            for number in range(count):
                self.done.append(f"{name}{number}")
                self.used += seconds
                await place.turn()
            return name

        return Deferred.fromCoroutine(place.paced(pieces()))

    def test_turns(self) -> None:
        """However many pages are made, a break comes after a turn; who came first is done first. A page alone
        takes no rest."""
        pages = [self.page(name, 2) for name in "abc"]
        self.assertEqual(self.done, [])
        self.clock.advance(0)
        self.assertEqual(self.done, ["a0", "a1"])
        self.clock.advance(0)
        self.assertEqual(self.done, ["a0", "a1"])
        self.clock.advance(REST_SECONDS)
        self.assertEqual(self.done, ["a0", "a1", "b0", "b1"])
        self.assertEqual(self.successResultOf(pages[0]), "a")
        for _ in range(2):
            self.clock.advance(REST_SECONDS)
        self.assertEqual([self.successResultOf(page) for page in pages[1:]], ["b", "c"])
        alone = self.page("d", 3)
        for _ in range(4):
            self.clock.advance(0)
        self.assertEqual(self.successResultOf(alone), "d")

    def test_long_ones(self) -> None:
        """A page that takes long lets short ones go first, but not for ever."""
        long, short = self.page("long", 6, 0.6 * LONG_SECONDS), self.page("short", 3)
        for _ in range(5):
            self.clock.advance(REST_SECONDS)
        self.assertEqual(self.done[:6], ["long0", "long1", "long2", "short0", "short1", "short2"])
        self.assertEqual(self.successResultOf(short), "short")
        for _ in range(8):
            self.clock.advance(REST_SECONDS)
        self.assertEqual(self.successResultOf(long), "long")

    def test_what_was_waited_for(self) -> None:
        """Work gets what it waited for, as a value or as an error, but only in its turn."""
        first, second, heard = Deferred[int](), Deferred[int](), []

        async def work() -> int:
            """Wait for one, and for another."""
            heard.append(await first)
            try:
                await second
            except ValueError as failed:
                heard.append(str(failed))
            return 3

        page = self.begin(work())
        self.clock.advance(0)
        first.callback(1)
        self.assertEqual(heard, [])
        self.clock.advance(0)
        second.errback(ValueError("two"))
        self.assertEqual(heard, [1])
        self.clock.advance(0)
        self.assertEqual((heard, self.successResultOf(page)), ([1, "two"], 3))

    def test_one_turn_for_each(self) -> None:
        """Work that asks for its turn itself waits for that one alone."""
        place = self.line.place()

        async def work() -> None:
            """Two pieces."""
            await place.turn()

        with mock.patch.object(self.line, "wait", wraps=self.line.wait) as waits:
            page = Deferred.fromCoroutine(place.paced(work()))
            self.clock.advance(0)
        self.successResultOf(page)
        self.assertEqual(waits.call_count, 2)

    def test_own_errors(self) -> None:
        """An error of the work is the page's."""

        async def work() -> None:
            """Fail after a while."""
            await self.line.place().turn()
            raise KeyError("x")

        page = self.begin(work())
        for _ in range(3):
            self.clock.advance(0)
        self.failureResultOf(page, KeyError)

    def test_given_up(self) -> None:
        """Whoever goes away stands in nobody's way: before the first piece, while waiting for something, and
        between that and the turn."""
        waited: Deferred[None] = Deferred()
        ready: Deferred[None] = Deferred()

        async def work(what: Deferred[None]) -> None:
            """Wait; and notice that it is over."""
            try:
                await what
            except CancelledError:
                self.done.append("over")
                raise

        early = self.page("early", 1)
        early.cancel()
        self.failureResultOf(early, CancelledError)
        pages = [self.begin(work(each)) for each in (waited, ready)]
        self.clock.advance(0)
        ready.callback(None)
        for page in pages:
            page.cancel()
        for _ in range(3):
            self.clock.advance(REST_SECONDS)
        for page in pages:
            self.failureResultOf(page, CancelledError)
        self.assertEqual(self.done, ["over", "over"])
        last = self.page("z", 1)
        for _ in range(3):
            self.clock.advance(0)
        self.assertEqual(self.successResultOf(last), "z")
