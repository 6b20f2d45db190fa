"""Which of several messages is refused, and whose fault that is."""

from __future__ import annotations

import random
from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery.backoff import MOST_SECONDS, WAITS, asked_wait, wait_after
from tfserver.delivery.bisection import AT_ONCE, FIRST_LOOK, MOST_LOOK, Bisection, look_ahead
from tfserver.delivery.message import Message
from tfserver.delivery.verdict import Verdict, verdict_on


def messages(count: int, first: int = 0) -> list[Message]:
    """So many of them."""
    return [Message(f"{n}-0", f"punch_{n}", "{}") for n in range(first, first + count)]


class Tried:
    """A receiver that takes requests by ``takes``, and what came of each message."""

    def __init__(self, trial: Bisection, takes: Callable[[list[int]], bool]) -> None:
        self.trial = trial
        self.takes = takes
        self.requests: list[list[int]] = []
        self.accepted: list[int] = []
        self.dead: list[int] = []

    def send(self, some: list[Message]) -> None:
        """Send messages until nothing is left to try."""
        self.trial.add(some)
        while (part := self.trial.part) is not None:
            numbers = [int(message.id.removeprefix("punch_")) for message in part]
            self.requests.append(numbers)
            takes = self.takes(numbers)
            judged = self.trial.accepted() if takes else self.trial.refused()
            self.accepted += numbers if takes else []
            if judged is not None:
                self.dead += [int(message.id.removeprefix("punch_")) for message in judged.refused]


class BisectionTests(SynchronousTestCase):
    """One try."""

    def test_all_well(self) -> None:
        """A batch that is accepted is one request."""
        tried = Tried(Bisection(0, 3), lambda numbers: True)
        tried.send(messages(100))
        self.assertEqual(len(tried.requests), 1)
        self.assertEqual(tried.accepted, list(range(100)))

    def test_one_is_refused(self) -> None:
        """One of many is found in about as many requests as its number has binary digits, twice."""
        for wrong in (0, 1, 63, 99):
            tried = Tried(Bisection(0, 3), lambda numbers, wrong=wrong: wrong not in numbers)  # type: ignore[misc]
            tried.send(messages(100))
            self.assertEqual(tried.dead, [wrong])
            self.assertEqual(tried.accepted, [n for n in range(100) if n != wrong])
            self.assertLessEqual(len(tried.requests), 15)

    def test_any(self) -> None:
        """Whatever is refused, as long as something behind it is accepted: the rest is delivered in order,
        each refused one is dead, and nothing is both or missing."""
        chance = random.Random(7)
        for _ in range(300):
            count = chance.randint(1, 40)
            wrong = {n for n in range(count) if chance.random() < chance.choice((0.05, 0.5, 0.9))}
            tried = Tried(Bisection(0, MOST_LOOK), lambda numbers, wrong=wrong: not wrong & {*numbers})  # type: ignore[misc]
            tried.send(messages(count))
            tried.send(messages(1, count))
            self.assertEqual(tried.accepted, [n for n in range(count + 1) if n not in wrong])
            self.assertEqual(tried.dead, sorted(wrong))
            self.assertEqual(tried.trial.suspects, [])

    def test_everything_is_refused(self) -> None:
        """After a few in a row nothing more is dead, and the try is given up soon."""
        tried = Tried(Bisection(0, FIRST_LOOK), lambda numbers: False)
        tried.send(messages(100))
        self.assertEqual(tried.dead, list(range(AT_ONCE)))
        self.assertTrue(tried.trial.is_given_up)
        self.assertEqual(len(tried.trial.suspects), FIRST_LOOK)
        self.assertLessEqual(len(tried.requests), 25)

    def test_remembers(self) -> None:
        """What was refused in a row before counts: with nothing accepted since, none is dead."""
        tried = Tried(Bisection(AT_ONCE, FIRST_LOOK), lambda numbers: False)
        tried.send(messages(10))
        self.assertEqual(tried.dead, [])

    def test_success_between(self) -> None:
        """With a success between them any number of messages may be dead at once."""
        tried = Tried(Bisection(0, FIRST_LOOK), lambda numbers: all(n % 2 == 0 for n in numbers))
        tried.send(messages(20))
        self.assertEqual(tried.dead, list(range(1, 20, 2)))

    def test_look_ahead(self) -> None:
        """Each try that was given up looks further, up to a bound."""
        found = [look_ahead(n) for n in range(8)]
        self.assertEqual(found, [3, 6, 12, 24, 48, 96, 96, 96])
        self.assertEqual(look_ahead(10_000), MOST_LOOK)


class VerdictTests(SynchronousTestCase):
    """What answers mean."""

    def test_each(self) -> None:
        """Every status means one of four things."""
        wanted = {
            Verdict.ACCEPTED: (200, 201, 202, 204, 299),
            Verdict.LATER: (
                100,
                199,
                300,
                301,
                302,
                307,
                308,
                399,
                408,
                425,
                429,
                500,
                502,
                503,
                504,
                599,
                600,
                0,
            ),
            Verdict.REFUSED: (400, 401, 403, 404, 405, 406, 409, 411, 413, 415, 418, 422, 431, 451, 499),
            Verdict.STOP: (410,),
        }
        for verdict, statuses in wanted.items():
            for status in statuses:
                self.assertIs(verdict_on(status), verdict, status)


class BackoffTests(SynchronousTestCase):
    """How long to wait."""

    def test_grows(self) -> None:
        """From a second to hours, and never longer, however often it failed."""
        waits = [wait_after(failures, 0.5) for failures in range(1, 30)]
        self.assertEqual(waits, sorted(waits))
        self.assertEqual((waits[0], waits[-1]), (1, 14_400))
        self.assertEqual(waits[: len(WAITS)], list(WAITS))

    def test_jitter(self) -> None:
        """Chance moves it by a fifth."""
        self.assertEqual([round(wait_after(3, chance), 6) for chance in (0, 0.5, 1)], [24, 30, 36])

    def test_asked(self) -> None:
        """What a receiver asks for is kept, within reason."""
        self.assertEqual([asked_wait(s) for s in (-5, 0, 7, 86_400)], [1, 1, 7, MOST_SECONDS])
