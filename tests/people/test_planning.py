"""Plans, case by case: what is done, in which order, what is refused and in which words."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.model import Capacity
from tfserver.people.desired import Wanted
from tfserver.people.fitting import Target
from tfserver.people.planning import NO_ADMIN, plan_for, stranger
from tfserver.person import Collision, Credential, Held, HeldPerson, Holding, Known, Made, Person, Proof
from tfserver.plan import Fill, Lock, Options, Reason, TerminalPlan, digest_of

MADE = Made(fpalgo="thbio3.0", model="tfs30")
OPEN = digest_of(None)


def target(**sizes: int | tuple[int, int]) -> Target:
    """A terminal that takes so many of each kind, of which so many are used."""
    pairs = {kind: (size, 0) if isinstance(size, int) else size for kind, size in sizes.items()}
    rooms = {kind: Capacity(size, used, size - used) for kind, (size, used) in pairs.items()}
    return Target("T1", "thbio3.0", "tfs30", rooms)


def want(enrollid: int, *slots: int, lock: Lock | None = None, **person: Any) -> tuple[int, Wanted]:
    """Somebody with credentials of version v1 in these slots."""
    credentials = tuple(Credential(n, "v1", MADE, 10 * n + 10) for n in slots)
    collisions = person.pop("collisions", ())
    told = Person(**{"enrollid": enrollid, "name": f"P{enrollid}", **person})
    return enrollid, Wanted(told, credentials, collisions, lock)


def has(enrollid: int, slots: dict[int, Held] | None = None, **person: Any) -> tuple[int, HeldPerson, Any]:
    """Somebody that this server put on a terminal, as it is wanted unless said otherwise."""
    usual = {"ours": True, "name": f"P{enrollid}", "admin": 0, "lock": OPEN}
    return enrollid, HeldPerson(**{**usual, **person}), slots or {}


def card(version: str = "v1", proof: Proof = Proof.ACCEPTED, n: int = 11) -> dict[int, Held]:
    """A slot."""
    return {n: Held(proof, version)}


def plan(
    where: Target,
    there: list[tuple[int, HeldPerson, Any]],
    wanted: list[tuple[int, Wanted]],
    others: dict[int, Known] | None = None,
    **options: Any,
) -> TerminalPlan:
    """The plan for it."""
    people = {enrollid: person for enrollid, person, _ in there}
    slots = {(enrollid, n): held for enrollid, _, each in there for n, held in each.items()}
    return plan_for(where, Holding("T1", None, people, slots), dict(wanted), Options(**options), others)


def shown(found: TerminalPlan) -> list[str]:
    """Its steps in short: what, who, which slot."""
    return [
        f"{item.op} {item.enrollid}" + (f"/{item.backupnum}" if item.backupnum is not None else "")
        for item in found.items
    ]


def refused(found: TerminalPlan) -> list[tuple[int, int | None, Reason | None]]:
    """What can't be."""
    return [(item.enrollid, item.backupnum, item.refused) for item in found.refusals]


