"""One terminal's conversation: its states, who may speak, and what it is told (protocol §1.2)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.conversation import SN, TIME, Conversation, admitted, asked, notes, sent
from tfserver.wire.message import Response
from tfserver.wire.session import TRANSITIONS, Ask, Close, Event, Session, State
from tfserver.wire.table import table

NO = Response(False, "Waiting for approval")


def in_state(state: State) -> Conversation:
    """A conversation that was led to a state."""
    found = Conversation()
    if state is not State.NEW:
        found.asks("reg", sn=SN)
    if state in (State.REGISTERED, State.REFUSED):
        found.answer(Response() if state is State.REGISTERED else NO)
    if state is State.CLOSED:
        found.session.lost()
    return found


def happen(conversation: Conversation, event: Event) -> None:
    """Let something happen."""
    if event is Event.REG:
        conversation.asks("reg", sn=SN)
    elif event is Event.LOST:
        conversation.session.lost()
    else:
        conversation.answer(Response() if event is Event.ADMITTED else NO)


class TransitionTests(SynchronousTestCase):
    """The table of states."""

    def test_every_transition(self) -> None:
        """Each event in each state leads where the table says, and nowhere where it says nothing."""
        for state in State:
            for event in Event:
                conversation = in_state(state)
                self.assertIs(conversation.state, state)
                happen(conversation, event)
                expected = TRANSITIONS.get((state, event), state)
                self.assertIs(conversation.state, expected, f"{event} in {state}")

    def test_the_table(self) -> None:
        """The table holds these nine and no other."""
        s, e = State, Event
        self.assertEqual(
            TRANSITIONS,
            {
                (s.NEW, e.REG): s.REGISTERING,
                (s.REFUSED, e.REG): s.REGISTERING,
                (s.REGISTERED, e.REG): s.REGISTERING,
                (s.REGISTERING, e.ADMITTED): s.REGISTERED,
                (s.REGISTERING, e.NOT_ADMITTED): s.REFUSED,
                **{(state, e.LOST): s.CLOSED for state in s if state is not s.CLOSED},
            },
        )


class RegTests(SynchronousTestCase):
    """Registration."""

    def test_admitted(self) -> None:
        """``reg`` is asked of its handler; its answer sets the clock; its number is known now."""
        conversation = Conversation()
        (ask,) = conversation.asks("reg", sn=f" {SN} ", devinfo={"modelname": "tfs30"})
        assert isinstance(ask, Ask)
        self.assertEqual(ask.request.sn, SN)
        tells = conversation.answer(Response(fields={"nosenduser": True}))
        expected = {"ret": "reg", "result": True, "cloudtime": TIME, "nosenduser": True}
        self.assertEqual(sent(tells), [expected])
        self.assertEqual((conversation.session.sn, conversation.session.claimed), (SN, SN))

    def test_long_message_of_a_stranger(self) -> None:
        """Who is not admitted is not read at length: a request is refused unread, all else is rubbish."""
        conversation = Conversation(stranger_bytes=100)
        for word in ("reg", "senduser"):
            told = conversation.asks(word, sn=SN, image="x" * 100)
            self.assertEqual(notes(told), ["too long for a stranger"])
            self.assertEqual([(m["ret"], m["result"]) for m in sent(told)], [(word, False)])
        self.assertEqual(notes(conversation.says(b"[" * 101)), ["unreadable frame"])
        conversation.asks("reg", sn=SN)
        conversation.asks("sendlog", sn=SN, record=["x" * 100])
        self.assertIsInstance(conversation.answer()[-1], Ask)

    def test_refused(self) -> None:
        """A refused terminal is told why, has no number of its own, and is known by what it claimed."""
        conversation = Conversation()
        conversation.asks("reg", sn=SN)
        tells = conversation.answer(NO)
        self.assertEqual(sent(tells), [{"ret": "reg", "result": False, "reason": "Waiting for approval"}])
        self.assertEqual((conversation.session.sn, conversation.session.claimed), ("", SN))

    def test_again(self) -> None:
        """A second ``reg`` of the same terminal, in whatever case, is asked and answered like the first."""
        conversation = admitted()
        for sn in (SN, SN.lower(), f"{SN} "):
            self.assertEqual(asked(conversation.asks("reg", sn=sn)), ["reg"])
            self.assertEqual([message["result"] for message in sent(conversation.answer())], [True])
        self.assertIs(conversation.state, State.REGISTERED)

    def test_again_and_refused(self) -> None:
        """A terminal that is not admitted any more may not push either."""
        conversation = admitted()
        conversation.asks("reg", sn=SN)
        conversation.answer(NO)
        self.assertEqual([m["result"] for m in sent(conversation.asks("sendlog", sn=SN))], [False])

    def test_after_a_refusal(self) -> None:
        """A refused terminal may try again on the same connection, also under another number."""
        conversation = in_state(State.REFUSED)
        self.assertEqual(asked(conversation.asks("reg", sn="OTHER1")), ["reg"])
        conversation.answer()
        self.assertEqual(conversation.session.sn, "OTHER1")

    def test_numbers_that_are_none(self) -> None:
        """A serial number that is empty, too long or not printable is refused with a text for the screen."""
        for sn in ("", " ", "x" * 33, "a b", "ü", "a\x00b", "tf:*", "a/b", {"a": 1}, [], None):
            conversation = Conversation()
            tells = conversation.asks("reg", sn=sn)
            expected = {"ret": "reg", "result": False, "reason": "serial number not accepted"}
            self.assertEqual(sent(tells), [expected])
            self.assertEqual(asked(tells), [])
            self.assertIs(conversation.state, State.NEW)

    def test_shapes_of_numbers(self) -> None:
        """All shapes of serial numbers that were seen are accepted."""
        for sn in ("ZX0006827500", "AYTE12345678", "STC123456789", "EK1234567890", "A", "x" * 32, "a.b-c_1"):
            self.assertEqual(asked(Conversation().asks("reg", sn=sn)), ["reg"])

    def test_foreign_number(self) -> None:
        """``reg`` under another number on a registered connection is refused and changes nothing."""
        conversation = admitted()
        tells = conversation.asks("reg", sn="OTHER1")
        self.assertEqual(sent(tells), [{"ret": "reg", "result": False, "reason": 1}])
        self.assertEqual(notes(tells), ["foreign serial number"])
        self.assertEqual((conversation.state, conversation.session.sn), (State.REGISTERED, SN))
        self.assertEqual(conversation.session.claimed, SN)


class ServingTests(SynchronousTestCase):
    """Requests other than ``reg``."""

    def test_before_reg(self) -> None:
        """Whatever comes before ``reg`` or after its refusal is refused, so that nothing is lost."""
        for state in (State.NEW, State.REFUSED):
            for word in ("sendlog", "senduser", "heartbeat", "sendgps", "vicheckonline", "dance"):
                tells = in_state(state).asks(word, sn=SN, count=1, logindex=4)
                self.assertEqual(sent(tells), [{"ret": word, "result": False, "reason": 1}])
                self.assertEqual((asked(tells), notes(tells)), ([], ["request before reg"]))

    def test_while_registering(self) -> None:
        """What comes while ``reg`` is asked waits for its answer and is served or refused by it."""
        for response, expected in ((Response(), ["sendlog"]), (NO, [])):
            conversation = in_state(State.REGISTERING)
            self.assertEqual(conversation.asks("sendlog", sn=SN), [])
            self.assertEqual(asked(conversation.answer(response)), expected)

    def test_served(self) -> None:
        """A request is asked of its handler; its answer holds its receipt and the time."""
        conversation = admitted()
        self.assertEqual(asked(conversation.asks("sendlog", sn=SN, count=1, logindex=0)), ["sendlog"])
        (message,) = sent(conversation.answer())
        expected = {"ret": "sendlog", "result": True, "count": 1, "logindex": 0, "cloudtime": TIME}
        self.assertEqual(message, expected)

    def test_receipt_is_not_invented(self) -> None:
        """Without ``count`` or ``logindex`` the answer has none either."""
        conversation = admitted()
        conversation.asks("sendlog", sn=SN, record=[], logindex=None)
        expected = {"ret": "sendlog", "result": True, "cloudtime": TIME}
        self.assertEqual(sent(conversation.answer()), [expected])

    def test_receipt_of_texts(self) -> None:
        """A receipt that came as texts goes back as texts."""
        conversation = admitted()
        conversation.asks("sendlog", sn=SN, record=[], count="0", logindex=" 0")
        (message,) = sent(conversation.answer())
        self.assertEqual((message["count"], message["logindex"]), ("0", " 0"))

    def test_without_a_number(self) -> None:
        """A request without ``sn`` belongs to the terminal that registered."""
        for message in ({}, {"sn": None}, {"sn": ""}, {"sn": "  "}, {"sn": SN.lower()}):
            self.assertEqual(asked(admitted().asks("sendlog", **message)), ["sendlog"])

    def test_foreign_number(self) -> None:
        """A request under another number is refused under its own word."""
        for word in ("sendlog", "senduser", "heartbeat", "sendgps", "dance"):
            tells = admitted().asks(word, sn="OTHER1")
            self.assertEqual(sent(tells), [{"ret": word, "result": False, "reason": 1}])
            self.assertEqual(notes(tells), ["foreign serial number"])

    def test_unreadable_fields(self) -> None:
        """A field that can't be read is noted by name, never by content, and the rest is served."""
        tells = admitted().asks("senduser", sn=SN, enrollid=7, admin="secret 4410")
        self.assertEqual((asked(tells), notes(tells)), (["senduser"], ["unreadable fields"]))
        self.assertNotIn("4410", repr([tell for tell in tells if not isinstance(tell, Ask)]))

    def test_mended(self) -> None:
        """A frame that had to be mended is served and noted."""
        tells = admitted().says(b'{"cmd":"sendlog","record":[],}')
        self.assertEqual((asked(tells), notes(tells)), (["sendlog"], ["mended frame"]))

    def test_stray_reply(self) -> None:
        """A reply to nothing is noted and neither answered nor held against the terminal."""
        tells = admitted().says({"ret": "opendoor", "result": True})
        self.assertEqual((len(tells), notes(tells)), (1, ["stray reply"]))


