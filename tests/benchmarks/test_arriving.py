"""What the benchmarks of webhooks and the archive count with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import sqlite3
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import bodies, heap
from benchmarks.arrival_rounds import MODES as ROUNDS
from benchmarks.arriving import MODES
from benchmarks.crowd import Crowd
from benchmarks.receiving import SECRET, Receiver
from benchmarks.targets import WORKS
from tfserver.model import Punch
from tfserver.store.archive.rows import Place, row_of
from tfserver.store.archive.schema import prepare

DAY = 86_400


class ReceiverTests(SynchronousTestCase):
    """Requests in pieces, several on a connection, and what is wrong with them."""

    def setUp(self) -> None:
        """A sender that is connected."""
        self.crowd = Crowd(1, 0, 1)
        self.addCleanup(self.crowd.close)
        self.receiver = Receiver(self.crowd)
        port = int(self.receiver.url.split(":")[2].split("/")[0])
        self.sender = socket.create_connection(("127.0.0.1", port))
        self.sender.settimeout(10)
        self.addCleanup(self.sender.close)
        self.receiver.begin({b"a", b"b", b"c"})

    def request(self, *uids: str, key: bytes = b"") -> bytes:
        """A signed request with these punches."""
        body = msgspec.json.encode({"type": "batch", "data": [{"data": {"uid": uid}} for uid in uids]})
        key = key or base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = base64.b64encode(hmac.digest(key, b"m.1." + body, hashlib.sha256)).decode()
        signed = f"Webhook-Id: m\r\nWebhook-Timestamp: 1\r\nWebhook-Signature: v1,{digest}\r\n"
        return f"POST /hook HTTP/1.1\r\n{signed}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def say(self, data: bytes, is_over: Callable[[], bool]) -> None:
        """Send, and let it be received."""
        self.sender.sendall(data)
        for _ in range(100):
            if is_over():
                return
            self.crowd.turn(0.05)
        self.fail("not received")

    def test_pieces(self) -> None:
        """A request is taken when it is whole, and answered; the next may come on the same connection."""
        data = self.request("a", "b") + self.request("b", "c")
        for place in range(0, len(data), 60):
            self.sender.sendall(data[place : place + 60])
            self.crowd.turn(0.05)
        self.say(b"", lambda: not self.receiver.missing)
        self.assertEqual(list(self.receiver.uids), [b"a", b"b", b"c"])
        self.assertEqual((self.receiver.requests, self.receiver.doubles), (2, 1))
        self.assertEqual(self.sender.recv(1000).count(b"204"), 2)
        self.assertEqual(self.crowd.wrong.total(), 0)

    def test_hold(self) -> None:
        """What is held is answered when it is released."""
        self.receiver.holds = True
        self.say(self.request("a"), lambda: bool(self.receiver.held))
        self.sender.setblocking(False)
        self.assertRaises(BlockingIOError, self.sender.recv, 1)
        self.receiver.release()
        self.sender.settimeout(10)
        self.assertIn(b"204", self.sender.recv(1000))

    def test_signature(self) -> None:
        """A wrong signature is counted as wrong."""
        self.say(self.request("a", key=b"another"), lambda: self.receiver.requests == 1)
        self.assertEqual(self.crowd.wrong.total(), 1)


class BodyTests(SynchronousTestCase):
    """Punches that are made up."""

    def test_body(self) -> None:
        """They are such as tfserver writes, and fit into the columns of the archive as they are."""
        for number in (0, 7, 123_456):
            text = bodies.body(number, bodies.FIRST + 60.0 * number)
            punch = msgspec.json.decode(text, type=Punch)
            self.assertEqual(punch.uid, bodies.uid_of(number))
            self.assertIsNone(row_of(Place(number, 0), text)[-1])

    def test_heap(self) -> None:
        """Each person has as many punches in the archive as is reckoned, in any time."""
        url = f"sqlite:///{self.mktemp()}"
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            prepare(connection)
        engine.dispose()
        amount = 3 * heap.A_DAY + 1_234
        heap.fill(url, amount)
        database = sqlite3.connect(url.removeprefix("sqlite:///"))
        self.addCleanup(database.close)
        ((last,),) = database.execute("SELECT max(ms) FROM punches").fetchall()
        self.assertEqual(last, heap.last_ms(amount))
        for person in (1, 2, 4_999, bodies.PEOPLE):
            for first, days in ((0, 1), (1, 2), (2, 30)):
                since = bodies.FIRST + DAY * first
                ((found,),) = database.execute(
                    "SELECT count(*) FROM punches WHERE enrollid = ? "
                    "AND utc >= strftime('%Y-%m-%dT%H:%M:%S.000Z', ?, 'unixepoch') "
                    "AND utc < strftime('%Y-%m-%dT%H:%M:%S.000Z', ?, 'unixepoch')",
                    (person, since, since + DAY * days),
                ).fetchall()
                reckoned = heap.punches_of(person, since, since + DAY * days, amount)
                self.assertEqual((found, found > 0), (reckoned, True))


class TableTests(SynchronousTestCase):
    """The table of works."""

    def test_modes(self) -> None:
        """Each mode has a way to be measured, a round, and a work; CI can afford the small run of some."""
        self.assertEqual(set(MODES), set(ROUNDS))
        works = [work for work in WORKS if work.load.mode in MODES]
        self.assertEqual({work.load.mode for work in works}, set(MODES))
        self.assertEqual({work.load.mode for work in works if work.small}, set(MODES) - {"month"})
