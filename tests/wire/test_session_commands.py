"""Commands in a conversation: replies beside requests, before ``reg`` and to the end (protocol §1.2)."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.conversation import SN, Conversation, admitted, asked, notes, sent
from tests.wire.exchanging import asking
from tfserver.wire.exchange import FENCES, Asking, Cut, End, Finished, Say
from tfserver.wire.message import Response
from tfserver.wire.session import Ask, Hold, Note, State, Tell

LOG = {"cmd": "sendlog", "sn": SN, "count": 1, "logindex": 3, "record": []}


def said(tells: list[Tell]) -> list[str]:
    """The words of the commands among what was told."""
    return [json.loads(tell.payload)["cmd"] for tell in tells if isinstance(tell, Say)]


def finished(tells: list[Tell]) -> list[Finished]:
    """How commands ended."""
    return [tell for tell in tells if isinstance(tell, Finished)]


def ordered(command: Asking | None = None, **limits: Any) -> Conversation:
    """A conversation with a command in flight."""
    found = admitted(**limits)
    assert said(found.session.submit(command or asking(), found.now)) == [(command or asking()).word]
    return found


class BesideRequestsTests(SynchronousTestCase):
    """Traffic from the terminal while a command is in flight."""

    def test_replies_never_wait(self) -> None:
        """A reply ends its command while a request is being answered and others wait."""
        conversation = ordered()
        self.assertEqual(asked(conversation.says(LOG)), ["sendlog"])
        self.assertEqual(conversation.says(LOG), [])
        [end] = finished(conversation.says({"ret": "opendoor", "result": True}))
        self.assertIs(end.end, End.REPLIED)
        self.assertEqual([message["ret"] for message in sent(conversation.answer())], ["sendlog"])
        self.assertEqual([message["ret"] for message in sent(conversation.answer())], ["sendlog"])

    def test_replies_pass_a_full_queue(self) -> None:
        """A reply ends its command also when so many requests wait that reading is to stop."""
        conversation = ordered(waiting_frames=2)
        for _ in range(2):
            conversation.says(LOG)
        self.assertIsInstance(conversation.says(LOG)[0], Hold)
        self.assertEqual(len(finished(conversation.says({"ret": "opendoor", "result": True}))), 1)

    def test_requests_are_answered_meanwhile(self) -> None:
        """Requests are answered while a command is in flight; they do not end the wait."""
        conversation = ordered()
        conversation.says(LOG)
        tells = conversation.answer()
        self.assertEqual(sent(tells)[0]["ret"], "sendlog")
        self.assertEqual([message["ret"] for message in sent(conversation.asks("dance"))], ["dance"])
        self.assertFalse(conversation.session.is_free)
        self.assertEqual(len(finished(conversation.says({"ret": "opendoor", "result": True}))), 1)

    def test_plain_requests_meanwhile(self) -> None:
        """A message that goes the short way is no hindrance either."""
        conversation = ordered()
        payload = json.dumps({"cmd": "sendlog", "sn": SN, "record": []}, separators=(",", ":")).encode()
        self.assertIsNotNone(conversation.session.take_plain(payload))
        self.assertEqual(len(finished(conversation.says({"ret": "opendoor", "result": True}))), 1)
        self.assertEqual(conversation.session.served(), [])

    def test_command_during_a_request(self) -> None:
        """A command is said while a request is being answered."""
        conversation = admitted()
        conversation.says(LOG)
        self.assertTrue(conversation.session.is_free)
        self.assertEqual(said(conversation.session.submit(asking(), 0.0)), ["opendoor"])

    def test_request_of_the_same_word(self) -> None:
        """A request that terminals really make is one, also when a command has the same word."""
        for word in ("sendlog", "checklive", "sendgps"):
            conversation = ordered(asking(word))
            tells = conversation.asks(word, sn=SN)
            self.assertEqual(finished(tells), [])
            self.assertTrue(asked(tells) or sent(tells))


class CmdForRetTests(SynchronousTestCase):
    """Some firmware answers with ``cmd`` where ``ret`` belongs (protocol §1.3, §7 #8)."""

    def test_taken_as_the_reply(self) -> None:
        """A word that only servers say is the reply while it is in flight; nothing is answered."""
        conversation = ordered(asking("getnewlog"))
        [end] = conversation.says({"cmd": " getnewlog ", "count": 0, "record": []})
        assert isinstance(end, Finished) and end.reply is not None
        self.assertEqual((end.end, end.reply.result), (End.REPLIED, True))
        self.assertEqual(end.reply.fields, {"count": 0, "record": []})

    def test_during_a_request(self) -> None:
        """It does not wait behind a request either."""
        conversation = ordered(asking("getnewlog"))
        conversation.says(LOG)
        self.assertEqual(len(finished(conversation.says({"cmd": "getnewlog", "count": 0}))), 1)

    def test_fence(self) -> None:
        """A fence may be answered like that as well."""
        conversation = ordered()
        conversation.session.tick_command(20.0)
        self.assertEqual(said(conversation.session.submit(asking(), 20.0)), [FENCES[0]])
        self.assertEqual(said(conversation.says({"cmd": FENCES[0], "volume": 6})), ["opendoor"])

    def test_not_in_flight(self) -> None:
        """When nobody waits for it, it is a request nobody knows: answered, never taken for a reply."""
        for conversation in (admitted(), ordered()):
            tells = conversation.asks("getnewlog", sn=SN, count=0)
            self.assertEqual(finished(tells), [])
            self.assertEqual([message["ret"] for message in sent(tells)], ["getnewlog"])


class WhenTests(SynchronousTestCase):
    """When a command may be given."""

    def test_free(self) -> None:
        """Only to an admitted terminal, and one at a time."""
        conversation = Conversation()
        self.assertFalse(conversation.session.is_free)
        conversation.asks("reg", sn=SN)
        self.assertFalse(conversation.session.is_free)
        conversation.answer()
        self.assertTrue(conversation.session.is_free)
        conversation.session.submit(asking(), 0.0)
        self.assertFalse(conversation.session.is_free)
        conversation.says({"ret": "opendoor", "result": True})
        self.assertTrue(conversation.session.is_free)

    def test_refused(self) -> None:
        """A terminal that is not admitted gets no command, nor one whose next ``reg`` is refused."""
        for conversation in (Conversation(), admitted()):
            conversation.asks("reg", sn=SN)
            self.assertFalse(conversation.session.is_free)
            conversation.answer(Response(False, "no"))
            self.assertFalse(conversation.session.is_free)

    def test_reg_again_while_in_flight(self) -> None:
        """A terminal that registers again goes on with its command (protocol §1.2)."""
        conversation = ordered()
        conversation.asks("reg", sn=SN)
        self.assertEqual(len(finished(conversation.says({"ret": "opendoor", "result": True}))), 1)
        self.assertFalse(conversation.session.is_free)
        conversation.answer()
        self.assertTrue(conversation.session.is_free)

    def test_nothing_in_flight(self) -> None:
        """Without a command there is nothing to give up, to unsay or to lose."""
        session = admitted().session
        self.assertEqual((session.tick_command(1e9), session.unsaid()), ([], []))
        self.assertEqual(session.lost(), [])


class EndTests(SynchronousTestCase):
    """How a command ends when no reply comes."""

    def test_time_out(self) -> None:
        """It is given up in its time; the conversation goes on."""
        conversation = ordered()
        self.assertEqual(conversation.session.tick_command(19.9), [])
        self.assertEqual(conversation.session.tick_command(20.0), [Finished(End.SILENT)])
        self.assertIs(conversation.state, State.REGISTERED)
        self.assertEqual(asked(conversation.says(LOG)), ["sendlog"])

    def test_cut(self) -> None:
        """A door without an answer ends the connection."""
        conversation = ordered(asking(cuts=True))
        self.assertIsInstance(conversation.session.tick_command(20.0)[0], Cut)

    def test_unsaid(self) -> None:
        """What could not be written is told once, and the next command can be given."""
        conversation = ordered()
        self.assertEqual(conversation.session.unsaid(), [Finished(End.UNSENT)])
        self.assertTrue(conversation.session.is_free)

    def test_lost(self) -> None:
        """A lost connection tells the end of its command once, whatever happens after it."""
        conversation = ordered()
        conversation.says(LOG)
        session = conversation.session
        self.assertEqual(session.lost(), [Finished(End.LOST)])
        self.assertEqual(session.lost(), [])
        self.assertEqual(conversation.says({"ret": "opendoor", "result": True}), [])
        self.assertEqual((session.tick_command(1e9), session.tick(1e9)), ([], []))
        self.assertEqual(conversation.answer(), [])
        self.assertFalse(session.is_free)


class NoteTests(SynchronousTestCase):
    """What is odd about replies."""

    def test_stray(self) -> None:
        """Replies that nobody waits for are noted, answered by nothing and never close (protocol §1.3)."""
        for conversation in (Conversation(), admitted(), ordered()):
            for _ in range(30):
                [note] = conversation.says({"ret": "gettime", "time": "x", "password": "1234"})
                self.assertEqual(note, Note("stray reply", {"word": "gettime"}))

    def test_late(self) -> None:
        """A late reply is noted as one."""
        conversation = ordered()
        conversation.session.tick_command(20.0)
        self.assertEqual(notes(conversation.says({"ret": "opendoor", "result": True})), ["late reply"])

    def test_mended(self) -> None:
        """A reply that had to be mended counts, and what was mended is told before its end."""
        conversation = ordered()
        tells = conversation.says(b'{"ret":"opendoor","result":true,}')
        self.assertEqual(notes(tells), ["mended frame"])
        self.assertEqual([end.end for end in finished(tells)], [End.REPLIED])

    def test_not_before_its_turn(self) -> None:
        """A reply asks nothing: no request waits for it, and it opens none."""
        conversation = ordered()
        conversation.says(LOG)
        tells = conversation.says({"ret": "sendlog", "result": True})
        self.assertEqual(
            (notes(tells), [tell for tell in tells if isinstance(tell, Ask)]), (["stray reply"], [])
        )
