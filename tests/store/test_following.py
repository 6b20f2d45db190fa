"""Sentinels that don't agree, are cut off, want a password; and a primary that is one no more."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Any

import hiredis
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.delivery.certificates import Authority
from tests.real.store import RealStore
from tests.store.connected import StoreCase, free_port, until
from tfserver.config import Store
from tfserver.errors import StartError, StoreUnavailable
from tfserver.store import address, following, sentinels
from tfserver.store.blocking import Blocking
from tfserver.store.client import PROBE_SECONDS, Client
from tfserver.store.fitness import NotPrimary
from tfserver.store.generation import Generation
from tfserver.store.reach import check_certificates
from tfserver.store.sentinels import Primary, Sentinels, Told, Untold, chosen, understood

H1, H2 = ("h1", 6379), ("h2", 6379)


class FakeSentinel:
    """Says what a test wants: the place of the primary, and the election; with a password if there is one.

    ``place`` None: it knows no such service. ``is_silent``: it takes connections and says nothing.
    """

    def __init__(self, place: tuple[str, int] | None, epoch: int = 1, password: str = "") -> None:
        self.place = place
        self.epoch = epoch
        self.is_silent = False
        self.heard: list[list[bytes]] = []
        self._password = password
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def remove(self) -> None:
        """End it."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reader, is_in = hiredis.Reader(), not self._password
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(4096):
                reader.feed(data)
                while (command := reader.gets()) is not False:
                    self.heard.append(command)
                    if self.is_silent:
                        continue
                    is_in = is_in or command[-1] == self._password.encode()
                    connection.sendall(self._answer(command) if is_in else b"-NOAUTH first\r\n")

    def _answer(self, command: list[bytes]) -> bytes:
        if command[0] == b"AUTH":
            return b"+OK\r\n"
        if self.place is None:
            return b"*-1\r\n" if command[1].startswith(b"GET") else b"-ERR No such master with that name\r\n"
        parts = [self.place[0], str(self.place[1])]
        if command[1] == b"MASTER":
            parts = ["name", "main", "config-epoch", str(self.epoch)]
        return f"*{len(parts)}\r\n".encode() + b"".join(
            b"$%d\r\n%s\r\n" % (len(one), one.encode()) for one in parts
        )


class ChosenTests(SynchronousTestCase):
    """Which of several answers counts."""

    def test_latest_election(self) -> None:
        """One that knows of a later election is right against all others, and not confirmed yet."""
        self.assertEqual(chosen([Told(H1, 1), Told(H2, 2), Told(H1, 1)], 3), Primary(H2, 2, False))

    def test_most(self) -> None:
        """Among equals most are right; more than half of all confirm, of those that are away too."""
        self.assertEqual(chosen([Told(H1, 1), Told(H2, 1), Told(H1, 1)], 3), Primary(H1, 1, True))
        self.assertEqual(chosen([Told(H1, 1)], 3), Primary(H1, 1, False))
        self.assertEqual(chosen([Told(H1, 1)], 1), Primary(H1, 1, True))

    def test_without_elections(self) -> None:
        """Who may not ask for the election has the place all the same."""
        where = address.parse("sentinel://h1/main")
        refused = hiredis.ReplyError("NOPERM")
        self.assertEqual(understood([[b"h1", b"6379"], refused], where), Told(H1, 0))
        for answers, words in (
            ([None, refused], "knows no 'main'"),
            ([refused, refused], "NOPERM"),
            ([], "knows"),
        ):
            self.assertIn(words, str(self.assertRaises(Untold, understood, answers, where)))


