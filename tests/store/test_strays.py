"""Who can't be the terminal that it says it is: from elsewhere, or without the secret path."""

from __future__ import annotations

from typing import Any

from tests.store.arrivals import NOW, arrival
from tests.store.test_news import NewsCase
from tfserver.model import Admission
from tfserver.secretpath import hash_of
from tfserver.store.refusals import Stray
from tfserver.store.terminals import Terminals

NORTH, AWAY = "10.1.2.3", "192.0.2.7"
NETWORKS = {"north": ["10.1.0.0/16"], "south": ["10.2.0.0/16"]}


class StrayCase(NewsCase):
    """A terminal at the site north, online."""

    async def placed(self, **more: Any) -> Terminals:
        """The registry, with that terminal in it."""
        terminals = await self.terminals(**more)
        await self.approved(terminals, "c1", address=NORTH)
        await terminals.change("ZXAB1", {"site": "north"})
        await self.client.write("DEL", "tf:news")
        return terminals

    async def refused(self, terminals: Terminals, connection: str, **more: Any) -> str:
        """Why this registration is refused; empty when it is not."""
        try:
            found = await terminals.register(arrival(**{"address": NORTH, **more}), connection)
        except Stray as stray:
            return str(stray)
        self.assertIs(found.admission, Admission.APPROVED)
        return ""


class NetworkTests(StrayCase):
    """Networks of sites."""

    async def test_elsewhere(self) -> None:
        """Who comes from elsewhere is refused; the real one keeps the lease and all that is known of it."""
        terminals = await self.placed(networks=NETWORKS)
        before = await self.raw()
        for address in (AWAY, "10.2.0.1", "2001:db8::1", "local"):
            stray = {"address": address, "devinfo": {"modelname": "other"}, "cpusn": "c2"}
            self.assertEqual(await self.refused(terminals, "c2", **stray), "elsewhere", address)
        after = await self.raw()
        after.pop("strayed_at")
        self.assertEqual(after, before)
        self.assertEqual(await terminals.claimants(), [])

    async def test_here(self) -> None:
        """From the site's own networks it is admitted as ever."""
        terminals = await self.placed(networks=NETWORKS)
        self.assertEqual(await self.refused(terminals, "c2"), "")
        self.assertEqual((await self.raw())["conn"], "c2")

    async def test_no_networks(self) -> None:
        """A site that is not named takes terminals from anywhere, and so does no site at all."""
        terminals = await self.placed(networks={"south": ["10.2.0.0/16"]})
        self.assertEqual(await self.refused(terminals, "c2", address=AWAY), "")
        await terminals.change("ZXAB1", {"site": ""})
        self.assertEqual(await self.refused(terminals, "c3", address=AWAY), "")
        await terminals.change("ZXAB1", {"site": "south"})
        self.assertEqual(await self.refused(terminals, "c4", address=AWAY), "elsewhere")

    async def test_parts_of_names(self) -> None:
        """A site is not taken for another whose name has its name within."""
        terminals = await self.placed(networks={"north-west": ["10.9.0.0/16"], "nor": ["10.9.0.0/16"]})
        self.assertEqual(await self.refused(terminals, "c2", address=AWAY), "")

    async def test_without_a_site(self) -> None:
        """The empty name is for terminals that have no site; of an unknown one nothing is kept."""
        terminals = await self.terminals(networks={"": ["10.1.0.0/16"]})
        self.assertEqual(await self.refused(terminals, "c1", address=AWAY, approve=True), "elsewhere")
        self.assertEqual(await self.raw(), {})
        self.assertEqual(await self.news(), [])
        self.assertEqual(await self.refused(terminals, "c1", approve=True), "")

    async def test_told(self) -> None:
        """People are told who knocked and from where, not each time it comes again."""
        terminals = await self.placed(networks=NETWORKS)
        for minutes in (0, 1, 9):
            await self.refused(terminals, "c2", address=AWAY, now_ms=NOW + 60_000 * minutes)
        [told] = await self.news()
        self.assertEqual(
            {name: told[name] for name in ("event", "sn", "site", "address")},
            {"event": "elsewhere", "sn": "ZXAB1", "site": "north", "address": AWAY},
        )
        await self.refused(terminals, "c2", address=AWAY, now_ms=NOW + 60_000 * 11)
        self.assertEqual(len(await self.news()), 2)


class PathTests(StrayCase):
    """Secret paths."""

    async def test_wrong_path(self) -> None:
        """Who does not say the path is refused, and the real one keeps the lease."""
        terminals = await self.placed()
        self.assertTrue(await terminals.set_path("zxab1", hash_of("right")))
        for said in ("", hash_of("wrong")):
            self.assertEqual(await self.refused(terminals, "c2", path=said), "path")
        self.assertEqual((await self.raw())["conn"], "c1")
        self.assertEqual(await self.refused(terminals, "c2", path=hash_of("right")), "")
        self.assertEqual((await self.raw())["conn"], "c2")
        self.assertEqual([told["event"] for told in await self.news()], ["path"])

    async def test_no_path(self) -> None:
        """Without one any path does, also when it was taken away again."""
        terminals = await self.placed()
        self.assertEqual(await self.refused(terminals, "c2", path=hash_of("any")), "")
        await terminals.set_path("ZXAB1", hash_of("right"))
        await terminals.set_path("ZXAB1", "")
        self.assertEqual(await self.refused(terminals, "c3"), "")

    async def test_shown(self) -> None:
        """People see that there is one, and never which."""
        terminals = await self.placed()
        for path, has_path in ((hash_of("right"), True), ("", False)):
            await terminals.set_path("ZXAB1", path)
            [found] = await terminals.page("", 10)
            self.assertEqual(found, await terminals.get("ZXAB1"))
            self.assertEqual(found.has_path, has_path)
            self.assertNotIn(hash_of("right"), str(found))

    async def test_unknown(self) -> None:
        """Who never registered gets none."""
        terminals = await self.terminals()
        self.assertFalse(await terminals.set_path("nobody", hash_of("x")))
        self.assertEqual(await self.raw("NOBODY"), {})
