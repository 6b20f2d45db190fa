"""One terminal's orders: what is said, and what came of it (design §2.4)."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.gateway.carrying import CarryingCase, Ring
from tests.gateway.stand_ins import APPROVED, SN
from tfserver.commands.context import Context
from tfserver.errors import StoreUnavailable
from tfserver.model import Admission, Decided, Registration
from tfserver.order import Danger, OrderEvent
from tfserver.store.outbox import Taken
from tfserver.wire.exchange import End
from tfserver.wire.message import RawReply
from tfserver.wire.table import vocabulary

AWAY = StoreUnavailable("away")


class OutcomeTests(CarryingCase):
    """What is told of an order."""

    def test_done(self) -> None:
        """The terminal said true: what it said is shown as its class says."""
        order_id = self.carry(args={"times": 2})
        self.assertEqual(self.said(), [{"cmd": "ring", "times": 2}])
        self.answers(times=2, sn=SN)
        self.assertEqual(self.box.ended[0][0], order_id)
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, {"times": 2, "sn": SN}, None))

    def test_refused(self) -> None:
        """The terminal said false: its reason and words are told."""
        self.carry()
        self.answers(result=False, reason=5, msg="device busy")
        outcome = self.outcome()
        self.assertIs(outcome.event, OrderEvent.SAID_FALSE)
        assert outcome.error is not None
        self.assertEqual((outcome.error.reason, outcome.error.msg), (5, "device busy"))
        self.assertIn("device busy", outcome.error.message)

    def test_forgiven(self) -> None:
        """A refusal because it is so already is a success."""
        self.carry()
        self.answers(result=False, reason=42)
        self.assertIs(self.outcome().event, OrderEvent.SAID_TRUE)

    def test_unreadable(self) -> None:
        """An answer that says neither is told as that."""
        for fields in ({"result": "perhaps"}, {"result": "perhaps", "reason": 42}, {"result": None}):
            self.carry()
            self.answers(**fields)
            self.assertIs(self.events()[-1], OrderEvent.UNREADABLE)

    def test_other_words(self) -> None:
        """A reply under an alias counts; one about somebody else does not."""
        self.carry(args={"enrollid": 7})
        self.answers(enrollid=8)
        self.assertEqual(self.box.ended, [])
        self.answers("rang", enrollid=7)
        self.assertIs(self.outcome().event, OrderEvent.SAID_TRUE)

    def test_silent(self) -> None:
        """No reply within the command's own time: not learned; the connection goes on."""
        self.carry()
        self.pass_time(9.9)
        self.assertEqual(self.box.ended, [])
        self.pass_time(0.2)
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)
        self.assertFalse(self.link.closing)

    def test_lost(self) -> None:
        """The connection is lost after it was said: not learned."""
        self.carry()
        self.link.lost()
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)
        assert self.outcome().error is not None
        self.assertEqual(self.outcome().error.message, End.LOST.value)  # type: ignore[union-attr]

    def test_connection_ends_by_it(self) -> None:
        """What ends the connection is done when that ends; a reply is as good, silence is neither."""
        self.carry("ringoff")
        self.link.lost()
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, {}, None))

    def test_connection_ended_by_us(self) -> None:
        """A process that is about to end ends the connection itself: that says nothing of the terminal."""
        self.carry("ringoff")
        self.post.hold()
        self.link.lost()
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)

    def test_said_before(self) -> None:
        """What must not be said twice is not, also when a store that forgot it hands it over again."""
        for cmd in ("ringoff", "ringgate"):
            order_id = self.carry(cmd, 5.0)
            self.answers(cmd)
            self.box.waiting.append(Taken(order_id, cmd, {}, 5.0, 1, Danger.ONCE))
            self.courier.wake()
            self.assertIs(self.events()[-1], OrderEvent.NOT_LEARNED)
        self.assertEqual(self.words(), ["ringoff", "ringgate"])

    def test_not_said_before(self) -> None:
        """What came too late to be said was not: it may be said."""
        self.box.meanwhile = lambda: self.paused(10)
        order_id = self.carry("ringoff", left=10.0)
        self.assertIs(self.events()[-1], OrderEvent.TOO_LATE)
        self.box.meanwhile = lambda: None
        self.box.waiting.append(Taken(order_id, "ringoff", {}, 5.0, 1, Danger.ONCE))
        self.courier.wake()
        self.assertEqual(self.words(), ["ringoff"])

    def test_harmless_ones_again(self) -> None:
        """What is harmless is said as often as it is handed over."""
        order_id = self.carry()
        self.answers()
        self.box.waiting.append(Taken(order_id, "ring", {}, 5.0, 2, Danger.ORDINARY))
        self.courier.wake()
        self.assertEqual(self.words(), ["ring", "ring"])

    def test_connection_does_not_end(self) -> None:
        """What should end the connection, is not answered and ends nothing, is not learned."""
        self.carry("ringoff")
        self.pass_time(21)
        self.assertIs(self.outcome().event, OrderEvent.NOT_LEARNED)

    def test_too_late(self) -> None:
        """An order whose seconds are over at the very write is not written."""
        self.box.meanwhile = lambda: self.paused(2.0)
        self.carry(left=2.0)
        self.assertEqual((self.said(), self.outcome().event), ([], OrderEvent.TOO_LATE))

    def test_still_in_time(self) -> None:
        """One that has a moment left is written."""
        self.box.meanwhile = lambda: self.paused(1.9)
        self.carry(left=2.0)
        self.assertEqual(self.words(), ["ring"])

    def registering(self) -> Deferred[Registration]:
        """An order comes while the terminal registers again, which some firmware does at any time."""
        registering: Deferred[Registration] = Deferred()
        self.stand.terminals.given["register"] = registering
        self.terminal.reg()
        self.carry()
        self.pass_time(1)
        self.assertEqual((self.said(), self.box.ended), ([], []))
        return registering

    def test_registers_again(self) -> None:
        """While the terminal registers again nothing is said; when it is admitted it is."""
        self.registering().callback(APPROVED)
        self.pass_time(0.1)
        self.assertEqual(self.words(), ["ring"])

    def test_not_admitted_again(self) -> None:
        """A terminal that is not admitted any more is told nothing: it goes back, certainly not sent."""
        self.registering().callback(Registration(Admission.DENIED))
        self.pass_time(0.1)
        self.assertEqual((self.said(), self.outcome()), ([], (OrderEvent.PUT_BACK, None, None)))

    def test_lost_while_it_registers(self) -> None:
        """A link that is lost meanwhile gives it back too."""
        self.registering()
        self.link.lost()
        self.pass_time(0.1)
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.PUT_BACK]))

    def test_unknown_command(self) -> None:
        """A command that nobody knows any more, or whose fields don't fit it, failed for good."""
        for cmd, args in (("rung", {}), ("ring", {"times": "often"}), ("ring", {"loud": 1})):
            self.carry(cmd, args=args)
            event, _, error = self.box.ended[-1][1]
            self.assertIs(event, OrderEvent.NOT_SENT)
            assert error is not None
            self.assertIn("can't be carried out any more", error.message)
        self.assertEqual(self.said(), [])

    def test_broken(self) -> None:
        """Without what was sealed nothing is said, also where the command would do without it."""
        self.carry(args={"times": 1}, broken="what was sealed for it has been forgotten")
        self.assertEqual(self.said(), [])
        self.assertIs(self.outcome().event, OrderEvent.NOT_SENT)
        self.assertIn("has been forgotten", self.outcome().error.message)  # type: ignore[union-attr]

    def test_kept(self) -> None:
        """Where somebody keeps what a reply brings, people see what became of it."""
        found: list[Any] = []

        async def keep(command: Ring, reply: RawReply, terminal: Context) -> dict[str, Any]:
            """Keep it."""
            found.append((command.times, reply.fields, terminal.sn))
            return {"kept": 1}

        vocabulary.keeps(Ring)(keep)
        self.carry(args={"times": 2})
        self.answers(times=3)
        self.assertEqual(found, [(2, {"times": 3}, SN)])
        self.assertEqual(self.outcome(), (OrderEvent.SAID_TRUE, {"kept": 1}, None))

    def test_counted(self) -> None:
        """Each order is counted by command and what came of it."""
        self.carry()
        self.answers()
        self.carry()
        self.answers(result=False)
        self.assertEqual((self.counted("ring", "said_true"), self.counted("ring", "said_false")), (1, 1))


