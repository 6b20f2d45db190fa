"""Store URLs: what is understood, what is refused and how, and that no password comes out again."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.store.connected import StoreCase, free_port, until
from tests.store.sentinel import RealSentinel
from tfserver.errors import ConfigError, StartError
from tfserver.store import client as client_module
from tfserver.store.address import Address, parse
from tfserver.store.sentinels import endpoint_of

ONE = (("h1", 6379),)
FORMS = {
    "redis://h1": Address("redis", ONE),
    "redis://h1/": Address("redis", ONE),
    "redis://h1:7000/5": Address("redis", (("h1", 7000),), database=5),
    "redis://:pa%3Ass@h1": Address("redis", ONE, password="pa:ss"),
    "redis://gate:p%40ss@h1:1/2": Address(
        "redis", (("h1", 1),), database=2, username="gate", password="p@ss"
    ),
    "redis://gate@h1": Address("redis", ONE, username="gate"),
    "redis://[::1]:7000": Address("redis", (("::1", 7000),)),
    "rediss://h1/1": Address("rediss", ONE, database=1),
    "unix:///run/redis/s": Address("unix", path="/run/redis/s"),
    "unix://gate:right@/run/a%20b": Address("unix", path="/run/a b", username="gate", password="right"),
    "sentinel://h1/main": Address("sentinel", (("h1", 26379),), service="main"),
    "sentinel://gate:right@h1:1,h2,h3:3/main": Address(
        "sentinel", (("h1", 1), ("h2", 26379), ("h3", 3)), service="main", username="gate", password="right"
    ),
    "sentinels://h1,h2/main": Address("sentinels", (("h1", 26379), ("h2", 26379)), service="main"),
}
WRONG = {
    "http://h1": "redis://",
    "h1:6379": "redis://",
    "": "redis://",
    "unix://": "unix:///path",
    "unix://relative/path": "unix:///path",
    "redis://": "host:port",
    "redis://:right@": "host:port",
    "redis://h1:port": "host:port",
    "redis://h1:99999": "host:port",
    "redis://h1/users": "number of a database",
    "redis://h1/²": "number of a database",
    "sentinel://h1": "name of the service",
    "sentinel://h1,,h2/main": "host:port",
}
LEAKY = ("http://gate:sesame@h1", "redis://:sesame/x@h1", "redis://:sesame#x@h1", "redis://gate:sesame@h1:x")


class ParseTests(SynchronousTestCase):
    """Reading and writing URLs."""

    def test_forms(self) -> None:
        """Every form of the contract is understood, with its defaults."""
        for url, address in FORMS.items():
            self.assertEqual(parse(url), address, url)

    def test_errors(self) -> None:
        """A wrong URL is a ConfigError that names the setting and what was expected."""
        for url, words in WRONG.items():
            error = str(self.assertRaises(ConfigError, parse, url))
            self.assertIn("store.url", error, url)
            self.assertIn(words, error, url)

    def test_errors_hold_no_password(self) -> None:
        """Whatever is wrong with a URL, its password is not repeated."""
        for url in LEAKY:
            self.assertNotIn("sesame", str(self.assertRaises(ConfigError, parse, url)), url)

    def test_text_holds_no_password(self) -> None:
        """Neither ``str`` nor ``repr`` give the password away."""
        for url in (
            "redis://gate:sesame@h1:1/2",
            "unix://:sesame@/run/s",
            "sentinels://gate:sesame@h1,h2/main",
        ):
            address = parse(url)
            self.assertEqual(address.password, "sesame")
            self.assertNotIn("sesame", str(address) + repr(address))

    def test_text_leads_to_the_same_place(self) -> None:
        """What ``str`` says can be given as a URL again: the same but for the password."""
        for url in FORMS:
            address = parse(url)
            again = parse(str(address), address.password)
            self.assertEqual(again, address, f"{url} -> {address}")

    def test_given_password_wins(self) -> None:
        """A password from the environment or a file comes before the one in the URL."""
        self.assertEqual(parse("redis://:right@h1", "better").password, "better")

    def test_encrypted(self) -> None:
        """Two schemes are encrypted, the others are not; all make an endpoint."""
        for url in FORMS:
            address = parse(url)
            self.assertEqual(address.tls, url.startswith(("rediss:", "sentinels:")), url)
            verifyObject(IStreamClientEndpoint, endpoint_of(reactor, address))


class SentinelTests(StoreCase):
    """Through a real sentinel to a real primary."""

    def setUp(self) -> None:
        self.port = free_port()
        super().setUp()
        self.sentinel = RealSentinel(self.port)
        self.addCleanup(self.sentinel.remove)
        self.sentinel.start()

    async def test_finds_the_primary(self) -> None:
        """The sentinel leads to the primary, also when one before it in the list is dead."""
        for hosts in (
            f"127.0.0.1:{self.sentinel.port}",
            f"127.0.0.1:{free_port()},127.0.0.1:{self.sentinel.port}",
        ):
            client = await self.connect(f"sentinel://{hosts}/main")
            await client.write("SET", "tf:a", hosts)
            self.assertIn(hosts, self.tell("GET tf:a"))

    async def test_user_and_wake_ups(self) -> None:
        """User and password are the primary's, and wake-ups take the same road."""
        self.tell("ACL SETUSER gate on >right ~tf:* &tf:* +@all")
        client = await self.connect(f"sentinel://gate:right@127.0.0.1:{self.sentinel.port}/main")
        self.assertEqual(await client.write("ACL", "WHOAMI"), "gate")
        heard: list[str] = []
        client.listen(["tf:wake"], lambda channel, text: heard.append(text))
        await until(lambda: ":1\r\n" in self.store.ask("PUBSUB NUMSUB tf:wake"), "it is subscribed")
        await client.write("PUBLISH", "tf:wake", "hello")
        await until(lambda: heard == ["hello"], "it arrived")

    async def test_unknown_name(self) -> None:
        """A sentinel that knows no such service refuses the start, and the words say so."""
        self.patch(client_module, "START_SECONDS", 1.0)
        client = self.new_client(f"sentinel://127.0.0.1:{self.sentinel.port}/other")
        error = await self.fails(client.start(), StartError)
        self.assertIn("knows no 'other'", error)

    async def test_no_sentinel(self) -> None:
        """Without any sentinel the start is refused, naming those that were tried."""
        self.patch(client_module, "START_SECONDS", 1.0)
        one, two = free_port(), free_port()
        client = self.new_client(f"sentinel://127.0.0.1:{one},127.0.0.1:{two}/main")
        error = await self.fails(client.start(), StartError)
        for port in (one, two):
            self.assertIn(f"127.0.0.1:{port}", error)
