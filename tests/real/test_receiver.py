"""The receiver of webhooks, asked by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import threading
from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import TestCase

from tests.real.receiver import (
    SECRET,
    Mood,
    RealReceiver,
    answering,
    closes,
    dies_in_mid_body,
    half_an_answer,
    objects_of,
    refusing,
    silent,
    well,
)
from tests.real.store import wait_until

FEED = [{"uid": letter, "enrollid": number} for number, letter in enumerate("abcd")]


class ReceiverTests(TestCase):
    """Every mood, and what is written down."""

    def setUp(self) -> None:
        """One that listens."""
        self.receiver = RealReceiver().up()
        self.addCleanup(self.receiver.down)

    def post(self, *punches: dict[str, Any], secret: str = SECRET, id: str = "") -> int:
        """Send a signed message on a connection of its own; the status."""
        body = json.dumps({"type": "punches", "data": list(punches)}).encode()
        id = id or "msg_" + "".join(punch["uid"] for punch in punches)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        mac = base64.b64encode(hmac.digest(key, f"{id}.7.".encode() + body, hashlib.sha256)).decode()
        headers = {"webhook-id": id, "webhook-timestamp": "7", "webhook-signature": f"v1,AAAA v1,{mac}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.receiver.port, timeout=20)
        self.addCleanup(connection.close)
        connection.request("POST", "/hook", body, headers)
        answer = connection.getresponse()
        answer.read()
        self.answered = dict(answer.headers.items())
        return answer.status

    def assert_lost(self, call: Callable[..., Any], *arguments: Any) -> None:
        """The connection ends before there is a whole answer."""
        try:
            call(*arguments)
        except (OSError, http.client.HTTPException):
            return
        self.fail("there was an answer")

    def test_well(self) -> None:
        """What is taken has no faults, though it comes twice and in several messages."""
        for some in (FEED[:2], FEED[:2], FEED[2:]):
            self.assertEqual(self.post(*some), 204)
        self.assertEqual(self.receiver.uids(), list("abcd"))
        self.assertEqual(self.receiver.faults(FEED), {})
        self.assertEqual(self.receiver.heard[0].webhook_id, "msg_ab")
        self.assertEqual(self.receiver.connections, 3)

    def test_answers(self) -> None:
        """Moods of the next requests come before the one of all others; only a 2xx takes something."""
        self.receiver.become(answering(500), answering(429, retry_after="2"), well)
        self.assertEqual([self.post(FEED[0]), self.answered["retry-after"]], [429, "2"])
        self.assertEqual([self.post(FEED[1]), self.post(FEED[2])], [204, 500])
        self.assertEqual(self.receiver.uids(), ["b"])

    def test_poison(self) -> None:
        """Only a message with the poisonous punch is refused."""
        self.receiver.become(refusing(lambda punch: punch["enrollid"] == 2, 400))
        self.assertEqual([self.post(*FEED), self.post(FEED[2]), self.post(FEED[3])], [400, 400, 204])
        self.assertEqual(self.receiver.faults(FEED[2:], frozenset("c")), {})

    def test_broken(self) -> None:
        """However an exchange is broken off, the sender has no answer and nothing counts as taken."""
        moods: list[Mood] = [closes, half_an_answer, dies_in_mid_body]
        for mood in moods:
            self.receiver.become(mood)
            self.assert_lost(self.post, *FEED)
        self.assertEqual((len(self.receiver.heard), self.receiver.broken), (2, 1))
        self.assertEqual(self.receiver.taken(), [])

    def test_silent(self) -> None:
        """A silent receiver answers nothing until it is told something else; then the connection ends."""
        self.receiver.become(silent)
        asked = threading.Thread(target=self.assert_lost, args=(self.post, FEED[0]))
        asked.start()
        wait_until(lambda: self.receiver.heard, "it has heard")
        self.assertTrue(asked.is_alive())
        self.receiver.become(well)
        asked.join(20)
        self.assertFalse(asked.is_alive())
        self.assertEqual(self.post(FEED[0]), 204)

    def test_down(self) -> None:
        """Who is down refuses and drops connections, and comes back to the same port."""
        held = socket.create_connection(("127.0.0.1", self.receiver.port), 20)
        self.addCleanup(held.close)
        wait_until(lambda: self.receiver.connections == 1, "it has accepted")
        self.receiver.down()
        self.assertEqual(held.recv(1), b"")
        self.assertRaises(ConnectionRefusedError, self.post, FEED[0])
        self.receiver.up()
        self.assertEqual(self.post(FEED[0]), 204)

    def test_faults(self) -> None:
        """Whatever is wrong is told."""
        self.post(FEED[2], secret="whsec_" + base64.b64encode(b"another").decode())
        self.post(FEED[1], id="msg_c")
        self.post({"uid": "e"})
        self.post({**FEED[1], "enrollid": 9}, id="msg_9")
        found = self.receiver.faults(FEED)
        self.assertEqual(found["missing"], ["a", "d"])
        self.assertEqual(found["not in the feed"], ["e"])
        self.assertEqual(found["one webhook-id for several messages"], ["msg_c"])
        self.assertEqual(found["one uid for several punches"], ["b"])
        self.assertEqual(found["not signed"], 1)
        self.assertEqual(
            set(self.receiver.faults([FEED[1], FEED[2], {"uid": "e"}])),
            set(found) - {"missing", "not in the feed"} | {"not in order"},
        )

    def test_objects(self) -> None:
        """Punches and events are found in whatever they are wrapped."""
        message = {"type": "x", "data": [{"uid": "a", "event": 0}, {"data": {"event": "down", "sn": "Z"}}]}
        self.assertEqual([each["event"] for each in objects_of(json.dumps(message).encode())], [0, "down"])
