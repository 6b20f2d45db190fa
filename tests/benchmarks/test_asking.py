"""People at the HTTP side of a server that the test plays."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.asking import People
from benchmarks.crowd import Crowd


class PeopleTests(SynchronousTestCase):
    """Two people."""

    def setUp(self) -> None:
        """Both are connected."""
        listening = self.listening = socket.create_server(("127.0.0.1", 0))
        listening.settimeout(10)
        self.addCleanup(listening.close)
        self.crowd = Crowd(1, 0, 1)
        self.addCleanup(self.crowd.close)
        self.people = People(self.crowd, listening.getsockname()[1], "secret", 2)
        self.addCleanup(self.people.close)
        self.peers = [listening.accept()[0] for _ in range(2)]
        for peer in self.peers:
            peer.settimeout(10)
            self.addCleanup(peer.close)
        self.answers: list[tuple[int, bytes]] = []

    def told(self, status: int, body: bytes) -> None:
        """An answer came."""
        self.answers.append((status, body))

    def say(self, peer: int, data: bytes) -> None:
        """Bytes of the server to one of them, received."""
        self.peers[peer].sendall(data)
        self.crowd.turn(0.05)

    def test_requests(self) -> None:
        """A body goes with its length, a look without; both with the token."""
        self.people.post("/a?wait=5", b'{"cmd":"x"}', self.told)
        self.people.get("/b", self.told)
        head, _, body = self.peers[0].recv(4096).partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"POST /a?wait=5 HTTP/1.1\r\n"))
        self.assertIn(b"\r\nAuthorization: Bearer secret\r\n", head)
        self.assertTrue(head.endswith(b"Content-Length: 11"))
        self.assertEqual(body, b'{"cmd":"x"}')
        asked = self.peers[1].recv(4096)
        self.assertTrue(asked.startswith(b"GET /b HTTP/1.1\r\n") and asked.endswith(b"secret\r\n\r\n"))

    def test_answers(self) -> None:
        """An answer is told once, when all of it is there, whatever the pieces."""
        self.people.post("/a", b"{}", self.told)
        answer = b"HTTP/1.1 202 Accepted\r\nDate: x\r\ncontent-length: 4\r\nLocation: /l\r\n\r\nbody"
        for place in range(len(answer)):
            self.assertEqual(self.answers, [])
            self.say(0, answer[place : place + 1])
        self.assertEqual((self.answers, dict(self.crowd.wrong)), ([(202, b"body")], {}))

    def test_turns(self) -> None:
        """More than there are people for waits, and goes out on the first connection that is free."""
        for path in ("/1", "/2", "/3"):
            self.people.get(path, self.told)
        self.assertTrue(self.peers[0].recv(4096).startswith(b"GET /1 "))
        self.assertTrue(self.peers[1].recv(4096).startswith(b"GET /2 "))
        self.say(1, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self.assertTrue(self.peers[1].recv(4096).startswith(b"GET /3 "))
        self.assertEqual((self.answers, list(self.people.free)), ([(200, b"")], []))

    def test_lost(self) -> None:
        """A connection that ends, or an answer without its length, is wrong, and told as such."""
        self.people.get("/1", self.told)
        self.people.get("/2", self.told)
        self.peers[0].close()
        self.crowd.turn(0.05)
        self.say(1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        self.assertEqual(self.answers, [(0, b""), (0, b"")])
        self.assertEqual(self.crowd.wrong["HTTP connection lost"], 2)

    def test_ended_at_rest(self) -> None:
        """A connection that ends while nothing was asked is not wrong: the next request makes a new one."""
        self.peers[0].close()
        self.crowd.turn(0.05)
        self.assertEqual((len(self.people.free), dict(self.crowd.wrong)), (1, {}))
        self.people.get("/1", self.told)
        self.assertTrue(self.peers[1].recv(4096).startswith(b"GET /1 "))
        self.people.get("/2", self.told)
        again = self.listening.accept()[0]
        self.addCleanup(again.close)
        again.settimeout(10)
        self.assertTrue(again.recv(4096).startswith(b"GET /2 "))
