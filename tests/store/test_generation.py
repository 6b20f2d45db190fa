"""Generations of the store: when one begins, and that no cursor stands beyond what comes in it."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.store.connected import StoreCase, free_port, pairs, until
from tests.store.records import record
from tfserver.config import Durability
from tfserver.config import Punches as PunchSettings
from tfserver.errors import StoreUnavailable
from tfserver.store import client as client_module
from tfserver.store.archive.rows import place_of
from tfserver.store.client import Client
from tfserver.store.deliveries import Entry
from tfserver.store.fitness import FULL
from tfserver.store.generation import LEAP_MS, Generations, replicas_of
from tfserver.store.keys import Keys
from tfserver.store.punches import Punches

HOUR_MS = 3_600_000
STREAMS = ("punches", "quarantine", "events", "audit", "news")


class GenerationCase(StoreCase):
    """A store that is promoted, restarted and set back."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(client_module, "CHECK_EVERY", 1)

    def promote(self) -> None:
        """Let the server become what a replica is when it is promoted."""
        self.tell(f"REPLICAOF 127.0.0.1 {free_port()}")
        self.tell("REPLICAOF NO ONE")

    def meta(self) -> dict[str, str]:
        """What is kept of the store itself."""
        return pairs([line for line in self.tell("HGETALL tf:meta").split("\r\n")[1:-1] if line[:1] != "$"])

    async def renewed(self, client: Client, generation: int = 2) -> None:
        """Wait until a client is in a generation, and takes writes."""
        await until(lambda: client.generation == generation, f"generation {generation} is there")
        pool = client._reads.pool
        await until(lambda: all(one.lineage == client.lineage for one in pool), "old connections are gone")
        await self.back(client)

    async def news(self, client: Client) -> list[dict[str, Any]]:
        """What webhooks are told."""
        found: list[Entry] = await client.read("XRANGE", "tf:news", "-", "+")
        return [msgspec.json.decode(fields[1]) for _, fields in found]


class BeginTests(GenerationCase):
    """What begins a generation, and what does not."""

    async def test_first(self) -> None:
        """A new store is in its first generation, for every client, and tells nothing of it."""
        one, two = await self.connect(), await self.connect()
        self.assertEqual((one.generation, two.generation, one.lineage), (1, 1, two.lineage))
        self.assertEqual(await self.news(one), [])

    async def test_promoted(self) -> None:
        """A promotion is another generation, told once however many clients see it; all of them are told."""
        clients = [await self.connect() for _ in range(3)]
        told: list[str] = []
        for client in clients:
            client.on_renewal(lambda client=client: told.append(client.lineage))
        before = clients[0].lineage
        self.promote()
        for client in clients:
            await self.renewed(client)
        self.assertEqual((len(told), len({*told, before})), (3, 2))
        [news] = await self.news(clients[0])
        self.assertEqual((news["event"], news["why"], news["generation"]), ("failover", "promoted", 2))

    async def test_promoted_while_nobody_looked(self) -> None:
        """A promotion between two starts is noticed by the next start."""
        await (await self.connect()).stop()
        self.promote()
        self.assertEqual((await self.connect()).generation, 2)

    async def test_restarted(self) -> None:
        """A durable server that comes back is the same store."""
        client = await self.connect()
        lineage, run = client.lineage, self.meta()["run"]
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        self.store.start()
        await self.back(client)
        self.assertEqual((client.generation, client.lineage), (1, lineage))
        await until(lambda: self.meta()["run"] != run, "the new run is noted")

    async def test_restarted_without_fsync(self) -> None:
        """One that does not sync each write may have lost the last: another generation."""
        self.tell("CONFIG SET appendfsync everysec")
        client = await self.connect(durability=Durability.EVERYSEC)
        await client.write("SET", "tf:a", "b")
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        self.store._extra = ("--appendfsync", "everysec")
        self.store.start()
        await self.renewed(client)
        self.assertEqual([news["why"] for news in await self.news(client)], ["restarted"])

    async def test_new_id_of_the_same_run(self) -> None:
        """A primary that takes another id by itself, as one without replicas does, lost nothing."""
        self.tell("CONFIG SET appendfsync everysec")
        await (await self.connect(durability=Durability.EVERYSEC)).stop()
        self.tell("HSET tf:meta replid of-an-hour-ago")
        self.assertEqual((await self.connect(durability=Durability.EVERYSEC)).generation, 1)

    async def test_restored(self) -> None:
        """A store that was restored from a backup is another generation."""
        await (await self.connect()).stop()
        self.tell("HDEL tf:meta replid run")
        client = await self.connect()
        self.assertEqual((client.generation, [n["why"] for n in await self.news(client)]), (2, ["restored"]))

    async def test_forgotten_generation(self) -> None:
        """A second failover that lost the first one has a number of its own, as processes remember it."""
        client = await self.connect()
        self.promote()
        await self.renewed(client)
        self.tell("HSET tf:meta generation 1 replid of-the-first")
        self.promote()
        await self.renewed(client, 3)

    async def test_other_place(self) -> None:
        """A server elsewhere is another one, also when nobody saw its promotion."""
        client = await self.connect()
        asked = Generations(Keys("tf:"), lambda: 0.0)
        info = {"master_replid": "b" * 40, "run_id": "other"}
        found = await asked.ask(client._writes.pool[0], info, "h2:6379", Durability.ALWAYS)
        self.assertEqual((found.number, found.is_new), (2, True))


