"""The client on a real server: where it connects, what comes back, who waits behind whom."""

from __future__ import annotations

from tests.store.connected import StoreCase, free_port, until
from tfserver.config import Durability
from tfserver.errors import ScriptFailed, StartError, StoreUnavailable
from tfserver.store import client as client_module

SECRET = "sesame-7/öffne"
QUOTED = "sesame-7%2F%C3%B6ffne"


class AddressTests(StoreCase):
    """Roads to the server."""

    def setUp(self) -> None:
        self.port = free_port()
        super().setUp()
        self.tcp = f"redis://127.0.0.1:{self.port}"

    async def test_unix_socket(self) -> None:
        """A socket's path is enough; the start tells software and durability."""
        client = self.new_client()
        self.assertFalse(client.ready)
        fitness = await client.start()
        self.assertTrue(client.ready)
        self.assertIs(fitness.durability, Durability.ALWAYS)
        self.assertRegex(str(fitness), r"^(valkey|redis) \d+\.\d+\.\d+, durability always, generation 1$")

    async def test_tcp(self) -> None:
        """Over TCP the same data is reached as over the socket."""
        one, other = await self.connect(), await self.connect(self.tcp)
        await one.write("SET", "tf:a", "b")
        self.assertEqual(await other.read("GET", "tf:a"), "b")

    async def test_unreachable(self) -> None:
        """A start without a server fails and names the address, on a socket and on TCP."""
        self.patch(client_module, "START_SECONDS", 0.2)
        for url in (f"unix://{self.store.folder}/nothing", f"redis://127.0.0.1:{free_port()}"):
            client = self.new_client(url)
            error = await self.fails(client.start(), StartError)
            self.assertIn(url, error)
            self.assertFalse(client.ready)

    async def test_database(self) -> None:
        """The number in the URL chooses the database, after a reconnect too."""
        three, none = await self.connect(f"{self.tcp}/3"), await self.connect()
        await three.write("SET", "tf:a", "3")
        self.assertIsNone(await none.read("GET", "tf:a"))
        self.tell("CLIENT KILL TYPE normal")
        await until(lambda: not three.ready, "the connection was lost")
        await self.back(three)
        self.assertEqual(await three.read("GET", "tf:a"), "3")

    async def test_password(self) -> None:
        """The password of the server is taken from the URL, and one given beside it wins."""
        self.tell(f"CONFIG SET requirepass {SECRET}")
        for url, password in ((f"redis://:{QUOTED}@", ""), ("redis://:wrong@", SECRET)):
            client = await self.connect(f"{url}127.0.0.1:{self.port}", password)
            await client.write("SET", "tf:a", "b")
            self.assertEqual(await client.read("GET", "tf:a"), "b")

    async def test_user(self) -> None:
        """A user of the access list logs in with its own password, over TCP and the socket."""
        self.tell(f"ACL SETUSER gate on >{SECRET} ~tf:* &tf:* +@all")
        self.tell("ACL SETUSER default off")
        for url in (
            f"redis://gate:{QUOTED}@127.0.0.1:{self.port}",
            f"unix://gate:{QUOTED}@{self.store.socket}",
        ):
            client = await self.connect(url)
            self.assertEqual(await client.write("ACL", "WHOAMI"), "gate")
            self.assertEqual(await client.read("ACL", "WHOAMI"), "gate")

    async def test_wrong_password(self) -> None:
        """A wrong or missing password refuses the start with the server's words and no password."""
        self.patch(client_module, "START_SECONDS", 1.0)
        self.tell("CONFIG SET requirepass right")
        for password, word in (("sesame-wrong", "WRONGPASS"), ("", "NOAUTH")):
            error = await self.fails(self.new_client(password=password).start(), StartError)
            self.assertIn(word, error)
            self.assertNotIn("sesame", error)


