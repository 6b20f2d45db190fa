"""Enrolments go from the call to the directory, or to a stated end, whoever is killed over one."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.people.enrolling_house import SLOT, SN, EnrollingCase, Killed
from tfserver.commander import BadOrder, KeyReused, NotNow, UnknownTerminal
from tfserver.people import scanning
from tfserver.person import Made, Person
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, V3
from tfserver.simulator.memory import Memory
from tfserver.simulator.samples import credential_of
from tfserver.store.people.enrolments import EnrolmentState


class GoodTests(EnrollingCase):
    """Enrolments that end well."""

    async def good(self, enrolment_id: str) -> None:
        """It is done; the directory has what the terminal has, with where it was made; no place is kept."""
        self.assertEqual((await self.ended(enrolment_id))[0], "done")
        found = await self.directory.record(*SLOT)
        assert found is not None
        self.assertEqual(found[0], credential_of(*SLOT))
        self.assertEqual((found[1].made.sn, found[1].made.fpalgo), (SN, "thbio3.0"))
        self.assertEqual(await self.holdings.rooms.coming(SN), {})

    async def test_asked_how_far(self) -> None:
        """Where it may be asked each scan is told; the credential is read back and in the directory."""
        await self.begin_house()
        made = await self.asked()
        self.assertEqual((made.state, made.scans, made.cancelling), (EnrolmentState.ASKED, 0, False))
        self.assertEqual(
            await self.goes(made.id),
            ["asked", "waiting", "scanning1", "scanning2", "scanning3", "read3", "done3"],
        )
        await self.good(made.id)
        self.assertEqual(self.words()[:2], ["getuserinfo", "adduser"])
        self.assertEqual(self.words().count("adduser"), 1)
        self.assertEqual(self.ordering.given[1]["name"], "Lea")

    async def test_pushed(self) -> None:
        """Where it may not, what the terminal pushes tells."""
        for dialect, mood in ((DOCUMENTED, "scans=4"), (CLASSIC, ""), (AIFACE, "scans=1")):
            self.setUp()
            await self.begin_house(dialect, mood, allow=frozenset())
            made = await self.asked()
            self.assertEqual(await self.goes(made.id), ["asked", "waiting", "read", "done"])
            await self.good(made.id)
            self.assertNotIn("checkregstatus", self.words())

    async def test_never_pushed(self) -> None:
        """Terminals that were told not to push are asked what they have, now and then."""
        await self.begin_house(DOCUMENTED, "scans=4", allow=frozenset(), pushes=False)
        made = await self.asked()
        await self.goes(made.id)
        await self.good(made.id)
        self.assertLess(self.words().count("getuserinfo"), 5)

    async def test_does_not_know_the_word(self) -> None:
        """A profile that allows too much costs some questions, and no more."""
        await self.begin_house(AIFACE, "scans=9")
        made = await self.asked()
        await self.goes(made.id)
        await self.good(made.id)
        self.assertEqual(self.words().count("checkregstatus"), scanning.ATTEMPTS)

    async def test_not_adopted(self) -> None:
        """Also where terminals do not fill the directory what was asked for gets there."""
        await self.begin_house(adopt=False)
        made = await self.asked()
        await self.goes(made.id)
        await self.good(made.id)
        known = await self.directory.get(9)
        assert known is not None
        self.assertEqual((known.person.name, known.person.source), ("Lea", SN))

    async def test_again(self) -> None:
        """Who enrols again replaces what the directory had, wherever it came from; nothing is in doubt."""
        await self.begin_house()
        await self.directory.put(Person(enrollid=9, name="Lea", admin=1))
        await self.directory.put_credential(9, 0, "an old one", Made("T2"))
        made = await self.asked(name=None)
        await self.goes(made.id)
        await self.good(made.id)
        known = await self.directory.get(9)
        assert known is not None
        self.assertEqual(known.collisions, ())
        self.assertEqual((self.ordering.given[1]["name"], self.ordering.given[1]["admin"]), ("Lea", 1))

    async def test_another_is_there_before(self) -> None:
        """What the terminal had in the slot before is not taken for what is enrolled now."""
        await self.begin_house(DOCUMENTED, "scans=3", allow=frozenset())
        self.ordering.terminal.memory.keep(9, 0, "an old one").name = "Lea"
        made = await self.asked()
        self.assertEqual(await self.goes(made.id), ["asked", "waiting", "read", "done"])
        await self.good(made.id)

    async def test_away_at_first(self) -> None:
        """A terminal that comes within the time is told then."""
        await self.begin_house()
        made = await self.asked()
        self.ordering.online = False
        for _ in range(3):
            self.assertIsNotNone(await scanning.Scanning(self.sources, self.ordering).do(made.id))  # type: ignore[arg-type]
        self.assertEqual(self.words(), [])
        self.ordering.online = True
        await self.goes(made.id)
        await self.good(made.id)

    async def test_killed_at_any_call(self) -> None:
        """At whatever call its process dies, the next one ends it; the terminal is told to enrol once."""
        for dialect, allow in ((V3, frozenset({"checkregstatus"})), (CLASSIC, frozenset[str]())):
            for call in range(1, 90):
                self.setUp()
                await self.begin_house(dialect, allow=allow)
                made = await self.asked()
                self.ordering.dies_at = call
                with contextlib.suppress(Killed):
                    await self.goes(made.id)
                if self.ordering.dies_at <= 0:
                    await self.goes(made.id)
                await self.good(made.id)
                self.assertEqual(self.words().count("adduser"), 1, (dialect.name, call))
                if self.ordering.dies_at > 0:
                    break
            else:
                self.fail("there are more calls")


class BadTests(EnrollingCase):
    """Enrolments that do not come to anything, and say why."""

    async def ends(
        self, state: str, told: str, dialect: object = V3, mood: str = "", **house: object
    ) -> None:
        """An enrolment that ends so; its place is free again, and the terminal for another."""
        self.setUp()
        await self.begin_house(dialect, mood, **house)  # type: ignore[arg-type]
        made = await self.asked()
        await self.goes(made.id, 100)
        found, words = await self.ended(made.id)
        self.assertEqual((found, words), (state, words), words)
        self.assertIn(told, words)
        self.assertIsNone(await self.directory.get(9))
        self.assertEqual(await self.holdings.rooms.coming(SN), {})
        await self.asked()

    async def test_refused(self) -> None:
        """The terminal's words are told."""
        await self.ends("refused", "device busy", AIFACE, "false:adduser")
        await self.ends("refused", "refused: 4", DOCUMENTED, "false=4:adduser")

    async def test_unreadable(self) -> None:
        """Scans that were no good."""
        await self.ends("failed", "bad quality", V3, "scans=fails")

    async def test_nobody_comes(self) -> None:
        """When the time is over the terminal is told to stop."""
        await self.ends("failed", scanning.TOO_LATE, V3, "scans=never")
        self.assertEqual(self.words()[-2:], ["canceladduser", "getuserinfo"])
        await self.ends("failed", scanning.TOO_LATE, DOCUMENTED, "scans=never", allow=frozenset())
        self.assertEqual((self.words()[-2], self.ordering.given[-2]["cancel"]), ("adduser", True))

    async def test_comes_at_the_last_moment(self) -> None:
        """Who was enrolled when the terminal was told to stop is enrolled."""
        await self.begin_house(DOCUMENTED, "scans=57", allow=frozenset(), pushes=False)
        made = await self.asked()
        self.assertEqual((await self.goes(made.id, 100))[-1], "done")

    async def test_not_there_in_time(self) -> None:
        """A terminal that never came was told nothing."""
        await self.begin_house()
        made = await self.asked()
        self.ordering.online = False
        await self.goes(made.id, 100)
        self.assertEqual(await self.ended(made.id), ("failed", scanning.NOT_THERE))
        self.ordering.online = True
        for key in list(self.ordering.orders):
            await self.ordering._now(key)
        self.assertNotIn("adduser", self.words())

    async def test_not_kept(self) -> None:
        """A terminal that says that it is finished and has nothing is not believed."""
        await self.begin_house(V3)
        made = await self.asked()
        self.patch(Memory, "enrol", lambda *_: True)
        await self.goes(made.id)
        self.assertEqual(await self.ended(made.id), ("failed", scanning.NOT_KEPT))

    async def test_another_person(self) -> None:
        """Nothing is put on top of somebody else who has the number there."""
        await self.begin_house()
        self.ordering.terminal.memory.keep(9, 0, "x").name = "Tarik"
        made = await self.asked()
        await self.goes(made.id)
        self.assertEqual(await self.ended(made.id), ("refused", scanning.ANOTHER))
        self.assertNotIn("adduser", self.words())

    async def test_erased(self) -> None:
        """Of somebody who is being erased nothing is kept."""
        await self.begin_house()
        await self.client.write("HSET", self.client.keys.erased, 9, "e1")
        made = await self.asked()
        await self.goes(made.id)
        self.assertEqual((await self.ended(made.id))[0], "failed")
        self.assertIsNone(await self.directory.get(9))


