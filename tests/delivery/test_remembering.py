"""What only the archive has after a failover is known: whoever sends it again makes no second entry."""

from __future__ import annotations

from twisted.internet import reactor

from tests.store.archive.archives import entries, punch
from tests.store.archiving import ArchivingCase
from tfserver.config import Punches as PunchSettings
from tfserver.delivery import remembering
from tfserver.delivery.remembering import known_of, remember
from tfserver.model import punch_uid
from tfserver.store.punches import Punches
from tfserver.store.shelf import Kept, Record


def again(number: int) -> Record:
    """A punch of the archive, as its terminal sends it once more."""
    told = punch(number)
    uid, member = punch_uid("T1", 5, told["device_time"], 0, 0, 0)
    assert uid == told["uid"]
    return Record(uid, member, None, told["device_time"][:10].replace("-", ""), told["device_time"], b"{}")


class RememberTests(ArchivingCase):
    """A store that lacks the last of what is archived."""

    async def test_known(self) -> None:
        """Only what is behind the one place and up to the other is made known, page by page."""
        self.patch(remembering, "PAGE", 2)
        await self.begin()
        there = entries(*range(1, 8))
        await self.archive.keep(there, "0-0")
        await remember(self.archive, self.archived, there[0][0], there[5][0])
        punches = Punches(reactor, self.client, PunchSettings())
        kept = await punches.append("T1", None, [again(number) for number in range(1, 8)], [])
        self.assertEqual(kept, Kept(2, 5, 0))
        self.assertGreater(await self.client.read("TTL", "tf:known:T1:20260401"), 86_400)

    async def test_life_is_kept(self) -> None:
        """A set that has a life keeps it."""
        await self.begin()
        await self.client.write("SADD", "tf:known:T1:20260401", "7")
        await self.client.write("EXPIRE", "tf:known:T1:20260401", 90 * 86_400)
        await self.archived.know({("T1", "20260401"): [8]})
        self.assertGreater(await self.client.read("TTL", "tf:known:T1:20260401"), 80 * 86_400)

    def test_odd_ones(self) -> None:
        """What is no punch of ours is passed over."""
        self.assertEqual(
            known_of([("1-0", "{}"), ("2-0", "[]"), ("3-0", '{"uid":"x","sn":"A","device_time":""}')]), {}
        )
