"""Which servers are refused, and with what words (design §2.1)."""

from __future__ import annotations

from tests.store.connected import StoreCase, free_port, until
from tfserver.config import Durability
from tfserver.errors import StartError
from tfserver.store import client as client_module

LIMITED = "ACL SETUSER gate on >right ~tf:* &tf:* +@all -config"


class RefusedTests(StoreCase):
    """Servers that must not be used as they are."""

    async def refused(self, **settings: object) -> str:
        """Why the start was refused."""
        return await self.fails(self.new_client(**settings).start(), StartError)

    async def config(self, **names: str) -> None:
        """Change the server's settings."""
        for name, value in names.items():
            self.tell(f"CONFIG SET {name.replace('_', '-')} {value}")

    async def test_no_file(self) -> None:
        """A server in memory alone is refused, naming what to set there and how to accept it."""
        await self.config(appendonly="no")
        for durability in ("always", "everysec"):
            why = await self.refused(durability=Durability(durability))
            for words in ("appendonly no", f"appendfsync {durability}", "store.durability: none"):
                self.assertIn(words, why)

    async def test_every_second(self) -> None:
        """fsync once a second is refused unless it was accepted."""
        await self.config(appendfsync="everysec")
        why = await self.refused()
        self.assertIn("appendfsync everysec", why)
        self.assertIn("store.durability: always", why)
        client = await self.connect(durability=Durability.EVERYSEC)
        assert client.fitness is not None
        self.assertIs(client.fitness.durability, Durability.EVERYSEC)

    async def test_no_fsync(self) -> None:
        """A server that leaves the fsync to the system is refused unless none was accepted."""
        await self.config(appendfsync="no")
        self.assertIn("appendfsync no", await self.refused(durability=Durability.EVERYSEC))
        client = await self.connect(durability=Durability.NONE)
        assert client.fitness is not None
        self.assertIs(client.fitness.durability, Durability.NONE)

    async def test_no_fsync_on_rewrite(self) -> None:
        """A server that does not sync while it rewrites its file has a hole of minutes: refused."""
        await self.config(no_appendfsync_on_rewrite="yes")
        self.assertIn("no-appendfsync-on-rewrite", await self.refused())

    async def test_evicting(self) -> None:
        """A server that evicts what was acknowledged is refused, whatever durability was accepted."""
        for policy in ("allkeys-lru", "volatile-ttl"):
            await self.config(maxmemory_policy=policy)
            why = await self.refused(durability=Durability.NONE)
            self.assertIn(policy, why)
            self.assertIn("noeviction", why)

    async def test_newer_schema(self) -> None:
        """Data that only a newer program can read is refused and left as it is."""
        self.tell("HSET tf:meta schema 8 reader 7")
        why = await self.refused()
        for words in ("schema 8", "schema 7", "newer tfserver"):
            self.assertIn(words, why)
        self.assertIn("8", self.tell("HGET tf:meta schema"))

    async def test_newer_schema_that_we_may_read(self) -> None:
        """Data of a newer program that says older ones may read it is taken."""
        self.tell("HSET tf:meta schema 8 reader 1")
        self.assertTrue((await self.connect()).ready)

    async def test_replica(self) -> None:
        """A replica is refused and named as one, also when it would let us write."""
        self.patch(client_module, "START_SECONDS", 1.0)
        self.tell(f"REPLICAOF 127.0.0.1 {free_port()}")
        for read_only in ("yes", "no"):
            await self.config(replica_read_only=read_only)
            self.assertIn("is a replica", await self.refused())


class ForbiddenTests(StoreCase):
    """Servers that do not tell their settings."""

    def setUp(self) -> None:
        super().setUp()
        self.tell(LIMITED)
        self.limited = f"unix://gate:right@{self.store.socket}"

    async def test_refused_without_a_word(self) -> None:
        """Where CONFIG is forbidden the operator has to say how durable the server is."""
        why = await self.fails(self.new_client(self.limited).start(), StartError)
        self.assertIn("CONFIG is forbidden", why)
        self.assertIn("store.assume_durability", why)

    async def test_assumed(self) -> None:
        """What the operator says is believed, and compared with what is asked for."""
        client = await self.connect(self.limited, assume_durability=Durability.ALWAYS)
        assert client.fitness is not None
        self.assertIs(client.fitness.durability, Durability.ALWAYS)
        weak = self.new_client(self.limited, assume_durability=Durability.EVERYSEC)
        self.assertIn("store.assume_durability", await self.fails(weak.start(), StartError))

    async def test_reality_wins(self) -> None:
        """Where CONFIG is allowed, nothing is assumed."""
        self.tell("CONFIG SET appendonly no")
        client = self.new_client(assume_durability=Durability.ALWAYS)
        self.assertIn("appendonly no", await self.fails(client.start(), StartError))

    async def test_renamed(self) -> None:
        """A server without the command CONFIG is the same as one that forbids it."""
        store = self.new_store("--rename-command", "CONFIG", "")
        why = await self.fails(self.new_client(store.url).start(), StartError)
        self.assertIn("store.assume_durability", why)
        await self.connect(store.url, assume_durability=Durability.ALWAYS)


class LaterTests(StoreCase):
    """Servers that become unfit while we run."""

    async def test_weakened_and_restored(self) -> None:
        """Weaker settings end readiness by themselves, naming the reason; the old ones bring it back."""
        self.patch(client_module, "CHECK_EVERY", 1)
        client = await self.connect()
        for name, weak, strong in (
            ("appendfsync", "everysec", "always"),
            ("appendonly", "no", "yes"),
            ("maxmemory-policy", "allkeys-lru", "noeviction"),
        ):
            self.tell(f"CONFIG SET {name} {weak}")
            await until(lambda: not client.ready, f"{name} {weak} was seen")
            self.assertIn(f"{name} {weak}", client.problem)
            self.tell(f"CONFIG SET {name} {strong}")
            await self.back(client)

    async def test_weaker_after_a_restart(self) -> None:
        """A server that comes back with weaker settings is not used."""
        client = await self.connect()
        self.store.kill()
        await until(lambda: not client.ready, "the client knows")
        self.store._extra = ("--appendfsync", "everysec")
        self.store.start()
        await until(lambda: "everysec" in client.problem, "the client has looked")
        self.assertFalse(client.ready)
        self.tell("CONFIG SET appendfsync always")
        await self.back(client)

    def test_interval(self) -> None:
        """Settings are read every few seconds, not once an hour."""
        self.assertLessEqual(client_module.CHECK_EVERY * client_module.PROBE_SECONDS, 10)
