"""The opening handshake, byte for byte (RFC 6455 §4, protocol §1.1)."""

from __future__ import annotations

from tests.gateway.raw_frames import KEY, TEXT, Received, accept_key, handshake, text
from tests.gateway.raw_peer import RawPeer, WireCase
from tfserver.config import LimitSettings, Settings


def status_of(answer: bytes) -> int:
    """The status code of an HTTP answer."""
    return int(answer.split(b" ", 2)[1])


def headers_of(answer: bytes) -> dict[str, str]:
    """The headers of an HTTP answer, names in lower case."""
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


class AcceptedTests(WireCase):
    """What opens a connection."""

    def opened(self, request: bytes) -> dict[str, str]:
        """The headers of the answer to a handshake that must be accepted."""
        peer = self.dial()
        peer.send(request)
        answer = peer.taken()
        self.assertEqual(status_of(answer), 101, (request, answer))
        self.assertTrue(answer.endswith(b"\r\n\r\n"))
        peer.send(text("still here"))
        self.assertEqual(peer.frames(), [Received(TEXT, b"still here")])
        return headers_of(answer)

    def test_accept_key(self) -> None:
        """The accept key is the one RFC 6455 §1.3 gives for its sample key."""
        headers = self.opened(handshake())
        self.assertEqual(headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(headers["upgrade"].lower(), "websocket")
        self.assertEqual(headers["connection"].lower(), "upgrade")

    def test_accept_key_of_another_key(self) -> None:
        """The accept key belongs to the key that was sent."""
        for key in ("AAAAAAAAAAAAAAAAAAAAAA==", "/+9876543210abcdefghiA=="):
            headers = self.opened(handshake(Sec_WebSocket_Key=key))
            self.assertEqual(headers["sec-websocket-accept"], accept_key(key))

    def test_any_path(self) -> None:
        """Terminals are configured with whatever path somebody typed."""
        for path in (
            "/",
            "/pub/chat",
            "/a/b?c=d&redirect=x",
            "//",
            "/%E4%B8%AD",
            "ws://192.0.2.1:7788/pub/chat",
        ):
            self.opened(handshake(path))

    def test_any_host(self) -> None:
        """Terminals name the server as they were told to: by name, by address, with or without a port."""
        for host in (
            "gate.example",
            "192.0.2.1",
            "192.0.2.1:1",
            "[2001:db8::1]:7788",
            "[2001:db8::1]",
            "x_y",
        ):
            self.opened(handshake(Host=host))

    def test_any_origin(self) -> None:
        """No origin is refused."""
        for origin in ("http://gate.example", "https://elsewhere.example:99", "null", "file://"):
            self.opened(handshake(Origin=origin))

    def test_origin_that_is_no_url(self) -> None:
        """An origin that is not even a URL is accepted all the same (protocol §7 #28)."""
        for origin in ("192.0.2.7", "terminal", ""):
            self.opened(handshake(Origin=origin))

    def test_no_extensions(self) -> None:
        """No extension is accepted when some are offered."""
        offer = "permessage-deflate; client_max_window_bits, x-webkit-deflate-frame"
        self.assertNotIn("sec-websocket-extensions", self.opened(handshake(Sec_WebSocket_Extensions=offer)))

    def test_no_subprotocol(self) -> None:
        """No sub-protocol is chosen when some are offered."""
        headers = self.opened(handshake(Sec_WebSocket_Protocol="chat, superchat"))
        self.assertNotIn("sec-websocket-protocol", headers)

    def test_spelling_of_headers(self) -> None:
        """Names and tokens of headers are compared without case, and Connection may list more."""
        self.opened(handshake(Connection="keep-alive, UPGRADE", Upgrade="WebSocket"))
        self.opened(handshake().replace(b"Sec-WebSocket", b"sec-websocket").replace(b"Host", b"hOST"))

    def test_byte_by_byte(self) -> None:
        """A handshake may come in as many segments as it has bytes."""
        peer = self.dial()
        for byte in handshake():
            self.assertEqual(peer.taken(), b"")
            peer.send(bytes([byte]))
        self.assertEqual(status_of(peer.taken()), 101)

    def test_frames_in_the_segment_of_the_handshake(self) -> None:
        """What comes behind the handshake in the same segment is not lost."""
        peer = self.dial()
        peer.send(handshake() + text("one") + text("two")[:3])
        peer.send(text("two")[3:])
        self.assertEqual(self.links[0].messages, [b"one", b"two"])


class RefusedTests(WireCase):
    """What does not open a connection."""

    def refused(self, request: bytes, peer: RawPeer | None = None) -> bytes:
        """The answer to a handshake that must be refused."""
        peer = peer or self.dial()
        peer.send(request)
        answer = peer.taken()
        self.assertTrue(400 <= status_of(answer) < 600, (request, answer))
        self.assertTrue(peer.is_closed)
        self.assertEqual(self.links, [])
        return answer

    def test_other_versions(self) -> None:
        """Another version is refused, and the answer names version 13 (RFC 6455 §4.4)."""
        for version in ("0", "8", "12", "14", "255"):
            answer = self.refused(handshake(Sec_WebSocket_Version=version))
            self.assertIn(status_of(answer), (400, 426))
            self.assertEqual(headers_of(answer)["sec-websocket-version"], "13")

    def test_broken_version(self) -> None:
        """A version that is missing or no number is refused with 400."""
        self.assertEqual(status_of(self.refused(handshake(without=("Sec-WebSocket-Version",)))), 400)
        self.assertEqual(status_of(self.refused(handshake(Sec_WebSocket_Version="thirteen"))), 400)

    def test_broken_key(self) -> None:
        """A key that is missing, doubled or not 16 bytes in base64 is refused with 400."""
        doubled = handshake().replace(
            b"Upgrade: websocket", f"Sec-WebSocket-Key: {KEY}\r\nUpgrade: websocket".encode()
        )
        wrong = [handshake(without=("Sec-WebSocket-Key",)), doubled]
        wrong += [handshake(Sec_WebSocket_Key=key) for key in ("", "short", "*" * 22 + "==", "A" * 24)]
        for request in wrong:
            self.assertEqual(status_of(self.refused(request)), 400, request)

    def test_no_upgrade(self) -> None:
        """An upgrade to something else, or without Connection, is refused."""
        self.refused(handshake(Upgrade="h2c"))
        self.refused(handshake(without=("Connection",)))
        self.refused(handshake(Connection="close"))

    def test_other_methods(self) -> None:
        """Only GET opens a connection."""
        self.assertEqual(status_of(self.refused(handshake().replace(b"GET", b"POST"))), 405)

    def test_rubbish(self) -> None:
        """Bytes that are no HTTP end the connection, and are no mistake of ours."""
        for rubbish in (
            b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
            b"\r\n\r\n",
            b"\xff\xfe\xfd\r\n\r\n",
            b"GET\r\n\r\n",
        ):
            peer = self.dial()
            peer.send(rubbish)
            self.assertTrue(peer.is_closed, rubbish)

    def test_too_many(self) -> None:
        """A connection beyond the bound is told 503."""
        self.factory = self.make_factory(self.echo, Settings(limits=LimitSettings(connections=1)))
        self.connected()
        self.links.clear()
        self.assertEqual(status_of(self.refused(handshake())), 503)

    def test_draining(self) -> None:
        """A server that goes away takes no new connection."""
        self.factory.draining = True
        self.assertEqual(status_of(self.refused(handshake())), 503)

    def test_oversized_header(self) -> None:
        """A header without end is cut off long before it fills the memory."""
        peer = self.dial()
        peer.send(b"GET / HTTP/1.1\r\n")
        for _ in range(64):
            if not peer.is_closed:
                peer.send(b"X-Long: " + b"x" * 1014 + b"\r\n")
        self.assertTrue(peer.is_closed, "64 KiB of headers are still being collected")

    def test_slow_handshake(self) -> None:
        """A connection that never finishes its handshake is cut off within 30 s."""
        peer = self.dial()
        peer.send(handshake()[:20])
        self.clock.advance(10)
        peer.send(handshake()[20:25])
        self.assertFalse(peer.is_closed)
        self.clock.pump([1] * 20)
        self.assertTrue(peer.is_closed)

    def test_silent_connection(self) -> None:
        """A connection on which nothing ever comes is cut off within 30 s."""
        peer = self.dial()
        self.clock.pump([1] * 30)
        self.assertTrue(peer.is_closed)

    def test_handshake_in_time(self) -> None:
        """The bound of the handshake does not outlive the handshake."""
        peer = self.connected()
        self.clock.advance(25)
        self.assertFalse(peer.is_closed)


class PlainGetTests(WireCase):
    """A browser or a probe on the terminals' port."""

    def answer(self, path: str) -> bytes:
        """What a plain GET gets; the connection is closed behind it."""
        peer = self.dial()
        peer.send(f"GET {path} HTTP/1.1\r\nHost: gate.example\r\n\r\n".encode())
        answer = peer.taken()
        self.assertTrue(peer.is_closed)
        return answer

    def test_short_answer(self) -> None:
        """It gets a short answer with its true length, and the connection is closed."""
        answer = self.answer("/")
        self.assertEqual(status_of(answer), 200)
        body = answer.partition(b"\r\n\r\n")[2]
        self.assertEqual(int(headers_of(answer)["content-length"]), len(body))
        self.assertIn(b"WebSocket", body)
        self.assertEqual(self.links, [])

    def test_no_redirect(self) -> None:
        """The port sends nobody to an address that somebody put into a link."""
        answer = self.answer("/?redirect=http%3A%2F%2Felsewhere.example")
        self.assertNotIn(b"elsewhere.example", answer)
        self.assertEqual(status_of(answer), 200)

    def test_strange_queries(self) -> None:
        """No query makes an exception of ours."""
        for query in (
            "redirect=http://x&after=soon",
            "redirect=http://x&after=1",
            "redirect=%00",
            "redirect=[",
            "redirect=http://x:y",
        ):
            self.assertEqual(status_of(self.answer(f"/?{query}")), 200, query)
