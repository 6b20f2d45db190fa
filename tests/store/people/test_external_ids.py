"""External ids in the memory of processes: read at the start, followed, read again when one was missed."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.store.connected import until
from tests.store.people.listed import DirectoryCase, zoe
from tfserver.errors import StoreUnavailable
from tfserver.store.people import external_ids
from tfserver.store.people.erasures import Asked, Erasures, new_id
from tfserver.store.people.external_ids import ExternalIds


class FollowCase(DirectoryCase):
    """A directory, and a process that follows it; what it hears is let through or not."""

    async def follow(self, **external: str) -> ExternalIds:
        """Begin with these people (``p7`` is person 7)."""
        await self.begin()
        for name, text in external.items():
            await self.directory.put(zoe(int(name[1:]), external_id=text))
        self.is_deaf = False
        self.heard: list[str] = []
        self.clock = Clock()
        self.client.listen([self.client.keys.everybody], self.hear)
        await until(self.listens, "it listens")
        self.ids = ExternalIds(self.clock, self.client)
        await self.ids.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.ids.stop()))
        return self.ids

    async def listens(self) -> bool:
        """Whether wake-ups come."""
        await self.client.write("PUBLISH", self.client.keys.everybody, "anybody")
        return bool(self.heard)

    def hear(self, _: str, message: str) -> None:
        """A wake-up."""
        self.heard.append(message)
        if not self.is_deaf and hasattr(self, "ids"):
            self.ids.heard(message)

    async def settled(self, *messages: str) -> None:
        """Wait until these came."""
        await until(lambda: set(messages) <= set(self.heard), f"{messages} came")


class FollowTests(FollowCase):
    """What a process knows."""

    async def test_read_at_the_start(self) -> None:
        """All that there are, over several pages."""
        self.patch(external_ids, "A_PAGE", 10)
        many = {f"p{n}": f"P-{n}" for n in range(1, 700)}
        ids = await self.follow(**many)
        self.assertEqual(ids.by_person, {n: f"P-{n}" for n in range(1, 700)})

    async def test_followed(self) -> None:
        """New ones, changed ones, and those that are taken away or go with their people."""
        ids = await self.follow(p1="A", p2="B")
        known = ids.by_person
        await self.directory.put(zoe(3, external_id="with blanks, é"))
        await self.directory.put(zoe(1, external_id="A2"))
        await self.directory.put(zoe(1, external_id="A2", note="the same"))
        await self.directory.remove(2)
        await self.directory.put(zoe(4))
        await self.directory.put(zoe(3))
        await self.directory.put(zoe(5, external_id="A"))
        await self.settled("external 7 5 A")
        self.assertIs(ids.by_person, known)
        self.assertEqual(known, {1: "A2", 5: "A"})
        told = [message for message in self.heard if message.startswith("external ")]
        self.assertEqual(told[0], "external 3 3 with blanks, é")
        self.assertEqual(told[2], "external 5 2 ")
        self.assertEqual(len(told), 5)

    async def miss(self, text: str, number: int) -> None:
        """Person 1 gets an external id, and the process does not hear of it."""
        self.is_deaf = True
        await self.directory.put(zoe(1, external_id=text))
        await self.settled(f"external {number} 1 {text}")
        self.is_deaf = False
        self.assertNotEqual(self.ids.by_person[1], text)

    async def test_missed(self) -> None:
        """Who missed a change learns that by the next one, and reads all again."""
        ids = await self.follow(p1="A")
        await self.miss("A2", 2)
        await self.directory.put(zoe(2, external_id="B"))
        await self.settled("external 3 2 B")
        self.clock.advance(external_ids.AGAIN_SECONDS)
        await until(lambda: ids.by_person == {1: "A2", 2: "B"}, "all were read again")

    async def test_missed_the_last(self) -> None:
        """Without a next one it is found after a while."""
        ids = await self.follow(p1="A")
        await self.miss("A2", 2)
        self.clock.advance(external_ids.LOOK_SECONDS)
        await until(lambda: ids._settling is not None, "it has looked")
        self.clock.advance(external_ids.AGAIN_SECONDS)
        self.clock.advance(external_ids.AGAIN_SECONDS)
        await until(lambda: ids.by_person == {1: "A2"}, "all were read again")

    async def test_changed_while_read(self) -> None:
        """What changes while all are read is not lost behind it."""
        ids = await self.follow(p1="A", p2="B")
        found = ids._found

        async def late() -> dict[int, str]:
            """All as they were a moment ago."""
            told = await found()
            await self.directory.put(zoe(1, external_id="A2"))
            await self.directory.put(zoe(2))
            await self.settled("external 3 1 A2", "external 4 2 ")
            return told

        ids._found = late  # type: ignore[method-assign]
        await ids._read_all()
        self.assertEqual(ids.by_person, {1: "A2"})

    async def test_store_away(self) -> None:
        """As long as the store is away what was known counts; then all are read again."""
        ids = await self.follow(p1="A")
        read = self.client.read
        self.client.read = lambda *_: (_ for _ in ()).throw(StoreUnavailable("away"))  # type: ignore[method-assign]
        ids._soon()
        self.clock.advance(external_ids.AGAIN_SECONDS)
        self.clock.advance(external_ids.LOOK_SECONDS)
        self.assertEqual(ids.by_person, {1: "A"})
        self.client.read = read  # type: ignore[method-assign]
        await self.directory.put(zoe(1, external_id="A2"))
        await self.settled("external 2 1 A2")
        self.clock.advance(external_ids.AGAIN_SECONDS)
        await until(lambda: ids.by_person == {1: "A2"}, "it was read again")

    async def test_bounded(self) -> None:
        """So many and no more; those that are known still follow."""
        self.patch(external_ids, "MOST", 2)
        ids = await self.follow(p1="A", p2="B", p3="C")
        self.assertEqual(len(ids.by_person), 2)
        one = min(ids.by_person)
        await self.directory.put(zoe(one, external_id="A2"))
        await self.directory.put(zoe(4, external_id="D"))
        await self.settled("external 5 4 D")
        self.assertEqual((len(ids.by_person), ids.by_person[one]), (2, "A2"))

    async def test_erased(self) -> None:
        """Who is being erased has none from that moment on, in every process."""
        ids = await self.follow(p1="A", p7="P-7")
        asked = Asked(id=new_id(), enrollid=7, actor="token a", reason="asked")
        await Erasures(self.client).order(asked, (), {})
        await until(lambda: ids.by_person == {1: "A"}, "it is gone")

    async def test_others(self) -> None:
        """Other wake-ups are not for it."""
        ids = await self.follow()
        self.assertFalse(ids.heard("ended x"))
        self.assertEqual((ids.by_person, await self.directory.by_external_id("A")), ({}, None))
