"""To which addresses and URLs webhooks may lead."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery.addresses import HOW_TO_ALLOW, BadUrl, Target, read_url, refusal

V4 = st.ip_addresses(v=4)
V6 = st.ip_addresses(v=6)
INSIDE = (
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1",
    "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.7",
    "203.0.113.9", "192.88.99.1", "240.0.0.1", "::1", "fe80::1", "fe80::1%2", "febf::1", "fc00::1", "fdff::1",
    "fec0::1", "2001::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1", "100::1", "::7f00:1", "4000::1",
)  # fmt: skip
NEVER = (
    "169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254", "0.0.0.0",
    "0.1.2.3", "::", "224.0.0.1", "239.255.255.255", "ff02::1", "255.255.255.255",
)  # fmt: skip
CARRYING = IPv6Network("64:ff9b::/96")
OUTSIDE = (
    "93.184.216.34", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
    "198.17.255.255", "126.255.255.255", "128.0.0.1", "11.0.0.1", "223.255.255.255",
    "2606:4700::1111", "2a00::1", "2400::1",
)  # fmt: skip


def forms(address: IPv4Address) -> list[str]:
    """An IPv4 address in other words."""
    bits = int(address)
    return [
        str(IPv6Address(0xFFFF << 32 | bits)),
        str(IPv6Address(0x64FF9B << 96 | bits)),
        str(IPv6Address(0x2002 << 112 | bits << 80 | 1)),
        str(IPv6Address(0x2A00 << 112 | 0x5EFE << 32 | bits)),
    ]


class RefusalTests(SynchronousTestCase):
    """Addresses, judged."""

    def test_inside(self) -> None:
        """What is inside is refused, with words and how to allow it; allowed when the operator says so."""
        for address in INSIDE:
            told = refusal(address, False)
            self.assertTrue(told.startswith(f"{address} is a"), address)
            self.assertTrue(told.endswith(HOW_TO_ALLOW), told)
            self.assertEqual(refusal(address, True), "", address)

    def test_never(self) -> None:
        """A cloud's metadata, everybody and nobody are no receivers, whatever is allowed."""
        for address in NEVER:
            for allow_private in (False, True):
                self.assertTrue(refusal(address, allow_private).startswith(f"{address} is a"), address)

    def test_outside(self) -> None:
        """What everybody reaches is taken, right beside what is not."""
        for address in OUTSIDE:
            self.assertEqual(refusal(address, False), "", address)

    def test_words(self) -> None:
        """It is said what an address is."""
        for address, word in (
            ("127.0.0.1", "loopback"),
            ("10.0.0.1", "private"),
            ("fe80::1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("::ffff:10.0.0.1", "private"),
        ):
            self.assertIn(word, refusal(address, False))

    @given(V4)
    def test_other_words(self, address: IPv4Address) -> None:
        """An IPv4 address that is refused is refused in all its IPv6 forms, and one that is not in none."""
        for form in forms(address):
            for allow_private in (False, True):
                judged = bool(refusal(str(address), allow_private))
                self.assertEqual(bool(refusal(form, allow_private)), judged, form)

    @given(V4 | V6)
    def test_never_looser_than_the_library(self, address: IPv4Address | IPv6Address) -> None:
        """What Python's own table knows to be inside is refused."""
        judged = address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
        assume(
            judged.is_private
            or judged.is_multicast
            or judged.is_reserved
            or judged.is_link_local
            or judged.is_loopback
            or judged.is_unspecified
        )
        if isinstance(address, IPv6Address) and address in CARRYING:
            # of these the last 32 bits are what counts
            judged = IPv4Address(int(address) & 0xFFFF_FFFF)
            assume(not judged.is_global)
        self.assertTrue(refusal(str(address), False), address)

    @given(
        st.sampled_from(["10.0.0.0", "127.0.0.0", "192.168.0.0", "172.16.0.0", "169.254.0.0"]),
        st.integers(0, 65535),
    )
    def test_whole_networks(self, network: str, low: int) -> None:
        """Every address of a network inside is refused, in every form."""
        address = ip_address(int(IPv4Address(network)) + low)
        assert isinstance(address, IPv4Address)
        for form in (str(address), *forms(address)):
            self.assertTrue(refusal(form, False), form)


class UrlTests(SynchronousTestCase):
    """URLs, in their parts."""

    def test_read(self) -> None:
        """Scheme, host, port and path are found, and what stands in ``Host``."""
        for url, expected, authority in (
            ("https://hr.example", Target(True, "hr.example", 443, "/"), "hr.example"),
            ("https://hr.example:443/a?b=c", Target(True, "hr.example", 443, "/a?b=c"), "hr.example"),
            ("https://HR.example:8443?b", Target(True, "hr.example", 8443, "/?b"), "hr.example:8443"),
            ("https://[2a00::1]:8443/", Target(True, "2a00::1", 8443, "/"), "[2a00::1]:8443"),
            ("https://93.184.216.34/", Target(True, "93.184.216.34", 443, "/"), "93.184.216.34"),
            ("https://xn--mnchen-3ya.de", Target(True, "xn--mnchen-3ya.de", 443, "/"), "xn--mnchen-3ya.de"),
        ):  # fmt: skip
            found = read_url(url, False)
            self.assertEqual((found, found.authority), (expected, authority))

    def test_refused(self) -> None:
        """What is no such URL is refused with what was expected."""
        for url, word in (
            ("", "visible ASCII"),
            ("hr.example/a", "such as https"),
            ("ftp://hr.example/", "such as https"),
            ("file:///etc/passwd", "such as https"),
            ("https://", "a host"),
            ("https:///path", "a host"),
            ("https://hr.example:0/", "port"),
            ("https://hr.example:65536/", "such as https"),
            ("https://hr.example:x/", "such as https"),
            ("https://user@hr.example/", "user name"),
            ("https://user:secret@hr.example/", "user name"),
            ("https://@hr.example/", "user name"),
            ("https://hr.example/#a", "fragment"),
            ("https://hr.example/a b", "visible ASCII"),
            ("https://hr.example/a\r\nHost: x", "visible ASCII"),
            ("https://münchen.example/", "xn--"),
            ("https://hr.example\\@evil.example/", "visible ASCII"),
            ("https://[::1%25lo]/", "a host"),
            ("https://[::1/", "such as https"),
            ("https://hr..example/", "a host"),
            ("https://hr.example./", "a host"),
            ("https://-hr.example/", "a host"),
            ("https://hr.example/" + "x" * 2048, "2048"),
        ):
            with self.assertRaises(BadUrl, msg=url) as raised:
                read_url(url, True)
            self.assertIn(word, str(raised.exception))
            self.assertNotIn("secret", str(raised.exception))

    def test_plain(self) -> None:
        """Plain http goes only where private addresses do."""
        with self.assertRaises(BadUrl) as raised:
            read_url("http://hr.example/", False)
        self.assertIn("https", str(raised.exception))
        self.assertEqual(read_url("http://hr.example/", True), Target(False, "hr.example", 80, "/"))

    @given(st.text(max_size=60))
    def test_anything(self, text: str) -> None:
        """Whatever is given, it is a URL in its parts or refused."""
        for url in (text, f"https://{text}"):
            try:
                found = read_url(url, True)
            except BadUrl:
                continue
            self.assertTrue(found.host and 0 < found.port < 65536 and found.path.startswith("/"))
            self.assertNotIn("@", found.authority)
