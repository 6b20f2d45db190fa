"""How much room terminals have, places that are kept, warnings and samples."""

from __future__ import annotations

from datetime import date, timedelta

from tests.store.arrivals import NOW
from tests.store.connected import until
from tests.store.people.holding import SN, HoldingCase, accepted, read
from tfserver.capacity import Sample
from tfserver.store.people.rooms import MOST_DAYS


class UsedTests(HoldingCase):
    """Used is what the last reg told, and what was learned since."""

    async def test_what_was_put_counts_once(self) -> None:
        """A credential that was put there is one more, the same again is not."""
        await self.known(useduser=1, usedfp=1)
        await self.put(7, 0)
        await self.put(7, 0, accepted("v2", 2))
        self.assertEqual(await self.used(), {"user": 2, "fp": 2})
        await self.holdings.gone(SN, 7, 13)
        self.assertEqual(await self.used(), {"user": 1, "fp": 1})

    async def test_what_was_found_was_there(self) -> None:
        """People that a terminal pushes after its reg were counted by that, as far as there is a number."""
        await self.known(useduser=2, usedfp=2)
        for enrollid in (7, 8, 9):
            await self.holdings.told(SN, enrollid, 0, read(), None)
        self.assertEqual(await self.used(), {"user": 3, "fp": 3})

    async def test_reg_begins_anew(self) -> None:
        """What a terminal tells at its reg is what it uses, whatever was thought before."""
        await self.known()
        await self.put(7, 0)
        await self.told_again(SN, NOW + 1, useduser=3, usedfp=2)
        self.assertEqual(await self.used(), {"user": 3, "fp": 2})
        await self.put(8, 11)
        self.assertEqual(await self.used(), {"user": 4, "fp": 2, "card": 1})

    async def test_a_list_is_exact(self) -> None:
        """After the whole list it is what stands in it."""
        await self.known(useduser=4, usedfp=3)
        await self.holdings.listed(SN, [(7, 0, 0), (7, 1, 0), (8, 11, 0)], 5)
        self.assertEqual(await self.used(), {"user": 2, "fp": 2, "card": 1})

    async def test_logs(self) -> None:
        """Records that were made since the reg are counted, those before it were; deleted ones are gone."""
        await self.known(usedlog=98)
        await self.holdings.rooms.logged({SN: [NOW - 1, NOW, NOW + 5000], "OTHER": [NOW]})
        self.assertEqual(await self.used(), {"log": 100})
        await self.holdings.rooms.logged({SN: [NOW + 6000]})
        self.assertEqual(await self.used(), {"log": 100})
        await self.holdings.rooms.emptied(SN)
        self.assertEqual(await self.used(), {})

    async def test_many_logs(self) -> None:
        """However many there are, each counts once."""
        await self.known(usedlog=10, logsize=1000)
        await self.holdings.rooms.logged({SN: [NOW + n for n in range(250)], "OTHER": [], "T3": [NOW]})
        self.assertEqual(await self.used(), {"log": 260})


class ReservedTests(HoldingCase):
    """Places are kept for what is on its way."""

    async def test_refused_with_the_arithmetic(self) -> None:
        """Who asks for too much learns how much there is, and what is on its way."""
        holdings = await self.known(usersize=3000, fpsize=3000, usedfp=2990)
        coming = [(enrollid, 0) for enrollid in range(1, 9)]
        self.assertIsNone(await holdings.reserve(SN, coming, 60))
        told = await holdings.reserve(SN, [(enrollid, 1) for enrollid in range(20, 32)], 60)
        self.assertEqual(
            told,
            f"terminal {SN} takes 3000 fingerprints, has 2990, 8 more are on their way: 12 do not fit, "
            "10 too many",
        )
        self.assertEqual(await holdings.rooms.coming(SN), {"user": 8, "fp": 8})

    async def test_what_is_there_needs_no_room(self) -> None:
        """On a full terminal what is there can be replaced, and nothing is kept of what was refused."""
        holdings = await self.known(fpsize=1)
        await self.put(7, 0)
        self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 60, "a"))
        self.assertIn("1 does not fit, 1 too many", str(await holdings.reserve(SN, [(8, 0), (8, 11)], 60)))
        self.assertEqual(await holdings.rooms.coming(SN), {})

    async def test_one_place_of_several_orders(self) -> None:
        """It is kept as long as one of them is open, and counts once."""
        holdings = await self.known(fpsize=1)
        self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 60, "a"))
        self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 60, "b"))
        await holdings.release(SN, [(7, 0)], "a")
        await holdings.release(SN, [(7, 0)], "a")
        self.assertIsNotNone(await holdings.reserve(SN, [(8, 0)], 60))
        await holdings.release(SN, [(7, 0)], "b")
        self.assertIsNone(await holdings.reserve(SN, [(8, 0)], 60))

    async def test_a_place_is_given_up_in_time(self) -> None:
        """A process that dies with a reservation keeps the place no longer than it said."""
        holdings = await self.known(fpsize=1)
        self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 0.05))

        async def is_free() -> bool:
            """Somebody else gets it."""
            return await holdings.reserve(SN, [(8, 0)], 60) is None

        await until(is_free, "the place is free again")
        self.assertEqual(await holdings.rooms.coming(SN), {"user": 1, "fp": 1})

    async def test_doubt_is_settled_by_the_terminal(self) -> None:
        """Where nobody knows whether it came, the place is kept until the terminal tells what it has."""
        holdings = await self.known(fpsize=1)
        for settled in (self.holdings.listed(SN, [], 5), self.told_again(SN, NOW + 7)):
            self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 60))
            await holdings.rooms.doubt(SN, [(7, 0)])
            self.assertIsNotNone(await holdings.reserve(SN, [(8, 0)], 60))
            await settled
            self.assertIsNone(await holdings.reserve(SN, [(8, 0)], 60))
            await holdings.release(SN, [(8, 0)])

    async def test_the_end_of_an_order_needs_no_script(self) -> None:
        """A score of 0 gives a place up, one below 0 puts it in doubt."""
        holdings = await self.known(fpsize=1)
        key, member = holdings.rooms.members(SN, [(7, 0)], "a")
        self.assertIsNone(await holdings.reserve(SN, [(7, 0)], 60, "a"))
        await self.client.write("ZADD", key, "XX", 0, member)
        self.assertIsNone(await holdings.reserve(SN, [(8, 0)], 60, "b"))
        other = holdings.rooms.members(SN, [(8, 0)], "b")[1]
        score = await self.client.read("ZSCORE", key, other)
        await self.client.write("ZADD", key, "XX", f"-{score}", other)
        self.assertIsNotNone(await holdings.reserve(SN, [(7, 0)], 60))

    async def test_unknown_room_refuses_nothing(self) -> None:
        """Of a kind that a terminal does not count, and of an unknown terminal, nobody can say it is full."""
        holdings = await self.known()
        self.assertIsNone(await holdings.reserve(SN, [(1, n) for n in (10, 50, 30)], 60))
        self.assertIsNone(await holdings.reserve("NOBODY", [(1, 0)], 60))
        self.assertEqual(await self.client.read("EXISTS", self.client.keys.reserved("NOBODY")), 0)

    async def test_what_may_be_new_takes_room(self) -> None:
        """Without a list nobody knows whether what a terminal told of is more than it had: that is said."""
        holdings = await self.known(fpsize=3, usedfp=2, usersize=100)
        await holdings.told(SN, 7, 0, read(), None)
        self.assertIn("has 2, may have 1 more that it told of", str(await holdings.reserve(SN, [(8, 0)], 60)))
        await holdings.listed(SN, [(7, 0, 0), (9, 0, 0)], 5)
        self.assertIsNone(await holdings.reserve(SN, [(8, 0)], 60))


