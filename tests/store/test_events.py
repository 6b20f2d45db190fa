"""The stream of events, as those who watch read it."""

from __future__ import annotations

from tests.store.connected import StoreCase
from tfserver.errors import Gone
from tfserver.store.events import BEGINNING, Ends, Event, Events


class EventsTests(StoreCase):
    """Events on a real store."""

    async def events(self) -> Events:
        """The events as a new process sees them."""
        self.client = await self.connect()
        return Events(self.client)

    async def add(self, place: str, text: str = "{}") -> None:
        """Something happens."""
        await self.client.write("XADD", "tf:events", place, "kind", "terminal", "d", text)

    async def test_pages(self) -> None:
        """Events come in order behind a place, as many as are asked for."""
        events = await self.events()
        for number in range(1, 6):
            await self.add(f"{number}-0", f'{{"n":{number}}}')
        self.assertEqual(await events.page("1-0", 1), [Event("2-0", "terminal", '{"n":2}')])
        self.assertEqual([e.place for e in await events.page(BEGINNING, 3)], ["1-0", "2-0", "3-0"])
        self.assertEqual(await events.page("5-0", 3), [])

    async def test_nothing_yet(self) -> None:
        """Where nothing ever happened there is nothing behind the beginning."""
        events = await self.events()
        self.assertEqual(await events.ends(), Ends(BEGINNING, BEGINNING))
        self.assertEqual(await events.page(BEGINNING, 10), [])

    async def test_ends(self) -> None:
        """The ends are the places of the last punch and the last event."""
        events = await self.events()
        await self.add("5-1")
        await self.client.write("XADD", "tf:punches", "7-2", "p", "{}")
        self.assertEqual(await events.ends(), Ends("7-2", "5-1"))

    async def test_gone(self) -> None:
        """Who stands where events were forgotten is told so, and not given later ones as if they were all."""
        events = await self.events()
        for number in range(1, 6):
            await self.add(f"{number}-0")
        await self.client.write("XTRIM", "tf:events", "MINID", "4")
        await self.fails(events.page("2-0", 10), Gone)
        self.assertEqual([e.place for e in await events.page("4-0", 10)], ["5-0"])
        self.assertEqual(await events.page("9-0", 10), [])
