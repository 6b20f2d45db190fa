"""Networks, and whose word about an address is believed."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import ConfigError
from tfserver.networks import Networks, SiteNetworks, address_of, household_of, network_of
from tfserver.proxies import LOCAL, MOST_HOPS, UNIX, Proxies


class NetworksTests(SynchronousTestCase):
    """Addresses and networks."""

    def holds(self, network: str, address: str) -> bool:
        """Whether the address is in the network."""
        found = address_of(address)
        assert found is not None
        return Networks([network]).hold(found)

    def test_hold(self) -> None:
        """An address is in its network, written with host bits or alone, and in no other."""
        self.assertTrue(self.holds("10.0.0.0/8", "10.255.0.1"))
        self.assertTrue(self.holds("10.1.2.3/8", "10.9.9.9"))
        self.assertTrue(self.holds("2001:db8::/32", "2001:db8:1::1"))
        self.assertTrue(self.holds("192.0.2.7", "192.0.2.7"))
        self.assertFalse(self.holds("192.0.2.7", "192.0.2.8"))
        self.assertFalse(self.holds("10.0.0.0/8", "2001:db8::1"))
        self.assertFalse(self.holds("0.0.0.0/0", "2001:db8::1"))

    def test_mapped(self) -> None:
        """An IPv4 address within IPv6 is that address."""
        self.assertEqual(str(address_of("::ffff:10.0.0.1")), "10.0.0.1")
        self.assertTrue(self.holds("10.0.0.0/8", "::ffff:10.0.0.1"))

    def test_no_address(self) -> None:
        """Names, nothing and rubbish are no addresses."""
        for text in ("", "localhost", "10.0.0", "1.2.3.4.5", "10.0.0.1:80", "\x00", "0x7f.1", "1" * 9999):
            self.assertIsNone(address_of(text), text)

    def test_wrong(self) -> None:
        """What is no network is told in words."""
        for text in ("", "10.0.0.0/33", "office", "10.0.0.0/x"):
            wrong = self.assertRaises(ConfigError, network_of, text)
            self.assertIn("10.0.0.0/8", str(wrong))
            self.assertIn(f"'{text}'", str(wrong))

    def test_household(self) -> None:
        """IPv4 counts by address, IPv6 by what one device has to itself."""

        def who(text: str) -> str:
            found = address_of(text)
            assert found is not None
            return household_of(found)

        self.assertEqual(who("192.0.2.7"), "192.0.2.7")
        self.assertEqual(who("2001:db8:0:5::1"), who("2001:db8:0:5:ffff::9"))
        self.assertNotEqual(who("2001:db8:0:5::1"), who("2001:db8:0:6::1"))

    def test_sites(self) -> None:
        """Named sites, and those of them that an address is in."""
        sites = SiteNetworks({"north": ["10.1.0.0/16"], "south": ["10.2.0.0/16", "10.1.9.0/24"], "none": []})
        self.assertEqual(sites.named, "\nnorth\nsouth\nnone\n")
        self.assertEqual(sites.holding("10.1.9.1"), "\nnorth\nsouth\n")
        self.assertEqual((sites.holding("192.0.2.1"), sites.holding("local")), ("", ""))
        self.assertEqual((SiteNetworks({}).named, SiteNetworks({}).holding("10.1.9.1")), ("", ""))


class ProxiesTests(SynchronousTestCase):
    """Whose request it is."""

    proxies = Proxies(["10.0.0.0/8", "2001:db8::/32"])

    def client(self, peer: str, *forwarded: str) -> str:
        """Whose it is."""
        return self.proxies.client(peer, forwarded)

    def test_stranger(self) -> None:
        """What a stranger says about others is not believed."""
        self.assertEqual(self.client("192.0.2.1", "198.51.100.7"), "192.0.2.1")
        self.assertEqual(Proxies([]).client("10.0.0.1", ["198.51.100.7"]), "10.0.0.1")

    def test_proxy(self) -> None:
        """What a trusted proxy says is: the right-most address, for it wrote that itself."""
        self.assertEqual(self.client("10.0.0.1", "198.51.100.7"), "198.51.100.7")
        self.assertEqual(self.client("10.0.0.1", "203.0.113.9, 198.51.100.7"), "198.51.100.7")
        self.assertEqual(self.client("10.0.0.1", "203.0.113.9", " 198.51.100.7 "), "198.51.100.7")
        self.assertEqual(self.client("::ffff:10.0.0.1", "198.51.100.7"), "198.51.100.7")

    def test_chain(self) -> None:
        """Of proxies behind each other the first that is none counts; what stands before it is anybody's."""
        self.assertEqual(self.client("10.0.0.1", "1.1.1.1, 198.51.100.7, 10.0.0.2, 10.0.0.3"), "198.51.100.7")
        self.assertEqual(self.client("10.0.0.1", "10.0.0.4, 10.0.0.2"), "10.0.0.4")

    def test_nothing_said(self) -> None:
        """A proxy that says nothing, or rubbish, speaks for itself."""
        for said in (
            (),
            ("",),
            ("unknown",),
            ("_hidden",),
            ("198.51.100.7, ",),
            ("198.51.100.7;",),
            ("\x00",),
        ):
            self.assertEqual(self.client("10.0.0.1", *said), "10.0.0.1", said)
        self.assertEqual(self.client("10.0.0.1", "rubbish, 10.0.0.2"), "10.0.0.2")

    def test_ports(self) -> None:
        """Some proxies tell the port as well."""
        self.assertEqual(self.client("10.0.0.1", "198.51.100.7:5555"), "198.51.100.7")
        self.assertEqual(self.client("10.0.0.1", "[2001:db9::1]:5555"), "2001:db9::1")
        self.assertEqual(self.client("10.0.0.1", "[2001:db9::1]"), "2001:db9::1")

    def test_long_chain(self) -> None:
        """A list without end is read no further than proxies may stand behind each other."""
        said = ", ".join(["198.51.100.7"] + ["10.0.0.2"] * MOST_HOPS)
        self.assertEqual(self.client("10.0.0.1", said), "10.0.0.2")
        self.assertEqual(self.client("10.0.0.1", said.replace("10.0.0.2, ", "", 1)), "198.51.100.7")

    def test_socket(self) -> None:
        """Who comes by a Unix socket is believed where the settings say so."""
        self.assertEqual(self.client(LOCAL, "198.51.100.7"), LOCAL)
        self.assertEqual(Proxies([UNIX]).client(LOCAL, ["198.51.100.7"]), "198.51.100.7")
        self.assertTrue(Proxies([UNIX]))
        self.assertFalse(Proxies([UNIX]).trusts("10.0.0.1"))
        self.assertFalse(Proxies([]))
