"""All terminals are looked at, page by page."""

from __future__ import annotations

from twisted.internet import reactor

from tests.store.arrivals import NOW, arrival
from tests.store.people.holding import SN, HoldingCase
from tfserver.people.sampling import EVERY_SECONDS, Sampling
from tfserver.store.people import rooms


class SamplingTests(HoldingCase):
    """The errand."""

    async def test_all_of_them(self) -> None:
        """Each approved terminal has a sample of the day, and a warning if it came nearly full."""
        self.patch(rooms, "SAMPLED_A_CALL", 2)
        holdings = await self.known(usedfp=3)
        names = [SN, *(f"T{n}" for n in range(4))]
        for place, sn in enumerate(names[1:]):
            await self.told_again(sn, NOW + 1 + place)
        self.assertEqual(await Sampling(reactor, holdings.rooms).do("samples"), EVERY_SECONDS)
        for sn in names:
            self.assertEqual([len(days) for days in (await holdings.rooms.history(sn)).values()], [1] * 4)
        self.assertEqual([(told["sn"], told["level"]) for told in await self.news()], [(SN, 80), (SN, 95)])
        await Sampling(reactor, holdings.rooms).do("samples")
        self.assertEqual(len(await self.news()), 2)

    async def test_those_that_wait_are_not(self) -> None:
        """Of a terminal that nobody approved nothing is kept."""
        holdings = await self.known()
        await self.registry.register(arrival("NEW", cpusn="c9", devinfo={"fpsize": 1, "usedfp": 1}), "c9")
        await Sampling(reactor, holdings.rooms).do("samples")
        self.assertEqual(await holdings.rooms.history("NEW"), {})
        self.assertEqual(await self.news(), [])