class PlanningTests(SynchronousTestCase):
    """What is to be done."""

    def test_same(self) -> None:
        """Who is as it should be is left alone and counted."""
        found = plan(target(), [has(7, card())], [want(7, 11)])
        self.assertEqual((found.items, found.refusals, found.same, found.people), ((), (), 1, 1))

    def test_order(self) -> None:
        """Removals come first, then people by number with all of theirs, names at last."""
        there = [
            has(3, card()),
            has(5, card() | {10: Held(Proof.READ, "v1")}, name="old"),
            has(9, card("v0")),
        ]
        wanted = [want(9, 11, 0), want(5, 11), want(4, 0, 11, lock=Lock(weekzone=1))]
        found = plan(target(), there, wanted)
        expected = ["remove 3", "remove_credential 5/10", "credential 4/0", "credential 4/11"]
        expected += ["credential 9/11", "credential 9/0", "lock 4", "name 5"]
        self.assertEqual(shown(found), expected)
        self.assertEqual((found.commands, found.same), (8, 0))

    def test_packets(self) -> None:
        """Names go out 50 at a time and locks 40 at a time, a packet of locks after the people it is for."""
        there = [has(n, card(), name="old") for n in range(1, 121)]
        found = plan(target(), there, [want(n, 11, lock=Lock(group=1)) for n in range(1, 121)])
        self.assertEqual(found.commands, 3 + 3)
        new = plan(target(), [], [want(n, 11, lock=Lock(group=1)) for n in range(1, 51)])
        self.assertEqual(new.commands, 50 + 2)
        self.assertEqual(next(n for n, step in enumerate(shown(new)) if step.startswith("lock")), 40)

    def test_checks(self) -> None:
        """A slot of which only a list told is read before it is believed, unless a list is enough."""
        there = [has(7, card("", Proof.LISTED))]
        self.assertEqual(shown(plan(target(), there, [want(7, 11)])), ["check 7/11"])
        self.assertEqual(shown(plan(target(), there, [want(7, 11)], verify="list")), [])

    def test_sent(self) -> None:
        """What was sent and perhaps never came is sent again, and takes room until it is known."""
        where = Holding("T1", None, {}, {(7, 11): Held(Proof.SENT, "v1")})
        found = plan_for(target(card=1), where, dict([want(7, 11)]), Options())
        self.assertEqual(shown(found), ["credential 7/11"])
        self.assertEqual(found.room["card"], Fill(1, 0, 1, 1))

    def test_foreign(self) -> None:
        """Whom this server did not put there stays, unless it is told otherwise; so do their credentials that
        nobody knows."""
        there = [has(5, card(), ours=False), has(7, card() | card("", Proof.LISTED, 0), ours=True)]
        found = plan(target(), there, [want(7, 11)])
        self.assertEqual((shown(found), found.kept), ([], 1))
        found = plan(target(), there, [want(7, 11)], foreign="remove")
        self.assertEqual((shown(found), found.kept), (["remove 5", "remove_credential 7/0"], 0))

    def test_somebody_else(self) -> None:
        """Another one under the number is never touched: known by a collision or by its name."""
        collision = (Collision("T1", "name", "", "", ""),)
        elsewhere = (Collision("T2", "name", "", "", ""),)
        for there, wanted in (
            ([has(7, card("v0"))], want(7, 11, collisions=collision)),
            ([has(7, card("v0"), ours=False, name="Other")], want(7, 11)),
        ):
            for foreign in ("keep", "remove"):
                found = plan(target(), there, [wanted], foreign=foreign)
                self.assertEqual((shown(found), refused(found)), ([], [(7, None, Reason.COLLISION)]))
        for name in ("p7 ", ""):
            there = [has(7, card("v0"), ours=False, name=name)]
            self.assertIn(
                "credential 7/11", shown(plan(target(), there, [want(7, 11, collisions=elsewhere)]))
            )

    def test_renamed(self) -> None:
        """Who has the name there that people changed is the same, and is renamed."""
        there = [has(7, card(), ours=False, name="Ines  Ray")]
        self.assertEqual(shown(plan(target(), there, [want(7, 11, was="ines ray")])), ["name 7"])
        found = plan(target(), there, [want(7, 11, was="tarik")])
        self.assertEqual((shown(found), refused(found)), ([], [(7, None, Reason.COLLISION)]))

    def test_other_slot(self) -> None:
        """A slot in which another credential was made there is left alone, the others are not."""
        collision = (Collision("T1", "card", "", "", ""),)
        found = plan(target(), [has(7, card("v0"))], [want(7, 10, 11, collisions=collision)])
        self.assertEqual((shown(found), refused(found)), (["credential 7/10"], [(7, 11, Reason.COLLISION)]))

    def test_who_is_it(self) -> None:
        """Of whom only the number is known, first is read who that is, and only then something is changed."""
        unknown = [has(7, card("", Proof.LISTED), ours=False, name=None)]
        self.assertEqual(
            shown(plan(target(), unknown, [want(7, 0)], verify="list")), ["check 7/11", "credential 7/0"]
        )
        self.assertEqual(shown(plan(target(), unknown, [want(7, 11)], verify="list")), [])
        nothing = [has(7, {}, ours=False, name=None)]
        found = plan(target(), nothing, [want(7, 11)])
        self.assertEqual((shown(found), refused(found)), ([], [(7, None, Reason.COLLISION)]))

    def test_left_in_the_group(self) -> None:
        """One that left and of whom a terminal tells that it is somebody else by now is kept."""
        clash = Known(Person(enrollid=7), (), (Collision("T1", "name", "", "", ""),))
        self.assertEqual(shown(plan(target(), [has(7, card())], [], {7: clash})), [])
        self.assertEqual(shown(plan(target(), [has(7, card())], [])), ["remove 7"])

    def test_admin(self) -> None:
        """Its level is told with a credential, the smallest that is there; without one that is refused."""
        there = [has(7, card() | card(n=0), admin=1)]
        found = plan(target(), there, [want(7, 0, 11)])
        self.assertEqual(shown(found), ["credential 7/0"])
        self.assertEqual(found.warnings, (NO_ADMIN,))
        found = plan(target(), [has(7, card("", Proof.LISTED), admin=1)], [want(7, 11)], verify="list")
        self.assertEqual(refused(found), [(7, None, Reason.PERSON)])

    def test_admin_stays(self) -> None:
        """Nothing is warned of while one administrator is left, or there was none."""
        there = [has(5, card(), admin=1), has(7, card(), admin=1)]
        self.assertEqual(plan(target(), there, [want(7, 11, admin=1)]).warnings, ())
        self.assertEqual(plan(target(), there, []).warnings, (NO_ADMIN,))
        self.assertEqual(plan(target(), [has(5, card())], []).warnings, ())

    def test_names(self) -> None:
        """A name that a terminal cut is right; without one in the directory any is."""
        long = "Anna Katharina Wilhelmine von und zu"
        self.assertEqual(
            shown(plan(target(), [has(7, card(), name=long[:24])], [want(7, 11, name=long)])), []
        )
        self.assertEqual(
            shown(plan(target(), [has(7, card(), name="Anna")], [want(7, 11, name=long)])), ["name 7"]
        )
        self.assertEqual(shown(plan(target(), [has(7, card(), name="Anna")], [want(7, 11, name="")])), [])

    def test_locks(self) -> None:
        """A lock that differs is set, one that nobody wants is taken away; of one that is not known only a
        wanted one is set."""
        night = Lock(weekzone=2)
        for told, wanted, expected in (
            (OPEN, None, []),
            (OPEN, night, ["lock 7"]),
            (digest_of(night), night, []),
            (digest_of(night), Lock(weekzone=3), ["lock 7"]),
            (digest_of(night), None, ["unlock 7"]),
            ("", None, []),
            ("", night, ["lock 7"]),
        ):
            found = plan(target(), [has(7, card(), lock=told)], [want(7, 11, lock=wanted)])
            self.assertEqual(shown(found), expected)

    def test_lock_goes_with_the_last(self) -> None:
        """When all that somebody has there is deleted before something else is put, the terminal may forget
        when it may pass, and is told that again."""
        night = Lock(weekzone=2)
        for slots, lock, expected in (
            (card(), night, ["remove_credential 7/11", "credential 7/10", "lock 7"]),
            (card() | card("v1", n=0), night, ["remove_credential 7/11", "credential 7/10"]),
            (card(), None, ["remove_credential 7/11", "credential 7/10", "unlock 7"]),
        ):
            keeps = [n for n in slots if n != 11]
            found = plan(target(), [has(7, slots, lock=digest_of(night))], [want(7, 10, *keeps, lock=lock)])
            self.assertEqual(shown(found), expected)

    def test_locks_of_others(self) -> None:
        """Where nobody is to have a lock, those of people that this server did not put there stay."""
        locked = has(7, card(), ours=False, lock=digest_of(Lock(weekzone=2)))
        self.assertEqual(shown(plan(target(), [locked], [want(7, 11)])), [])
        zoned = [has(8, card(), lock=digest_of(Lock(weekzone=1))), locked]
        found = plan(target(), zoned, [want(7, 11), want(8, 11, lock=Lock(weekzone=1))])
        self.assertEqual(shown(found), ["unlock 7"])

    def test_zones_beyond(self) -> None:
        """Who may pass at times that no terminal knows is not put there without them; what it lost goes."""
        for lock in (Lock(weekzone4=9), Lock(group=10)):
            found = plan(target(), [has(7, card() | card(n=0))], [want(7, 11, 10, lock=lock)])
            self.assertEqual(
                (shown(found), refused(found)), (["remove_credential 7/0"], [(7, None, Reason.ZONE)])
            )

    def test_nothing_fits(self) -> None:
        """Who has no credential for a terminal is not put there; what this server put there of it goes as a
        whole."""
        found = plan(target(), [has(5, card())], [want(5), want(7), want(8, 20)])
        self.assertEqual(shown(found), ["remove 5"])
        expected: list[Any] = [(5, None, Reason.NOTHING), (7, None, Reason.NOTHING)]
        expected += [(8, 20, Reason.SENSOR), (8, None, Reason.NOTHING)]
        self.assertEqual(refused(found), expected)

    def test_not_deletable(self) -> None:
        """What no command deletes alone stays, and that is said."""
        found = plan(target(), [has(7, card() | card(n=40))], [want(7, 11)])
        self.assertEqual((shown(found), refused(found)), ([], [(7, 40, Reason.SLOT)]))


