"""Requests are answered one after another in the order they came, and only so many wait (design §3)."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.conversation import SN, Conversation, admitted, asked, notes, sent
from tfserver.wire.message import Response
from tfserver.wire.session import Ask, Hold, Resume, State


def log(n: int, **more: Any) -> dict[str, Any]:
    """A batch with a receipt to know it by."""
    return {"cmd": "sendlog", "sn": SN, "logindex": n, "record": [], **more}


class OrderTests(SynchronousTestCase):
    """First come, first served."""

    def test_one_at_a_time(self) -> None:
        """While one is asked the others wait; each answer is followed by the next question."""
        conversation = admitted()
        self.assertEqual(asked(conversation.says(log(0))), ["sendlog"])
        for n in range(1, 5):
            self.assertEqual(conversation.says(log(n)), [])
        for n in range(5):
            tells = conversation.answer()
            self.assertEqual([message["logindex"] for message in sent(tells)], [n])
            self.assertEqual(len(asked(tells)), 1 if n < 4 else 0)

    def test_fixed_answers_wait_too(self) -> None:
        """A word with a fixed answer does not overtake what came before it."""
        conversation = admitted()
        conversation.says(log(0))
        for word in ("sendgps", "dance"):
            self.assertEqual(conversation.asks(word, sn=SN), [])
        conversation.says(log(1))
        conversation.asks("otacheck", sn=SN)
        tells = conversation.answer()
        self.assertEqual([message["ret"] for message in sent(tells)], ["sendlog", "sendgps", "dance"])
        self.assertIsInstance(tells[-1], Ask)
        self.assertEqual([message["ret"] for message in sent(conversation.answer())], ["sendlog", "otacheck"])

    def test_reg_waits_too(self) -> None:
        """``reg`` in the middle is answered in its turn, and what follows it by its outcome."""
        conversation = admitted()
        conversation.says(log(0))
        conversation.asks("reg", sn=SN)
        conversation.says(log(1))
        self.assertEqual(asked(conversation.answer()), ["reg"])
        self.assertIs(conversation.state, State.REGISTERING)
        tells = conversation.answer(Response(False, "Denied by the server"))
        self.assertEqual([message["result"] for message in sent(tells)], [False, False])
        self.assertEqual(asked(tells), [])

    def test_notes_in_turn(self) -> None:
        """What is odd about a frame that waits is told when its turn comes."""
        conversation = admitted()
        conversation.says(log(0))
        self.assertEqual(conversation.says(b'{"cmd":"dance",}'), [])
        self.assertEqual(notes(conversation.answer()), ["mended frame", "unknown word"])

    def test_unreadable_frames_do_not_wait(self) -> None:
        """An unreadable frame is noted at once, since nothing answers it."""
        conversation = admitted()
        conversation.says(log(0))
        self.assertEqual(notes(conversation.says(b"rubbish, rubbish")), ["unreadable frame"])


class HoldTests(SynchronousTestCase):
    """Reading stops while too much waits."""

    def test_frames(self) -> None:
        """The bound of frames holds once, and the last that waited resumes once."""
        conversation = admitted(waiting_frames=3)
        tells = [conversation.says(log(n)) for n in range(6)]
        self.assertEqual([Hold() in told for told in tells], [False, False, False, True, False, False])
        resumed = [Resume() in conversation.answer() for _ in range(6)]
        self.assertEqual(resumed, [False, False, False, False, True, False])

    def test_bytes(self) -> None:
        """The bound of bytes holds as well, whatever the number of frames."""
        size = len(json.dumps(log(1, image="x" * 500)).encode())
        conversation = admitted(waiting_bytes=2 * size)
        tells = [conversation.says(log(n, image="x" * 500)) for n in range(3)]
        self.assertEqual([Hold() in told for told in tells], [False, False, True])
        self.assertEqual([Resume() in conversation.answer() for _ in range(2)], [False, True])

    def test_bytes_are_given_back(self) -> None:
        """What was served counts no longer: the bound holds for what waits now."""
        conversation = admitted(waiting_bytes=3 * len(json.dumps(log(1)).encode()))
        conversation.says(log(0))
        for n in range(1, 9):
            self.assertEqual(conversation.says(log(n)), [])
            conversation.answer()
        self.assertEqual(conversation.says(log(1)), [])
        self.assertEqual(conversation.says(log(2)), [])
        self.assertEqual(conversation.says(log(3)), [Hold()])

    def test_hold_again(self) -> None:
        """After it resumed it holds again at the same bound."""
        conversation = admitted(waiting_frames=1)
        for _ in range(3):
            conversation.says(log(0))
            self.assertEqual(conversation.says(log(1)), [Hold()])
            self.assertNotIn(Resume(), conversation.answer()[:-1])
            self.assertEqual(sent(conversation.answer())[0]["logindex"], 1)

    def test_resume_after_fixed_answers(self) -> None:
        """If nothing that waited needs a handler, one answer sends all of it and resumes last."""
        conversation = admitted(waiting_frames=2)
        conversation.says(log(0))
        conversation.asks("dance")
        self.assertEqual(conversation.asks("sendgps"), [Hold()])
        tells = conversation.answer()
        self.assertEqual(len(sent(tells)), 3)
        self.assertEqual(tells[-1], Resume())

    def test_before_reg(self) -> None:
        """A flood behind a ``reg`` that is being answered is held as well."""
        conversation = Conversation(waiting_frames=2)
        conversation.asks("reg", sn=SN)
        conversation.says(log(0))
        self.assertEqual(conversation.says(log(1)), [Hold()])


class RoomTests(SynchronousTestCase):
    """What a conversation takes while nothing waits."""

    def test_made_when_needed(self) -> None:
        """There is a queue while something waits in it, and none before and after: most never need one."""
        conversation = admitted()
        session = conversation.session
        self.assertIsNone(session._waiting)
        for _ in range(2):
            conversation.says(log(0))
            self.assertIsNone(session._waiting)
            conversation.says(log(1))
            conversation.says(log(2))
            self.assertEqual(len(session._waiting or ()), 2)
            conversation.answer()
            self.assertEqual(len(session._waiting or ()), 1)
            conversation.answer()
            self.assertIsNone(session._waiting)
            conversation.answer()
            self.assertEqual((session._waiting, session._waiting_bytes), (None, 0))

    def test_gone_when_lost(self) -> None:
        """A lost conversation lets go of what waited."""
        conversation = admitted()
        for n in range(3):
            conversation.says(log(n))
        conversation.session.lost()
        self.assertIsNone(conversation.session._waiting)

    def test_no_dictionary(self) -> None:
        """A conversation has slots and no dictionary of its own."""
        self.assertFalse(hasattr(admitted().session, "__dict__"))
