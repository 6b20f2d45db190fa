"""Late replies: none is ever taken for the next command's (protocol §1.3, §9 #14)."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.exchanging import WITHIN, asking, ends, is_cut, reply, said, strays, timed_out
from tfserver.wire.exchange import FENCE_SECONDS, FENCES, Cut, End, Finished, Say


class LateTests(SynchronousTestCase):
    """After a time-out the same word is not said again until nothing of it can come any more."""

    def test_fence_first(self) -> None:
        """The same word waits for the reply to a harmless other one, which was said after it."""
        exchange, now = timed_out("setuserinfo")
        self.assertEqual(said(exchange.submit(asking("setuserinfo"), now)), [FENCES[0]])
        self.assertEqual(said(exchange.receive(reply(FENCES[0], result=True), now + 1)), ["setuserinfo"])
        self.assertEqual(ends(exchange.receive(reply("setuserinfo", result=True), now + 2)), [End.REPLIED])

    def test_late_reply_before_the_fence(self) -> None:
        """A late reply that comes while the fence is awaited is only noted, and the fence still counts."""
        exchange, now = timed_out("setuserinfo")
        exchange.submit(asking("setuserinfo"), now)
        steps = exchange.receive(reply("setuserinfo", result=True), now + 1)
        self.assertEqual((strays(steps), ends(steps)), ([("late reply", "setuserinfo")], []))
        self.assertEqual(said(exchange.receive(reply(FENCES[0]), now + 2)), ["setuserinfo"])

    def test_late_reply_frees_the_word(self) -> None:
        """Once its late reply came the word is said at once; a second one is a stray."""
        exchange, now = timed_out("setuserinfo")
        self.assertEqual(
            strays(exchange.receive(reply("setuserinfo"), now + 5)), [("late reply", "setuserinfo")]
        )
        self.assertEqual(
            strays(exchange.receive(reply("setuserinfo"), now + 6)), [("stray reply", "setuserinfo")]
        )
        self.assertEqual(said(exchange.submit(asking("setuserinfo"), now + 6)), ["setuserinfo"])

    def test_other_words_go_on(self) -> None:
        """Another word is said at once, and the late reply does not end it."""
        exchange, now = timed_out("setuserinfo")
        self.assertEqual(said(exchange.submit(asking("gettime"), now)), ["gettime"])
        steps = exchange.receive(reply("setuserinfo", result=True), now + 1)
        self.assertEqual((strays(steps), ends(steps)), ([("late reply", "setuserinfo")], []))
        self.assertEqual(ends(exchange.receive(reply("gettime", time="x"), now + 2)), [End.REPLIED])

    def test_any_later_reply_is_a_fence(self) -> None:
        """The reply to any command said after it shows that nothing of it comes any more."""
        exchange, now = timed_out("setuserinfo", "opendoor")
        exchange.submit(asking("gettime"), now)
        exchange.receive(reply("gettime", time="x"), now + 1)
        for word in ("setuserinfo", "opendoor"):
            self.assertEqual(said(exchange.submit(asking(word), now + 2)), [word])
            exchange.receive(reply(word, result=True), now + 3)

    def test_reply_about_somebody_else_is_no_fence(self) -> None:
        """A reply that is not the one that is due frees no word."""
        exchange, now = timed_out("opendoor")
        exchange.submit(asking("setuserinfo", echo={"enrollid": 7}), now)
        exchange.receive(reply("setuserinfo", enrollid=8, result=True), now + 1)
        exchange.tick(now + WITHIN)
        self.assertEqual(said(exchange.submit(asking("opendoor"), now + WITHIN)), [FENCES[0]])

    def test_aliases_are_in_doubt_too(self) -> None:
        """A late reply may come under an alias: then that word waits as well, and the other way round."""
        lock, unlock = asking("getdevlock", aliases=("setdevlock",)), asking("setdevlock")
        for first, second in ((lock, unlock), (unlock, lock), (lock, lock)):
            exchange, _ = timed_out()
            exchange.submit(first, 0.0)
            exchange.tick(WITHIN)
            self.assertEqual(said(exchange.submit(second, WITHIN)), [FENCES[0]], first.word)
            late = exchange.receive(reply("setdevlock", result=True), WITHIN + 1)
            self.assertEqual(ends(late), [], "a late reply is never taken for the next command's")
            self.assertEqual(said(exchange.receive(reply(FENCES[0]), WITHIN + 2)), [second.word])

    def test_late_reply_under_one_of_two_words(self) -> None:
        """What came late under one word leaves the other in doubt: it is not said without a fence."""
        exchange, _ = timed_out()
        exchange.submit(asking("getdevlock", aliases=("setdevlock",)), 0.0)
        exchange.tick(WITHIN)
        exchange.receive(reply("getdevlock", result=True), WITHIN + 1)
        self.assertEqual(said(exchange.submit(asking("setdevlock"), WITHIN + 2)), [FENCES[0]])

    def test_unanswered_for_ever(self) -> None:
        """A word that is never answered costs a fence each time, and is said each time."""
        exchange, now = timed_out("setuserprofile")
        for _ in range(3):
            self.assertEqual(said(exchange.submit(asking("setuserprofile"), now)), [FENCES[0]])
            self.assertEqual(said(exchange.receive(reply(FENCES[0], volume=6), now + 1)), ["setuserprofile"])
            now += 1 + WITHIN
            self.assertEqual(ends(exchange.tick(now)), [End.SILENT])


class FenceTests(SynchronousTestCase):
    """Which harmless word is said, and what if it is not answered either."""

    def test_never_one_in_doubt(self) -> None:
        """The fence is the first harmless word that is not itself in doubt."""
        for late, fence in (
            (("setuserinfo",), "getdevinfo"),
            (("getdevinfo",), "gettime"),
            (("getdevinfo", "gettime"), "getuserlock"),
            (("gettime", "getuserlock"), "getdevinfo"),
        ):
            exchange, now = timed_out(*late)
            self.assertEqual(said(exchange.submit(asking(late[0]), now)), [fence])
            late_fence = exchange.receive(reply(late[0], result=True), now + 1)
            self.assertEqual(ends(late_fence), [])
            self.assertEqual(said(exchange.receive(reply(fence, result=True), now + 2)), [late[0]])

    def test_complete(self) -> None:
        """Each fence is a message that terminals can answer: ``getuserlock`` names a person."""
        exchange, now = timed_out("getdevinfo", "gettime")
        [say] = exchange.submit(asking("gettime"), now)
        assert isinstance(say, Say)
        self.assertEqual(json.loads(say.payload), {"cmd": "getuserlock", "enrollid": 1})
        exchange, now = timed_out("opendoor")
        [say] = exchange.submit(asking("opendoor"), now)
        assert isinstance(say, Say)
        self.assertEqual(json.loads(say.payload), {"cmd": "getdevinfo"})

    def test_frees_every_word(self) -> None:
        """A fence that is answered frees all words that were in doubt, also if nothing is said after it."""
        exchange, now = timed_out("opendoor", "setuserinfo")
        exchange.submit(asking("opendoor"), now)
        exchange.receive(reply(FENCES[0]), now + 1)
        exchange.unsaid()
        self.assertEqual(said(exchange.submit(asking("setuserinfo"), now + 2)), ["setuserinfo"])

    def test_refused_fence(self) -> None:
        """A fence that is refused is answered: terminals answer in order whatever they say."""
        exchange, now = timed_out("opendoor")
        exchange.submit(asking("opendoor"), now)
        steps = exchange.receive(reply(FENCES[0], result=False, reason=1), now + 1)
        self.assertEqual(said(steps), ["opendoor"])

    def test_silent_fence(self) -> None:
        """A fence without an answer ends the connection; the command was certainly not sent."""
        exchange, now = timed_out("opendoor")
        exchange.submit(asking("opendoor"), now)
        self.assertEqual(exchange.tick(now + FENCE_SECONDS - 0.001), [])
        steps = exchange.tick(now + FENCE_SECONDS)
        self.assertEqual([type(step) for step in steps], [Cut, Finished])
        self.assertEqual(ends(steps), [End.UNSENT])

    def test_no_fence_left(self) -> None:
        """When every harmless word is in doubt the connection is ended and nothing is said."""
        exchange, now = timed_out(*FENCES)
        steps = exchange.submit(asking(FENCES[0]), now)
        self.assertEqual((said(steps), ends(steps), is_cut(steps)), ([], [End.UNSENT], True))
        self.assertEqual(exchange.tick(1e9), [])
        self.assertEqual(exchange.lost(), [])

    def test_word_not_in_doubt_needs_none(self) -> None:
        """When every harmless word is in doubt another word is said all the same."""
        exchange, now = timed_out(*FENCES)
        self.assertEqual(said(exchange.submit(asking("opendoor"), now)), ["opendoor"])