class SaidTests(CarryingCase):
    """What is kept before a command is said, and how it is written."""

    def test_serial_number(self) -> None:
        """Where the model wants it the serial number goes along."""
        self.link.context.settle(Decided("", "", "named"))
        self.carry(args={"times": 1})
        self.assertEqual(self.said(), [{"cmd": "ring", "sn": SN, "times": 1}])

    def test_clock(self) -> None:
        """The offset of a command that sets the clock is kept before it is said."""
        self.link.context.settle(Decided("", "Asia/Tokyo", ""))
        calls = len(self.stand.terminals.asked("set_clock"))
        waiting: Deferred[None] = Deferred()
        self.stand.terminals.given["set_clock"] = waiting
        self.carry("ringclock")
        self.assertEqual((len(self.stand.terminals.asked("set_clock")), self.said()), (calls + 1, []))
        waiting.callback(None)
        self.assertEqual(self.said(), [{"cmd": "ringclock", "cloudtime": "2026-04-02 17:15:04"}])

    def test_clock_not_kept(self) -> None:
        """When it can't be kept nothing is said, and the order goes back."""
        self.link.context.settle(Decided("", "Asia/Tokyo", ""))
        self.stand.terminals.given["set_clock"] = AWAY
        self.carry("ringclock")
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.PUT_BACK]))

    def test_mark_before(self) -> None:
        """What stops people is marked before it is said, and the mark goes when they are let again."""
        waiting: Deferred[None] = Deferred()
        self.stand.terminals.given["mark_disabled"] = waiting
        self.carry("hush")
        self.assertEqual(self.said(), [])
        waiting.callback(None)
        self.assertEqual(self.words(), ["hush"])
        self.answers("hush")
        self.assertEqual(self.stand.terminals.asked("clear_disabled"), [])
        self.carry("unhush")
        self.assertEqual(self.stand.terminals.asked("clear_disabled"), [])
        self.answers("unhush")
        self.assertEqual(self.stand.terminals.asked("clear_disabled"), [(SN,)])

    def test_mark_stays(self) -> None:
        """The mark stays when letting people again was refused, or not answered."""
        self.carry("unhush")
        self.answers("unhush", result=False)
        self.carry("unhush")
        self.pass_time(21)
        self.assertEqual(self.stand.terminals.asked("clear_disabled"), [])

    def test_not_marked(self) -> None:
        """What can't be marked is not said, and goes back."""
        self.stand.terminals.given["mark_disabled"] = AWAY
        self.carry("hush")
        self.assertEqual((self.said(), self.events()), ([], [OrderEvent.PUT_BACK]))

    def test_mark_not_taken_away(self) -> None:
        """That the terminal obeyed is true also when the mark could not be taken away."""
        self.stand.terminals.given["clear_disabled"] = AWAY
        self.carry("unhush")
        self.answers("unhush")
        self.assertEqual(self.events(), [OrderEvent.SAID_TRUE])