class CallTests(StoreCase):
    """Calls while all is well."""

    async def test_values_come_back_unchanged(self) -> None:
        """Text that looks like numbers or replies, other scripts and nothing come back as they went."""
        client = await self.connect()
        values = [
            "0012",
            "1.50",
            "-7",
            "1e3",
            "",
            " ",
            "OK",
            "nil",
            "Zoë 张伟 😀",
            "a\r\nb\x00c",
            "x" * 100_000,
        ]
        await client.write("HSET", "tf:h", *[part for n, v in enumerate(values) for part in (n, v)])
        self.assertEqual(await client.read("HMGET", "tf:h", *range(len(values))), values)
        for value in values:
            await client.write("SET", "tf:v", value)
            self.assertEqual(await client.read("GET", "tf:v"), value)
        self.assertIsNone(await client.read("GET", "tf:missing"))

    async def test_no_write_behind_a_read(self) -> None:
        """A write is answered while a read before it still waits, for it has a connection of its own."""
        client = await self.connect()
        slow = client.read("XREAD", "BLOCK", 0, "STREAMS", "tf:x", "$")
        await until(lambda: "cmd=xread" in self.tell("CLIENT LIST"), "the read waits at the server")
        await client.write("SET", "tf:a", "b")
        self.assertNoResult(slow)
        await client.write("XADD", "tf:x", "*", "f", "v")
        self.assertEqual((await slow)[0][0], "tf:x")

    async def test_slow_read_meets_its_deadline(self) -> None:
        """A read without an answer ends with StoreUnavailable, and writes go on."""
        client = await self.connect(read_seconds=0.05)
        await self.fails(client.read("XREAD", "BLOCK", 0, "STREAMS", "tf:x", "$"), StoreUnavailable)
        await self.back(client)
        await client.write("SET", "tf:a", "b")

    async def test_hanging_read_connection(self) -> None:
        """A read connection that does not answer any more is replaced: later reads do not hang on it."""
        client = await self.connect(read_seconds=0.05)
        await self.fails(client.read("XREAD", "BLOCK", 0, "STREAMS", "tf:x", "$"), StoreUnavailable)

        async def all_answer() -> bool:
            try:
                return [await client.read("ECHO", n) for n in range(4)] == list("0123")
            except StoreUnavailable:
                return False

        await until(all_answer, "reads are answered again")

    async def test_caller_gives_up(self) -> None:
        """A caller that cancels its call says nothing about the store: others go on."""
        client = await self.connect()
        slow = client.read("XREAD", "BLOCK", 100, "STREAMS", "tf:x", "$")
        slow.cancel()
        await self.fails(slow, StoreUnavailable)
        self.assertTrue(client.ready)
        for n in range(4):
            self.assertEqual(await client.read("ECHO", n), str(n))

    async def test_script_error(self) -> None:
        """An error inside a script is ScriptFailed, and the same connection goes on."""
        client = await self.connect()
        before = await client.write("CLIENT", "ID")
        await client.write("SET", "tf:t", "a string")
        error = await self.fails(client.run("leases", ["tf:t"], ["c"]), ScriptFailed)
        self.assertIn("WRONGTYPE", error)
        self.assertTrue(client.ready)
        self.assertEqual(await client.write("CLIENT", "ID"), before)

    async def test_scripts_survive_a_flush(self) -> None:
        """A script the server has forgotten is sent again by itself."""
        client = await self.connect()
        await client.write("HSET", "tf:t", "conn", "c")
        self.assertEqual(await client.run("leases", ["tf:t"], ["c"]), [0])
        await client.write("SCRIPT", "FLUSH")
        self.assertEqual(await client.run("leases", ["tf:t"], ["c"]), [0])
        await client.write("SCRIPT", "FLUSH")
        self.assertEqual(await client.read_script("leases", ["tf:t"], ["c"]), [0])

    async def test_replies_do_not_shift(self) -> None:
        """A thousand calls at once each get their own reply."""
        client = await self.connect()
        calls = [(client.write if n % 2 else client.read)("ECHO", n) for n in range(1000)]
        self.assertEqual([await call for call in calls], [str(n) for n in range(1000)])


class StopTests(StoreCase):
    """Nothing is left behind; trial itself looks for delayed calls and sockets."""

    async def test_no_connection_is_left(self) -> None:
        """After a stop the server sees nobody, and a call fails at once."""
        client = await self.connect()
        client.listen(["tf:wake"], lambda channel, text: None)
        await until(lambda: self._others() == 4, "all connections stand")
        await client.stop()
        await until(lambda: self._others() == 0, "all connections are closed")
        self.assertFalse(client.ready)
        self.failureResultOf(client.write("SET", "tf:a", "b"), StoreUnavailable)

    async def test_stop_right_after_the_start(self) -> None:
        """A client may be stopped while some of its connections are still being checked."""
        for _ in range(5):
            client = await self.connect()
            await client.stop()
        await until(lambda: self._others() == 0, "all connections are closed")

    async def test_stop_while_connecting(self) -> None:
        """A client that never got through is stopped without a trace."""
        self.patch(client_module, "START_SECONDS", 0.05)
        client = self.new_client(f"redis://127.0.0.1:{free_port()}")
        await self.fails(client.start(), StartError)
        await client.stop()

    async def test_stop_while_stalled(self) -> None:
        """A client whose server stands still is stopped, the calls under way fail."""
        client = await self.connect(write_seconds=30)
        self.store.pause()
        call = client.write("SET", "tf:a", "b")
        await client.stop()
        await self.fails(call, StoreUnavailable)

    def _others(self) -> int:
        return self.tell("CLIENT LIST").count(" addr=") - 1
