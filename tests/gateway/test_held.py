"""What terminals have is kept before the end of an order is told."""

from __future__ import annotations

from typing import Any

from tests.gateway.carrying import CarryingCase
from tests.gateway.stand_ins import SN
from tfserver.errors import StoreUnavailable
from tfserver.order import OrderEvent
from tfserver.person import Proof

PAGE = [{"enrollid": 7, "admin": 0, "backupnum": 0}]


class HeldCase(CarryingCase):
    """A terminal that is told about people."""

    def setUp(self) -> None:
        super().setUp()
        self.holdings: Any = self.stand.holdings

    def outcomes(self) -> list[OrderEvent]:
        """The ends that were told."""
        return [outcome.event for _, outcome in self.box.ended]


class ListTests(HeldCase):
    """Lists of everybody."""

    def test_whole(self) -> None:
        """All pages of a list are what is there, and people see them as before."""
        self.carry("getuserlist")
        self.answers("getuserlist", count=2, record=PAGE)
        self.assertEqual(self.holdings.asked("listed"), [])
        self.answers("getuserlist", count=2, record=[{"enrollid": 8, "backupnum": 11}])
        ((sn, entries, _),) = self.holdings.asked("listed")
        self.assertEqual((sn, entries), (SN, [(7, 0, 0), (8, 11, None)]))
        ((_, outcome),) = self.box.ended
        self.assertEqual(len((outcome.reply or {})["users"]), 2)

    def test_empty(self) -> None:
        """A terminal that lists nobody has nobody."""
        self.carry("getuserlist")
        self.answers("getuserlist", count=0, record=[])
        self.assertEqual([told[1] for told in self.holdings.asked("listed")], [[]])

    def test_not_to_its_end(self) -> None:
        """A list of which the rest is missing says nothing of what is not there."""
        self.carry("getuserlist")
        self.answers("getuserlist", count=9, record=PAGE)
        self.pass_time(25)
        self.assertEqual(self.holdings.asked("listed"), [])
        self.carry("getuserlist")
        self.answers("getuserlist", count=9, record=PAGE)
        self.answers("getuserlist", count=9, record=PAGE)
        self.carry("getuserlist")
        self.answers("getuserlist", result=False, reason=1)
        self.assertEqual(self.holdings.asked("listed"), [])

    def test_not_kept(self) -> None:
        """If it can't be kept the order is not told to be done."""
        self.holdings.given["listed"] = StoreUnavailable("away")
        self.carry("getuserlist")
        self.answers("getuserlist", count=0, record=[])
        self.assertEqual(self.outcomes(), [])


class OrderTests(HeldCase):
    """Orders about one person."""

    def test_before_the_end(self) -> None:
        """A credential that was taken is there by the time that the order is done."""
        self.holdings.given["told"] = StoreUnavailable("away")
        fields = {"enrollid": 7, "backupnum": 0, "record": "c51b"}
        self.carry("setuserinfo", args=fields)
        self.answers("setuserinfo")
        self.assertEqual(self.outcomes(), [])
        self.holdings.given["told"] = None
        self.carry("setuserinfo", args=fields)
        self.answers("setuserinfo")
        self.assertIs(self.holdings.asked("told")[-1][3].proof, Proof.ACCEPTED)
        self.assertEqual(self.outcomes(), [OrderEvent.SAID_TRUE])

    def test_refused(self) -> None:
        """A refusal to take something changes nothing; that something is not there is learned."""
        self.carry("setuserinfo", args={"enrollid": 7, "backupnum": 0, "record": "c51b"})
        self.answers("setuserinfo", result=False, reason=1)
        self.assertEqual(self.holdings.calls, [])
        self.carry("getuserinfo", args={"enrollid": 7, "backupnum": 0})
        self.answers("getuserinfo", result=False, reason=1, msg="can not find the user")
        self.assertEqual(self.holdings.calls, [("gone", (SN, 7, 0))])
        self.assertEqual(self.outcomes(), [OrderEvent.SAID_FALSE] * 2)

    def test_obeyed_without_a_word(self) -> None:
        """A terminal that begins anew instead of an answer has nobody and no punches any more."""
        self.carry("initsys")
        self.terminal.link.lost()
        self.assertEqual(self.holdings.asked("cleared"), [(SN,)])
        self.assertEqual(self.outcomes(), [OrderEvent.SAID_TRUE])