class CancelTests(EnrollingCase):
    """Somebody does not want it any more."""

    async def test_before(self) -> None:
        """While the terminal is away nothing is told to it, then or later."""
        for steps in (0, 1, 2):
            self.setUp()
            await self.begin_house()
            made = await self.asked()
            self.ordering.online = steps == 2
            for _ in range(steps):
                await scanning.Scanning(self.sources, self.ordering).do(made.id)  # type: ignore[arg-type]
                self.ordering.online = False
            await self.enrolling.cancel(made.id)
            await self.goes(made.id)
            self.assertEqual(await self.ended(made.id), ("cancelled", scanning.CANCELLED))
            self.ordering.online = True
            for key in list(self.ordering.orders):
                await self.ordering._now(key)
            self.assertNotIn("adduser", self.words())

    async def test_while_waiting(self) -> None:
        """The terminal is told to stop, and does."""
        await self.begin_house(V3, "scans=never")
        made = await self.asked()
        for _ in range(5):
            await scanning.Scanning(self.sources, self.ordering).do(made.id)  # type: ignore[arg-type]
        cancelled = await self.enrolling.cancel(made.id)
        assert cancelled is not None
        self.assertTrue(cancelled.cancelling)
        self.assertEqual((await self.goes(made.id))[-1], "cancelled")
        self.assertIsNone(self.ordering.terminal.memory.enrolment)
        self.assertEqual(await self.holdings.rooms.coming(SN), {})

    async def test_too_late(self) -> None:
        """What has come is kept; what has ended can't be stopped; what is not there is not found."""
        await self.begin_house(V3)
        made = await self.asked()
        for _ in range(7):
            await scanning.Scanning(self.sources, self.ordering).do(made.id)  # type: ignore[arg-type]
        await self.enrolling.cancel(made.id)
        self.assertEqual((await self.goes(made.id))[-1], "done3")
        await self.fails(self.enrolling.cancel(made.id), NotNow)
        self.assertIsNone(await self.enrolling.cancel("nothing"))

    async def test_does_not_say(self) -> None:
        """When nobody knows whether it stopped the place stays taken for a while."""
        await self.begin_house(V3, "scans=never,silent:canceladduser")
        made = await self.asked()
        for _ in range(5):
            await scanning.Scanning(self.sources, self.ordering).do(made.id)  # type: ignore[arg-type]
        await self.enrolling.cancel(made.id)
        await self.goes(made.id)
        state, told = await self.ended(made.id)
        self.assertEqual(state, "cancelled")
        self.assertIn(scanning.GONE, told)
        self.assertEqual(await self.holdings.rooms.coming(SN), {"fp": 1, "user": 1})