class AskTests(TestCase):
    """All of them are asked at once."""

    timeout = 20

    def sentinel(self, *told: Any, **more: Any) -> FakeSentinel:
        """One that ends with the test."""
        found = FakeSentinel(*told, **more)
        self.addCleanup(found.remove)
        return found

    def asking(self, *fakes: FakeSentinel, dead: int = 0, **settings: Any) -> Sentinels:
        """Who asks these, and some ports where nobody is."""
        return Sentinels(reactor, self.address(*fakes, dead=dead, **settings))

    def address(
        self, *fakes: FakeSentinel, dead: int = 0, password: str = "", **settings: Any
    ) -> address.Address:
        """Where they are."""
        ports = [free_port() for _ in range(dead)] + [fake.port for fake in fakes]
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        return address.reached(address.parse(f"sentinel://{hosts}/main"), Store(**settings), password)

    async def test_one_that_knows(self) -> None:
        """Dead ones, and those that know nothing, keep nobody from the one that knows."""
        found = await self.asking(self.sentinel(None), self.sentinel(H1), dead=1).primary()
        self.assertEqual(found, Primary(H1, 1, False))

    async def test_silent(self) -> None:
        """One that says nothing has no say, and most others end the wait early."""
        self.patch(sentinels, "ASK_SECONDS", 15.0)
        silent = self.sentinel(H2)
        silent.is_silent = True
        found = await self.asking(silent, self.sentinel(H1), self.sentinel(H1)).primary()
        self.assertEqual(found, Primary(H1, 1, True))

    async def test_silent_ones(self) -> None:
        """When most say nothing, the wait has an end."""
        self.patch(sentinels, "ASK_SECONDS", 0.3)
        silent = [self.sentinel(H2), self.sentinel(H2)]
        for one in silent:
            one.is_silent = True
        self.assertEqual(await self.asking(*silent, self.sentinel(H1)).primary(), Primary(H1, 1, False))

    async def test_nobody(self) -> None:
        """Without an answer each is named with its reason."""
        asking = self.asking(self.sentinel(None), dead=1)
        why = str(await self.assertFailure(Deferred.fromCoroutine(asking.primary()), Untold))
        self.assertIn("knows no 'main'", why)
        self.assertEqual(why.count("127.0.0.1:"), 2)

    async def test_password(self) -> None:
        """The user and the password of sentinels are said to them; without these they say no, in words."""
        wants = self.sentinel(H1, password="friend")
        settings = {"sentinel_user": "asks", "password": "friend"}
        self.assertEqual(await self.asking(wants, **settings).primary(), Primary(H1, 1, True))
        self.assertEqual(wants.heard[0], [b"AUTH", b"asks", b"friend"])
        refused = Deferred.fromCoroutine(self.asking(wants).primary())
        self.assertIn("NOAUTH", str(await self.assertFailure(refused, Untold)))

    async def test_cancelled(self) -> None:
        """Who gives up leaves nothing behind."""
        silent = self.sentinel(H1)
        silent.is_silent = True
        asked = ensureDeferred(self.asking(silent).primary())
        asked.cancel()
        await self.assertFailure(asked, CancelledError)

    def test_command_line(self) -> None:
        """The command line chooses in the same way, with the same password."""
        store = RealStore(port=free_port())
        self.addCleanup(store.remove)
        store.start()
        old, new = self.sentinel(("127.0.0.1", free_port()), 1, "friend"), self.sentinel(None)
        new.place, new.epoch = ("127.0.0.1", store._port), 2
        with Blocking(self.address(old, new, password="friend")) as found:
            self.assertEqual(found.ask("PING"), b"PONG")


class SecretTests(SynchronousTestCase):
    """Passwords in addresses."""

    def test_not_told(self) -> None:
        """Neither ``str`` nor ``repr`` give the password of sentinels away."""
        found = address.reached(address.parse("sentinel://h1/main"), Store(sentinel_user="asks"), "sesame")
        self.assertEqual(found.sentinel_greeting, ("AUTH", "asks", "sesame"))
        self.assertNotIn("sesame", str(found) + repr(found))

    def test_certificates(self) -> None:
        """A file without certificates is refused, naming the setting."""
        empty = self.mktemp()
        for content, words in ((None, "can't read"), (b"nothing", "no certificate"), (_BROKEN, "broken")):
            if content is not None:
                with open(empty, "wb") as file:
                    file.write(content)
            why = str(self.assertRaises(StartError, check_certificates, empty))
            self.assertIn("store.ca_file", why)
            self.assertIn(words, why)
        with open(empty, "wb") as file:
            file.write(Authority().pem + Authority("Another").pem)
        check_certificates(empty)


