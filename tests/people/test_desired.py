"""Who belongs on which terminal, and with which rights."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.locks import ALWAYS
from tfserver.model import Terminal, canonical_sn
from tfserver.people import desired
from tfserver.people.desired import Chooser, Wanted, wanted_at
from tfserver.person import NO_END, Access, Group, Known, Person, Validity
from tfserver.plan import Lock

HERE = Terminal("T1", site="north", tags=["gate", "lab"])
NOW = "2026-04-02 08:15:04"
EVERYWHERE = Group(name="b", everywhere=True)


def wanted(*groups: Group, local: str = NOW, terminal: Terminal = HERE, **person: Any) -> Wanted | None:
    """How a person in all these groups is wanted at a terminal."""
    names = tuple(group.name for group in groups)
    known = Known(Person(**{"enrollid": 7, "groups": names, **person}))
    return wanted_at(terminal, groups, [known], local).get(7)


class BelongingTests(SynchronousTestCase):
    """Which groups choose which terminals, and when."""

    def test_chosen(self) -> None:
        """By site, by any tag, by serial number in any spelling, or as one of all."""
        for group in (
            Group(name="b", sites=("north",)),
            Group(name="b", tags=("x", "lab")),
            Group(name="b", terminals=("t1 ",)),
            Group(name="b", everywhere=True),
        ):
            self.assertIsNotNone(wanted(group), group)
        for group in (
            Group(name="b", sites=("south",)),
            Group(name="b", tags=("x",)),
            Group(name="b", terminals=("T2",)),
            Group(name="b"),
        ):
            self.assertIsNone(wanted(group), group)
        self.assertIsNone(wanted(Group(name="b", sites=("",)), terminal=Terminal("T1")))

    def test_many_named(self) -> None:
        """Who asks of many terminals looks through the names of a group once."""
        looked = list[str]()
        self.patch(desired, "canonical_sn", lambda sn: looked.append(sn) or canonical_sn(sn))
        chooser = Chooser(Group(name="b", terminals=("t1", "T2 ", "t3")))
        self.assertEqual([chooser.takes(Terminal(sn)) for sn in ("T1", "t2", "T9")], [True, True, False])
        self.assertEqual(looked, ["t1", "T2 ", "t3", "T1", "t2", "T9"])

    def test_without_groups(self) -> None:
        """Who is in no group, or in one that is not there, belongs nowhere."""
        self.assertIsNone(wanted())
        self.assertIsNone(wanted(EVERYWHERE, groups=("other",)))

    def test_bounds(self) -> None:
        """Both days of a validity belong to it, and to the second of its times."""
        own = Validity("2026-04-02", "2026-04-03")
        for local, belongs in (
            ("2026-04-01 23:59:59", False),
            ("2026-04-02 00:00:00", True),
            ("2026-04-03 23:59:59", True),
            ("2026-04-04 00:00:00", False),
        ):
            self.assertEqual(wanted(EVERYWHERE, local=local, validity=own) is not None, belongs, local)

    def test_narrower(self) -> None:
        """What both the person and its group allow counts."""
        group = Group(name="b", everywhere=True, validity=Validity("2026-01-01", "2026-06-30"))
        one = wanted(group, validity=Validity(None, "2027-12-31 12:00:00"))
        assert one is not None and one.lock is not None
        bounds = (one.lock.starttime, one.lock.endtime)
        self.assertEqual(bounds, ("2026-01-01 00:00:00", "2026-06-30 23:59:59"))
        self.assertIsNone(wanted(group, local="2026-07-01 00:00:00", validity=Validity(None, "2027-12-31")))

    def test_another_group(self) -> None:
        """When the time in one group is over, that in another counts, with its access."""
        old = Group(
            name="a", everywhere=True, validity=Validity(None, "2026-01-01"), access=Access(weekzone=1)
        )
        new = Group(name="c", everywhere=True, access=Access(weekzone=2))
        one = wanted(new, old)
        assert one is not None
        self.assertEqual(one.lock, Lock(weekzone=2))


class RightsTests(SynchronousTestCase):
    """Access and admin level."""

    def test_first_group(self) -> None:
        """Of several groups the first by name counts for its validity; for access the first that says
        something."""
        a = Group(name="a", everywhere=True, validity=Validity("2026-01-01"))
        b = Group(name="b", everywhere=True, access=Access(weekzone=3, group=2))
        c = Group(name="c", everywhere=True, access=Access(weekzone=4))
        one = wanted(c, b, a)
        assert one is not None
        self.assertEqual(one.lock, Lock(weekzone=3, group=2, starttime="2026-01-01 00:00:00"))

    def test_own(self) -> None:
        """Its own access wins over that of its groups, also when it says nothing."""
        group = Group(name="b", everywhere=True, access=Access(weekzone=3))
        one, two = wanted(group, access=Access(weekzone=5)), wanted(group, access=Access())
        assert one is not None and two is not None
        self.assertEqual((one.lock, two.lock), (Lock(weekzone=5), None))

    def test_no_lock(self) -> None:
        """Who may always pass has no lock; one without an end is told so."""
        one, two = wanted(EVERYWHERE), wanted(EVERYWHERE, validity=Validity("2026-01-01"))
        assert one is not None and two is not None and two.lock is not None
        self.assertIsNone(one.lock)
        self.assertEqual(two.lock.endtime, NO_END)
        self.assertEqual(two.lock.fields(7)["weekzone4"], 0)
        three = wanted(EVERYWHERE, validity=Validity(None, "2026-12-31"))
        assert three is not None and three.lock is not None
        self.assertEqual(three.lock.starttime, ALWAYS)