class RoomTests(SynchronousTestCase):
    """What fits, and who."""

    def test_arithmetic(self) -> None:
        """Who does not fit is refused as a whole, with how much there is and how much is wanted."""
        found = plan(target(user=(10, 9), fp=(3, 2)), [], [want(7, 0, 1, 11)])
        self.assertEqual((shown(found), refused(found)), ([], [(7, None, Reason.CAPACITY)]))
        words = "terminal T1 takes 3 fingerprints, has 2: 2 do not fit, 1 too many"
        self.assertEqual(found.refusals[0].why, words)
        self.assertEqual(found.room["fp"], Fill(3, 2, 2, 2))

    def test_by_number(self) -> None:
        """The lowest numbers fit first, and a later one that needs less may."""
        found = plan(target(fp=2), [], [want(9, 11), want(8, 0, 1), want(7, 0)])
        self.assertEqual(shown(found), ["credential 7/0", "credential 9/11"])
        self.assertEqual(refused(found), [(8, None, Reason.CAPACITY)])

    def test_removals_make_room(self) -> None:
        """Whoever goes makes room for whoever comes."""
        found = plan(target(user=(1, 1), card=(1, 1)), [has(5, card())], [want(7, 11)])
        self.assertEqual(shown(found), ["remove 5", "credential 7/11"])
        self.assertEqual(found.room, {"user": Fill(1, 1, 1, 1), "card": Fill(1, 1, 1, 1)})

    def test_what_never_came_makes_none(self) -> None:
        """What was only sent makes no room when it is taken back."""
        there = [has(7, card() | card("v1", Proof.SENT, 0)), has(8, card())]
        found = plan(target(fp=(1, 1)), there, [want(7, 11), want(8, 11, 1)])
        self.assertEqual(shown(found), ["remove_credential 7/0"])
        self.assertEqual(refused(found), [(8, None, Reason.CAPACITY)])

    def test_replacing_needs_none(self) -> None:
        """On a full terminal a credential is still replaced, and what is new of the person refused."""
        found = plan(target(card=(1, 1), fp=(1, 1)), [has(7, card("v0"))], [want(7, 11, 0)])
        self.assertEqual((shown(found), refused(found)), (["credential 7/11"], [(7, None, Reason.CAPACITY)]))

    def test_unsaid(self) -> None:
        """Of a kind of which nothing was said all has room."""
        self.assertEqual(len(plan(target(), [], [want(n, 11) for n in range(1, 9)]).items), 8)

    def test_minutes(self) -> None:
        """How long it takes grows with the commands, and with how slow the terminal is."""
        wanted = dict(want(n, 11) for n in range(1, 76))
        one = plan_for(target(), Holding("T1"), wanted, Options())
        two = plan_for(target(), Holding("T1"), wanted, Options(), pace=2.0)
        self.assertEqual((one.commands, one.minutes, two.minutes), (75, 1.0, 2.0))


class StrangerTests(SynchronousTestCase):
    """What is asked again when a step is about to be done."""

    def test_words(self) -> None:
        """Nobody, one of ours, and one of the same name may be changed; others say why not."""
        person = Person(enrollid=7, name="Ines")
        self.assertIsNone(stranger(None, person, (), "T1"))
        self.assertIsNone(stranger(HeldPerson(ours=True, name="Old"), person, (), "T1"))
        self.assertIsNone(stranger(HeldPerson(name=" ines"), person, (), "T1"))
        for held, collisions in (
            (HeldPerson(), ()),
            (HeldPerson(name="Tarik"), ()),
            (HeldPerson(ours=True, name="Ines"), (Collision("T1", "name", "", "", ""),)),
        ):
            self.assertIn("has this number there", stranger(held, person, collisions, "T1") or "")