class WarningTests(HoldingCase):
    """People are warned before a terminal is full."""

    async def _full(self) -> list[tuple[str, int, bool]]:
        return [(each["kind"], each["level"], each["over"]) for each in await self.news()]

    async def test_each_level_once(self) -> None:
        """At 80 and at 95 % once, and once when that is over; not again for each that comes and goes."""
        await self.known(usersize=1000, fpsize=100, usedfp=79)
        for enrollid in range(1, 17):
            await self.put(enrollid, 0)
        self.assertEqual(await self._full(), [("fp", 80, False), ("fp", 95, False)])
        for _ in range(3):
            await self.holdings.gone(SN, 16, 0)
            await self.put(16, 0)
        self.assertEqual(len(await self._full()), 2)
        for enrollid in range(1, 17):
            await self.holdings.gone(SN, enrollid, 0)
        self.assertEqual((await self._full())[2:], [("fp", 95, True)])
        await self.told_again(SN, NOW + 1, fpsize=100, usedfp=3)
        await self.holdings.rooms.sample([SN], date(2026, 4, 2))
        self.assertEqual((await self._full())[3:], [("fp", 80, True)])
        told = {
            "event": "full",
            "sn": SN,
            "site": "",
            "kind": "fp",
            "percent": 80,
            "level": 80,
            "over": False,
        }
        self.assertEqual((await self.news())[0], told)

    async def test_a_terminal_that_comes_nearly_full(self) -> None:
        """What a reg tells is warned of with the next sample; of logs reg has warned before."""
        await self.known(usersize=10, useduser=10, usedlog=97)
        for _ in range(2):
            await self.holdings.rooms.sample([SN], date(2026, 4, 2))
        found = {("user", 80, False), ("user", 95, False), ("log", 95, False)}
        self.assertEqual({*await self._full()} - {("log", 80, False)}, found)
        self.assertEqual(len(await self._full()), len({*await self._full()}))

    async def test_logs_are_warned_of_once(self) -> None:
        """The warning about logs that reg gives and the one between two of them are one."""
        await self.known(usedlog=79)
        await self.holdings.rooms.logged({SN: [NOW + 1]})
        await self.told_again(SN, NOW + 9, usedlog=81)
        self.assertEqual(await self._full(), [("log", 80, False)])
        await self.holdings.rooms.emptied(SN)
        self.assertEqual((await self._full())[1:], [("log", 80, True)])
        self.assertNotIn("full_alarm", await self.raw())


class SampleTests(HoldingCase):
    """How much was used, day by day."""

    async def test_a_sample_a_day(self) -> None:
        """Each day has its last one, of the kinds that the terminal counts."""
        await self.known(cardsize="none", logsize=None)
        await self.put(7, 0)
        rooms, day = self.holdings.rooms, date(2026, 4, 2)
        await rooms.sample([SN, "NOBODY"], day)
        await self.put(8, 0)
        await rooms.sample([SN], day)
        await rooms.sample([SN], day + timedelta(1))
        self.assertEqual(
            (await rooms.history(SN))["fp"], [Sample(day, 2, 3), Sample(day + timedelta(1), 2, 3)]
        )
        self.assertEqual({*await rooms.history(SN)}, {"user", "fp"})
        self.assertEqual(await rooms.history("NOBODY"), {})

    async def test_old_ones_are_forgotten(self) -> None:
        """No terminal has more of them than a year and a month."""
        await self.known()
        for number in range(MOST_DAYS + 5):
            await self.holdings.rooms.sample([SN], date(2026, 1, 1) + timedelta(number))
        found = (await self.holdings.rooms.history(SN))["user"]
        self.assertEqual((len(found), found[0].day), (MOST_DAYS, date(2026, 1, 6)))
