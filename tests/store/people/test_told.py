"""What terminals told of a person, and pictures of its punches, on a real store."""

from __future__ import annotations

from tests.store.people.listed import ORIGIN, DirectoryCase
from tfserver.store.people import told
from tfserver.store.people.erasures import Asked, Erasures, new_id
from tfserver.store.people.told import Told
from tfserver.store.users import Profile


class ToldTests(DirectoryCase):
    """As it was told, opened only when that is asked for."""

    async def test_told(self) -> None:
        """Each terminal's words, and each credential where it came from."""
        await self.begin()
        self.patch(told, "_FIELDS_A_LOOK", 2)
        for n in range(1, 8):
            await self.told(f"T{n}", "Zoë" if n < 5 else "Zoe", 0, f"template {n % 2}")
        await self.told("T1", "Somebody else", 11, "55", enrollid=8)
        found = Told(self.client, self.vault)
        self.assertEqual(
            await found.profiles(7), [(f"T{n}", Profile("Zoë" if n < 5 else "Zoe", 0)) for n in range(1, 8)]
        )
        slots = await found.slots(7)
        self.assertEqual([(one.sn, one.backupnum) for one in slots], [(f"T{n}", 0) for n in range(1, 8)])
        self.assertEqual({one.told.origin for one in slots}, {ORIGIN})
        self.assertEqual({one.record for one in slots}, {None})
        self.assertNotIn("template", str(slots))
        opened = [(await found.opened(7, one)).record for one in slots]
        self.assertEqual(opened, [f"template {n % 2}" for n in range(1, 8)])
        self.assertEqual((await found.profiles(9), await found.slots(9)), ([], []))

    async def test_gone(self) -> None:
        """What can't be opened any more stays closed."""
        await self.begin()
        await self.told("T1", "Zoë", 0, "abc")
        found = Told(self.client, self.vault)
        [slot] = await found.slots(7)
        await self.client.write("HDEL", self.client.keys.user(7), "key")
        self.assertIsNone((await found.opened(7, slot)).record)

    async def test_erased(self) -> None:
        """Of somebody who is being erased nothing is left that terminals told."""
        await self.begin()
        await self.told("T1", "Zoë", 0, "abc")
        found = Told(self.client, self.vault)
        self.assertEqual((len(await found.profiles(7)), len(await found.slots(7))), (1, 1))
        asked = Asked(id=new_id(), enrollid=7, actor="token a", reason="asked")
        await Erasures(self.client).order(asked, (), {})
        self.assertEqual((await found.profiles(7), await found.slots(7)), ([], []))

    async def test_pictures(self) -> None:
        """Those that are kept, each with its punch."""
        await self.begin()
        self.patch(told, "PICTURES_A_CALL", 2)
        for uid in ("b", "c"):
            sealed = self.vault.seal_picture(uid, f"picture {uid}")
            await self.client.write("SET", self.client.keys.image(uid), sealed)
        found = await Told(self.client, self.vault).pictures(["a", "b", "x", "y", "c"])
        self.assertEqual(found, [("b", "picture b"), ("c", "picture c")])