class FixedAnswerTests(SynchronousTestCase):
    """Words without a handler."""

    def test_unknown_word(self) -> None:
        """A word nobody described is answered true, once, and noted."""
        conversation = admitted()
        for word in ("dance", "sendface", "getnewlog", "SENDLOG"):
            tells = conversation.asks(word, sn=SN, count=1, logindex=3)
            self.assertEqual(sent(tells), [{"ret": word, "result": True}])
            self.assertEqual(notes(tells), ["unknown word"])

    def test_rows(self) -> None:
        """The words of the V3 generation get the safe replies of protocol §4.5 to §4.8, without a note."""
        no = {"result": False, "reason": 1}
        expected = {
            "sendpin": {"result": True, "access": 0, "message": "no"},
            "sendgps": {"result": True},
            "otacheck": no,
            "otaget": no,
            "talkcall": no,
            "vicheckonline": {"result": True, "count": 0, "online": []},
            "offer": no,
            "icecandidate": no,
            "callcancel": no,
        }
        conversation = admitted()
        for word, answer in expected.items():
            tells = conversation.asks(word, sn=SN, pin="4410")
            self.assertEqual(sent(tells), [{"ret": word, **answer}])
            self.assertEqual(len(tells), 1)

    def test_signs_of_life(self) -> None:
        """``heartbeat`` and ``checklive`` set the clock (protocol §4.7)."""
        conversation = admitted()
        for word in ("heartbeat", "checklive"):
            conversation.asks(word, sn=SN)
            expected = {"ret": word, "result": True, "cloudtime": TIME}
            self.assertEqual(sent(conversation.answer()), [expected])