_BROKEN = b"-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"


class MovedTests(StoreCase):
    """Another server becomes the primary while the old one goes on."""

    def setUp(self) -> None:
        self.port = free_port()
        super().setUp()
        self.patch(following, "LOOK_EVERY", 1)
        self.other_port = free_port()
        self.other = self.new_store("--replicaof", f"127.0.0.1 {self.port}", port=self.other_port)
        self.fakes = [FakeSentinel(("127.0.0.1", self.port)) for _ in range(3)]
        for fake in self.fakes:
            self.addCleanup(fake.remove)
        self.url = f"sentinel://{','.join(f'127.0.0.1:{fake.port}' for fake in self.fakes)}/main"

    async def begin(self) -> Client:
        """A client of the first one, which the other follows."""
        await until(lambda: "state=online" in self.store.ask("INFO replication"), "the replica follows")
        return await self.connect(self.url)

    def elect(self, *fakes: FakeSentinel) -> None:
        """Let these sentinels tell of the other server, which is a primary now."""
        self.other.ask("REPLICAOF NO ONE")
        for fake in fakes or self.fakes:
            fake.place, fake.epoch = ("127.0.0.1", self.other_port), 2

    async def test_old_one_that_goes_on(self) -> None:
        """An old primary that takes writes as ever is left as soon as one sentinel knows better."""
        client = await self.begin()
        self.elect(self.fakes[2])
        await until(lambda: client.generation == 2, "it is at the new one")
        await self.back(client)
        await client.write("SET", "tf:new", "1")
        self.assertEqual(self.other.ask("GET tf:new"), "$1\r\n1\r\n")

    async def test_stopped_one(self) -> None:
        """An old primary that stands still is left with the first question after the election, not later."""
        client = await self.begin()
        self.store.pause()
        self.addCleanup(self.store.go_on)
        await self.fails(client.write("SET", "tf:a", "1"), StoreUnavailable)
        self.elect()
        await until(lambda: client.generation == 2, "it is at the new one")
        await self.back(client)

    async def test_not_back_to_the_old_one(self) -> None:
        """Sentinels that know nothing of the election lead nobody back to what was before."""
        client = await self.begin()
        self.elect()
        await until(lambda: client.generation == 2, "it is at the new one")
        for fake in self.fakes:
            fake.place = ("127.0.0.1", self.port)
        await until(lambda: "was the primary before a failover" in client.problem, "the old one is refused")
        await until(lambda: not client.ready, "it takes nothing")
        self.elect()
        await self.back(client)

    async def test_found_meanwhile(self) -> None:
        """An old primary that is looked at while another connection finds the next one is not used."""
        client = await self.begin()
        client._probe.stop()
        ask = client._generations.ask

        async def overtaken(*asked: Any) -> Generation:
            """Its answer comes when the next generation is known."""
            found = await ask(*asked)
            client._generations.known = found.number + 1
            return found

        self.patch(client._generations, "ask", overtaken)
        checked = Deferred.fromCoroutine(client._gate.check(client._writes.pool[0]))
        await self.fails(checked, NotPrimary)
        client._probe.start(PROBE_SECONDS)

    async def test_cut_off(self) -> None:
        """A primary that neither most sentinels nor a replica confirm is not used; one of both is enough."""
        client = await self.begin()
        await until(lambda: client.fitness is not None and client.fitness.generation.was_replicated, "known")
        for fake in self.fakes[1:]:
            fake.is_silent = True
        self.patch(sentinels, "ASK_SECONDS", 0.1)
        for _ in range(5):
            await client._probe_once()
        self.assertTrue(client.ready, "a replica follows it")
        self.other.kill()
        await until(lambda: "may be cut off" in client.problem and not client.ready, "it is refused")
        self.fakes[1].is_silent = False
        await self.back(client)