class LeapTests(GenerationCase):
    """Whatever clocks say, what comes in a generation comes behind all that was told before."""

    async def last(self, client: Client, stream: str) -> str:
        """The last id that a stream gave out."""
        return pairs([str(one) for one in await client.read("XINFO", "STREAM", f"tf:{stream}")])[
            "last-generated-id"
        ]

    async def test_all_streams(self) -> None:
        """Each stream leaps behind the last id of any, by a minute; also one that was not there."""
        client = await self.connect()
        [seconds, _] = await client.read("TIME")
        ahead = int(seconds) * 1000 + HOUR_MS
        await client.write("XADD", "tf:punches", f"{ahead}-5", "v", "1", "p", "{}")
        self.promote()
        await self.renewed(client)
        for stream in STREAMS:
            self.assertGreaterEqual(place_of(await self.last(client, stream)).ms, ahead + LEAP_MS, stream)
        self.assertEqual(await client.read("XLEN", "tf:punches"), 1)

    async def test_clock_of_the_old_one(self) -> None:
        """What the clock of the old primary told is remembered with the data, and by processes."""
        client = await self.connect()
        now = client.reactor.seconds() * 1000
        self.tell(f"HSET tf:meta seen {now + HOUR_MS:.0f} replid of-the-old-one")
        self.promote()
        await self.renewed(client)
        self.assertGreater(place_of(await self.last(client, "punches")).ms, now + HOUR_MS)
        remembering = Generations(client.keys, lambda: 0.0)
        remembering._ahead_ms = client._generations._ahead_ms + 2 * HOUR_MS
        another = {"master_replid": "c" * 40, "master_replid2": "b" * 40}
        await remembering.ask(client._writes.pool[0], another, "", Durability.ALWAYS)
        self.assertGreater(place_of(await self.last(client, "punches")).ms, now + 2 * HOUR_MS)

    async def test_two_in_a_row(self) -> None:
        """A leap that the next primary knows nothing of is remembered by processes: what it gives out comes
        behind, also when the clocks of the old one, or of who asked it, were ahead."""
        client = await self.connect()
        asked, connection = Generations(client.keys, lambda: 0.0), client._writes.pool[0]
        await asked.ask(connection, {}, "", Durability.ALWAYS)
        asked._ahead_ms += HOUR_MS
        found: list[int] = []
        for replid in ("b", "c"):
            # as it is at a replica that heard of nothing
            self.tell("HDEL tf:meta seen leapt")
            self.tell("DEL " + " ".join(f"tf:{stream}" for stream in STREAMS))
            info = {"master_replid": replid * 40, "master_replid2": "a" * 40}
            await asked.ask(connection, info, "", Durability.ALWAYS)
            found.append(place_of(await self.last(client, "punches")).ms)
        self.assertGreater(found[1], found[0])

    async def test_punches_follow(self) -> None:
        """A punch in the new generation stands behind a cursor of the one before that is now nowhere."""
        client = await self.connect()
        punches = Punches(client.reactor, client, PunchSettings())
        await punches.append("T1", 1, [record("T1", 1)], [])
        [[first, _]] = await client.read("XRANGE", "tf:punches", "-", "+")
        ms, _, _ = first.partition("-")
        cursor = f"{int(ms) + 50_000}-0"
        self.promote()
        await self.renewed(client)
        await punches.append("T1", 2, [record("T1", 2)], [])
        self.assertEqual(len(await client.read("XRANGE", "tf:punches", f"({cursor}", "+")), 1)


class FullTests(GenerationCase):
    """A new generation that can't begin yet."""

    async def test_no_room(self) -> None:
        """A full store answers reads and takes nothing; with room the generation begins before any write."""
        client = await self.connect()
        self.tell("CONFIG SET maxmemory 1")
        self.promote()
        await until(lambda: client.problem == FULL and bool(client._reads.pool), "it is seen")
        await until(lambda: client._is_unsettled, "it is known that another generation is due")
        self.assertEqual(await client.read("HGET", "tf:meta", "generation"), "1")
        await self.fails(client.run("registry", [], []), StoreUnavailable)
        client._probe.stop()
        self.tell("CONFIG SET maxmemory 0")
        await self.fails(client.write("XADD", "tf:audit", "*", "a", "{}"), StoreUnavailable)
        self.assertEqual(self.tell("XLEN tf:audit"), ":0\r\n")
        client._probe.start(client_module.PROBE_SECONDS)
        await self.renewed(client)


class ReplicasTests(StoreCase):
    """How many replicas keep up, by what a store tells."""

    def test_counted(self) -> None:
        """Those that are online and confirmed lately; None when it is not told."""
        line = "ip=1,port=2,state={},offset=3,lag={}"
        told = {
            "connected_slaves": "4",
            "slave0": line.format("online", 0),
            "slave1": line.format("online", 11),
        }
        more = {"slave2": line.format("wait_bgsave", 0), "slave3": line.format("online", 1), "slave_x": "y"}
        self.assertEqual(replicas_of({**told, **more}), 2)
        self.assertEqual((replicas_of({"connected_slaves": "0"}), replicas_of({})), (0, None))
