"""One call for what is asked in one turn: shared, bounded, in order, and nobody waits for nothing."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import ScriptFailed, StoreUnavailable
from tfserver.store import turn as turn_module
from tfserver.store.turn import Question, Turn


class TurnTests(SynchronousTestCase):
    """Questions over a store that answers when the test says so."""

    def setUp(self) -> None:
        """Nothing was asked yet."""
        self.clock = Clock()
        self.turn = Turn(self.clock, self.call)
        self.calls: list[tuple[list[Question], Deferred[list[Any]]]] = []

    async def call(self, questions: list[Question]) -> list[Any]:
        """A call that is under way until ``answer``."""
        answers: Deferred[list[Any]] = Deferred()
        self.calls.append((questions, answers))
        return await answers

    def sizes(self) -> list[int]:
        """How many questions each call had."""
        return [len(questions) for questions, _ in self.calls]

    def pass_turn(self) -> None:
        """The turn of the reactor is over."""
        self.clock.advance(0)

    def answer(self, place: int) -> None:
        """A call ends; each question is its own answer."""
        questions, answers = self.calls[place]
        answers.callback(list(questions))

    def test_alone(self) -> None:
        """A lone question waits for nobody: its call is made when the turn is over, in no time."""
        asked = self.turn.ask("a", 1)
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls], [[("a", 1)]])
        self.answer(0)
        self.assertEqual(self.successResultOf(asked), ("a", 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_turn_one_call(self) -> None:
        """All of a turn share one call, in the order they were asked, and each has its own answer."""
        asked = [self.turn.ask(n) for n in range(60)]
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls], [[(n,) for n in range(60)]])
        self.answer(0)
        self.assertEqual([self.successResultOf(one) for one in asked], [(n,) for n in range(60)])

    def test_bounded(self) -> None:
        """No call has more questions than the bound, and no more calls are under way than theirs."""
        most, calls = turn_module.MOST_A_CALL, turn_module.MOST_CALLS
        asked = [self.turn.ask(n) for n in range(most * 4 + 5)]
        self.pass_turn()
        self.assertEqual(self.sizes(), [most] * calls)
        for place in range(5):
            self.answer(place)
            self.pass_turn()
        self.assertEqual(self.sizes(), [most] * 4 + [5])
        self.assertEqual([self.successResultOf(one)[0] for one in asked], list(range(most * 4 + 5)))

    def test_waiting(self) -> None:
        """Whoever has no answer yet is counted, asked already or not, and so is how long the first waits."""
        self.assertEqual(self.turn.waiting, (0, 0.0))
        most = turn_module.MOST_A_CALL * turn_module.MOST_CALLS
        for n in range(most):
            self.turn.ask(n)
        self.pass_turn()
        self.assertEqual(self.turn.waiting, (most, 0.0))
        self.clock.advance(2)
        for n in range(5):
            self.turn.ask(n)
        self.turn.ask_first("now")
        self.assertEqual(self.turn.waiting, (most + 6, 2.0))
        self.clock.advance(1)
        self.answer(0)
        self.answer(1)
        self.assertEqual(self.turn.waiting, (6, 1.0))
        self.pass_turn()
        self.assertEqual(self.turn.waiting, (6, 1.0))
        self.answer(2)
        self.assertEqual(self.turn.waiting, (0, 0.0))

    def test_fewer(self) -> None:
        """Where questions take long, fewer of them make a call."""
        turn = Turn(self.clock, self.call, 3)
        for n in range(10):
            turn.ask(n)
        self.pass_turn()
        self.assertEqual(self.sizes(), [3, 3])

    def test_large_ones(self) -> None:
        """Questions with much in them make a call before there are many."""
        for n in range(5):
            self.turn.ask(n, "x" * (turn_module.MOST_BYTES // 2))
        self.pass_turn()
        self.assertEqual(self.sizes(), [2, 2])

    def test_first(self) -> None:
        """What goes first is asked before all that wait, in its own order, and bounded by itself."""
        self.patch(turn_module, "MOST_WAITING", 3)
        for n in range(3):
            self.turn.ask(n)
        for n in (7, 8):
            self.turn.ask_first(n)
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls], [[(7,), (8,), (0,), (1,), (2,)]])
        for n in range(3):
            self.turn.ask_first(n)
        self.failureResultOf(self.turn.ask_first(3), StoreUnavailable)

    def test_first_alone(self) -> None:
        """What goes first needs nobody else to be asked."""
        self.turn.ask_first("a")
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls], [[("a",)]])

    def test_shared_while_calls_are_under_way(self) -> None:
        """What is asked in several turns while calls are under way shares the next one."""
        for n in range(6):
            self.turn.ask(n)
            self.pass_turn()
        self.assertEqual(self.sizes(), [1, 1])
        self.answer(0)
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls[2:]], [[(2,), (3,), (4,), (5,)]])

    def test_too_many_waiting(self) -> None:
        """Beyond the bound a question is refused at once, and later ones are taken again."""
        self.patch(turn_module, "MOST_WAITING", 3)
        taken = [self.turn.ask(n) for n in range(3)]
        self.assertIn("waiting", str(self.failureResultOf(self.turn.ask(3), StoreUnavailable).value))
        self.pass_turn()
        taken.append(self.turn.ask(4))
        self.pass_turn()
        for place in range(2):
            self.answer(place)
        self.assertEqual([self.successResultOf(one) for one in taken], [(0,), (1,), (2,), (4,)])

    def test_poison(self) -> None:
        """A question whose answer is an exception fails; the others of its call do not."""
        asked = [self.turn.ask(n) for n in range(3)]
        self.pass_turn()
        self.calls[0][1].callback([0, ScriptFailed("poison"), 2])
        self.failureResultOf(asked[1], ScriptFailed)
        self.assertEqual([self.successResultOf(asked[n]) for n in (0, 2)], [0, 2])

    def test_failed_call(self) -> None:
        """A call that fails fails for each of its own, by itself, and the next calls are made."""
        asked = [self.turn.ask(n) for n in range(2)]
        self.pass_turn()
        self.calls[0][1].errback(StoreUnavailable("away"))
        failures = [self.failureResultOf(one, StoreUnavailable).value for one in asked]
        self.assertEqual([str(failure) for failure in failures], ["away"] * 2)
        self.assertIsNot(failures[0], failures[1])
        for n in range(3):
            self.turn.ask(n)
            self.pass_turn()
        self.assertEqual(self.sizes(), [2, 1, 1])

    def test_mistake_of_ours(self) -> None:
        """A call that fails by a mistake of ours leaves nobody waiting."""
        asked = self.turn.ask("x")
        self.pass_turn()
        self.calls[0][1].errback(ValueError("mistake"))
        self.failureResultOf(asked, ValueError)

    def test_gave_up_before(self) -> None:
        """A question that was given up while it waited is not asked, so that nothing after it is undone."""
        first, gone, last = (self.turn.ask(n) for n in range(3))
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.pass_turn()
        self.assertEqual([questions for questions, _ in self.calls], [[(0,), (2,)]])
        self.answer(0)
        self.assertEqual((self.successResultOf(first), self.successResultOf(last)), ((0,), (2,)))

    def test_all_gave_up(self) -> None:
        """When everybody gave up, no call is made."""
        self.failureResultOf(self._given_up(), CancelledError)
        self.pass_turn()
        self.assertEqual(self.calls, [])

    def _given_up(self) -> Deferred[Any]:
        asked = self.turn.ask("x")
        asked.cancel()
        return asked

    def test_gave_up_during(self) -> None:
        """A question that was given up while its call is under way disturbs no other."""
        gone, other = self.turn.ask("gone"), self.turn.ask("other")
        self.pass_turn()
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.answer(0)
        self.assertEqual(self.successResultOf(other), ("other",))
