"""The handshake by which the doctor looks at the terminals' port."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.called import unused_port
from tests.cli.stub import StubCase
from tests.gateway.raw_frames import accept_key
from tfserver.cli.handshake import NoHandshake, shake_hands


def switching(request: bytes) -> bytes:
    """A right answer to a handshake."""
    [key] = [line[19:] for line in request.decode().split("\r\n") if line.startswith("Sec-WebSocket-Key: ")]
    lines = (
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: WebSocket",
        f"sec-websocket-accept: {accept_key(key)}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


class HandshakeTests(StubCase):
    """Right and wrong answers."""

    def test_right(self) -> None:
        """It asks as terminals do, by default for their path, and is content with a right answer."""
        for path, asked in (("", "/pub/chat"), ("/", "/pub/chat"), ("/ws", "/ws")):
            parrot = self.parrot(switching)
            shake_hands(f"ws://127.0.0.1:{parrot.port}{path}")
            self.assertTrue(parrot.heard.startswith(f"GET {asked} HTTP/1.1\r\nHost: 127.0.0.1".encode()))

    def test_wrong_answers(self) -> None:
        """Each wrong answer is told in other words."""
        answers: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
            (lambda request: b"", "closed without an answer"),
            (lambda request: b"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"),
            (lambda request: b"SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
            (lambda request: b"x" * 100_000, "does not speak HTTP"),
            (lambda request: switching(b"Sec-WebSocket-Key: other"), "not to our key"),
        )
        for answer, words in answers:
            url = f"ws://127.0.0.1:{self.parrot(answer).port}"
            self.assertIn(words, str(self.assertRaises(NoHandshake, shake_hands, url)))

    def test_nobody(self) -> None:
        """A port on which nobody listens."""
        wrong = self.assertRaises(NoHandshake, shake_hands, f"ws://127.0.0.1:{unused_port()}")
        self.assertIn("nobody listens", str(wrong))

    def test_no_tls(self) -> None:
        """A server without TLS under a ``wss`` URL."""
        url = f"wss://127.0.0.1:{self.parrot(lambda request: b'HTTP/1.1 400 Bad Request').port}"
        self.assertIn("TLS", str(self.assertRaises(NoHandshake, shake_hands, url)))

    def test_no_url(self) -> None:
        """What is no WebSocket URL is refused with an example."""
        for url in ("http://127.0.0.1", "127.0.0.1:7788", "ws://", "ws://[::1", "ws://a:port", "ws://a:0"):
            self.assertIn("ws://192", str(self.assertRaises(NoHandshake, shake_hands, url)), url)
