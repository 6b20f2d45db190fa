"""The terminal of a few lines, against a server that says what the test says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
from typing import Any

from twisted.trial.unittest import TestCase

from tests.real.client import NOTHING, QUIET, Lost, RealClient

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """The server's end of one connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        self.socket, _ = self._listener.accept()
        self.socket.settimeout(20)
        self._incoming = self.socket.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._incoming.readline()
        found = re.search(rb"Sec-WebSocket-Key: (\S+)", head)
        assert found is not None
        accept = base64.b64encode(hashlib.sha1(found[1] + GUID.encode()).digest())
        self.socket.sendall(b"HTTP/1.1 101 Go\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")

    def client(self) -> RealClient:
        """The connected terminal."""
        client = RealClient(self.port)
        self._accepting.join()
        return client

    def say(self, *messages: dict[str, Any]) -> None:
        """Send messages at once, each as a frame."""
        for message in messages:
            text = json.dumps(message).encode()
            self.socket.sendall(b"\x81\x7e" + struct.pack("!H", len(text)) + text)

    def heard(self) -> dict[str, Any]:
        """The next message of the terminal, whose mask is zero."""
        size = self._incoming.read(2)[1] & 127
        if size == 126:
            size = int.from_bytes(self._incoming.read(2), "big")
        found: dict[str, Any] = json.loads(self._incoming.read(4 + size)[4:])
        return found

    def close(self) -> None:
        """End everything."""
        self._incoming.close()
        self.socket.close()
        self._listener.close()


class ClientTests(TestCase):
    """What tests of commands need."""

    def setUp(self) -> None:
        """A terminal and the server's end."""
        self.peer = Peer()
        self.client = self.peer.client()
        self.addCleanup(self.peer.close)
        self.addCleanup(self.client.shut)

    def test_obey(self) -> None:
        """The command is returned; the answer has its word, ``result`` and the given fields."""
        self.peer.say({"cmd": "opendoor", "doornum": 2})
        self.assertEqual(self.client.obey("opendoor", sn="ZX1"), {"cmd": "opendoor", "doornum": 2})
        self.assertEqual(self.peer.heard(), {"ret": "opendoor", "result": True, "sn": "ZX1"})

    def test_results(self) -> None:
        """``result`` may be false, or left out; a wrong ``ret`` may be said too."""
        self.peer.say({"cmd": "opendoor"}, {"cmd": "gettime"}, {"cmd": "opendoor"})
        self.client.obey("opendoor", result=False, reason=3)
        self.assertEqual(self.peer.heard(), {"ret": "opendoor", "result": False, "reason": 3})
        self.client.obey("gettime", result=None, time="2026-04-02 08:00:00")
        self.assertEqual(self.peer.heard(), {"ret": "gettime", "time": "2026-04-02 08:00:00"})
        self.client.obey("opendoor", ret="gettime")
        self.assertEqual(self.peer.heard()["ret"], "gettime")

    def test_others_are_kept(self) -> None:
        """What comes while something else is waited for can be had later, in its order."""
        receipt = {"ret": "sendlog", "result": True, "count": 1}
        first, second = {"cmd": "gettime", "n": 1}, {"cmd": "gettime", "n": 2}
        self.peer.say(first, receipt, second, {"cmd": "opendoor"})
        self.client.obey("opendoor")
        self.assertEqual(self.client.passed, [first, receipt, second])
        self.assertEqual(self.client.answer_to("sendlog"), receipt)
        self.assertEqual([self.client.obey("gettime") for _ in range(2)], [first, second])
        self.assertEqual(self.client.passed, [])

    def test_commands_during_a_request(self) -> None:
        """A command that comes before the answer to a request is not lost."""
        self.peer.say({"cmd": "getdevinfo"}, {"ret": "sendlog", "result": True})
        self.assertTrue(self.client.ask(cmd="sendlog", count=0)["result"])
        self.assertEqual(self.client.commanded("getdevinfo"), {"cmd": "getdevinfo"})

    def test_a_request_wants_its_own_answer(self) -> None:
        """An answer that was kept is never taken for the answer to a later request."""
        self.peer.say({"ret": "sendlog", "n": 1}, {"cmd": "opendoor"}, {"ret": "sendlog", "n": 2})
        self.client.obey("opendoor")
        self.assertEqual(self.client.ask(cmd="sendlog", count=0)["n"], 2)

    def test_not_answered(self) -> None:
        """A command can be waited for and left unanswered."""
        self.peer.say({"cmd": "opendoor"})
        self.client.commanded("opendoor")
        self.client.say(cmd="heartbeat")
        self.assertEqual(self.peer.heard(), {"cmd": "heartbeat"})

    def test_habits(self) -> None:
        """Commands with a habit are answered and not seen, unless they are what is waited for."""
        self.client.habits.update(QUIET)
        self.peer.say({"cmd": "getnewlog", "stn": True}, {"cmd": "gettime"}, {"cmd": "opendoor"})
        self.assertEqual(self.client.hear(), {"cmd": "opendoor"})
        self.assertEqual(self.peer.heard(), {"ret": "getnewlog", "result": True, **NOTHING})
        self.assertEqual(self.peer.heard(), {"ret": "gettime", "time": "2026-04-02 08:00:00"})
        self.peer.say(
            {"cmd": "getnewlog", "stn": True}, {"cmd": "getnewlog", "stn": True}, {"cmd": "opendoor"}
        )
        self.client.obey("getnewlog", result=False)
        self.client.obey("opendoor")
        self.assertEqual([self.peer.heard()["result"] for _ in range(3)], [False, True, True])
        self.assertEqual(self.client.passed, [])

    def test_pings(self) -> None:
        """A ping is waited for and answered by hand; the messages before it are kept, pongs are not."""
        self.peer.socket.sendall(b"\x8a\x01x")
        self.peer.say({"cmd": "gettime"})
        self.peer.socket.sendall(b"\x89\x02hi")
        self.assertEqual(self.client.pinged(), b"hi")
        self.assertEqual(self.client.passed, [{"cmd": "gettime"}])
        self.client.pong(b"hi")
        self.assertEqual(self.peer.socket.recv(100), b"\x8a\x82\0\0\0\0hi")
        self.assertRaises(TimeoutError, self.client.pinged, 0.05)

    def test_deadlines(self) -> None:
        """What does not come is told, and so is the end of the connection."""
        self.peer.say({"cmd": "gettime"})
        self.assertRaises(TimeoutError, self.client.commanded, "opendoor", 0.05)
        self.peer.socket.shutdown(socket.SHUT_RDWR)
        self.assertRaises(Lost, self.client.commanded, "opendoor")
        self.assertEqual(self.client.commanded("gettime"), {"cmd": "gettime"})