class BeginTests(EnrollingCase):
    """What is not begun."""

    async def test_no_room(self) -> None:
        """A full terminal is told with the arithmetic, before anything is made."""
        await self.begin_house(fpsize=0)
        told = await self.fails(self.asked(), NotNow)
        self.assertIn("takes no fingerprints", told)
        self.assertEqual(await self.enrolling.listing("", 10, ""), ([], None))

    async def test_one_at_a_time(self) -> None:
        """A terminal that is in the middle of one takes no other; the place kept for that one is free."""
        await self.begin_house()
        made = await self.asked()
        told = await self.fails(self.asked(enrollid=10), NotNow)
        self.assertIn(made.id, told)
        self.assertEqual(await self.holdings.rooms.coming(SN), {"fp": 1, "user": 1})
        await self.goes(made.id)
        await self.asked(enrollid=10)

    async def test_forgotten(self) -> None:
        """One that nobody ended keeps its terminal for some minutes only."""
        await self.begin_house()
        await self.asked()
        self.now = 60 + 599
        await self.fails(self.asked(enrollid=10), NotNow)
        self.now = 60 + 601
        await self.asked(enrollid=10)

    async def test_key(self) -> None:
        """The same key is the same enrolment, also when it has ended, and never another."""
        await self.begin_house()
        made = await self.asked("k1")
        self.assertEqual((await self.asked("k1")).id, made.id)
        await self.fails(self.asked("k1", enrollid=10), KeyReused)
        await self.goes(made.id)
        again = await self.asked("k1")
        self.assertEqual((again.id, again.state), (made.id, EnrolmentState.DONE))
        self.assertEqual(await self.holdings.rooms.coming(SN), {})

    async def test_wrong(self) -> None:
        """Nobody, no slot, another name, a terminal that is not there or not approved."""
        await self.begin_house()
        await self.directory.put(Person(enrollid=7, name="Tarik"))
        wrong: tuple[dict[str, Any], ...] = (
            {"backupnum": 12},
            {"backupnum": 99},
            {"enrollid": 99_999_999},
            {"enrollid": 7},
            {"admin": 9},
        )
        for changes in wrong:
            await self.fails(self.asked(**changes), BadOrder)
        self.assertEqual(await self.holdings.rooms.coming(SN), {})
        await self.terminals.change(SN, {"admission": "denied"})
        await self.fails(self.asked(), NotNow)
        await self.terminals.delete(SN)
        await self.fails(self.asked(), UnknownTerminal)

    async def test_listing(self) -> None:
        """The newest first, of one terminal or of all, page by page."""
        await self.begin_house()
        made = []
        for turn in range(3):
            self.now += 1
            made.append(await self.asked(f"k{turn}"))
            await self.goes(made[-1].id)
        found, following = await self.enrolling.listing(SN.lower(), 2, "")
        assert following is not None
        rest, end = await self.enrolling.listing("", 2, following)
        self.assertEqual([one.id for one in [*found, *rest]], [one.id for one in reversed(made)])
        self.assertIsNone(end)
        self.assertEqual(await self.enrolling.listing("OTHER", 2, ""), ([], None))