class EndTests(SynchronousTestCase):
    """How conversations end."""

    def test_no_reg(self) -> None:
        """A connection without ``reg`` is closed at its deadline and not before."""
        conversation = Conversation(reg_within=60.0)
        conversation.asks("heartbeat")
        self.assertEqual(conversation.at(59.9), [])
        self.assertEqual(conversation.at(60.0), [Close(1008, "no reg came")])

    def test_slow_reg(self) -> None:
        """A connection whose ``reg`` is being answered, or was, is not closed for its age."""
        self.assertEqual(in_state(State.REGISTERING).at(1e6), [])
        self.assertEqual(in_state(State.REGISTERED).at(1e6), [])

    def test_refused_linger(self) -> None:
        """A refused terminal keeps its connection for the set time after its last refusal."""
        conversation = Conversation(reg_within=60.0, refused_for=30.0)
        for began in (10.0, 35.0):
            conversation.now = began
            conversation.asks("reg", sn=SN)
            conversation.answer(NO)
        self.assertEqual(conversation.at(64.9), [])
        (close,) = conversation.at(65.0)
        assert isinstance(close, Close)
        self.assertEqual(close.code, 1008)

    def test_bad_frames(self) -> None:
        """The twentieth unreadable frame in a row closes; each is noted by size and hash, not by content."""
        conversation = admitted()
        for _ in range(19):
            self.assertEqual(notes(conversation.says(b"secret rubbish")), ["unreadable frame"])
        note, close = conversation.says(b"secret rubbish")
        self.assertEqual(close, Close(1008, "too many unreadable frames"))
        self.assertNotIn("secret", repr(note))

    def test_good_frame_between(self) -> None:
        """A good frame forgives the bad ones before it; the text keep-alive does neither."""
        conversation = admitted()
        for _ in range(19):
            conversation.says(b"rubbish, rubbish")
        self.assertEqual(conversation.says(b"v\x00"), [])
        conversation.says({"ret": "x"})
        for _ in range(19):
            self.assertEqual(len(conversation.says(b"rubbish, rubbish")), 1)
        self.assertEqual(conversation.says(b"v\x00"), [])
        self.assertEqual(len(conversation.says(b"rubbish, rubbish")), 2)

    def test_nothing_after_the_end(self) -> None:
        """After the connection is lost nothing is told any more, whatever was under way."""
        conversation = in_state(State.REGISTERING)
        conversation.asks("sendlog", sn=SN)
        conversation.session.lost()
        self.assertEqual(conversation.answer(), [])
        self.assertEqual(conversation.asks("reg", sn=SN) + conversation.says(b"rubbish"), [])
        self.assertEqual(conversation.at(1e6), [])
        conversation.session.lost()
        self.assertIs(conversation.state, State.CLOSED)

    def test_answer_to_nothing(self) -> None:
        """An answer that nobody asked for is not sent."""
        conversation = admitted()
        self.assertEqual(conversation.answer(), [])

    def test_own_limits(self) -> None:
        """A session without limits of its own has the documented ones."""
        session = Session(table, 0.0)
        self.assertEqual(session.tick(59.9), [])
        self.assertEqual(session.tick(60.0), [Close(1008, "no reg came")])
