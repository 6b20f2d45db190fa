"""``tfserver webhook-test``: receivers that cope, and receivers that don't."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.cli.called import call, unused_port
from tests.delivery.receivers import Got, Scripted
from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding
from tfserver.cli.rehearsal import SLOW_SECONDS, judged, reachable, rehearse
from tfserver.cli.scenes import LARGE, Scene, Scenes, Wish
from tfserver.delivery.names import Names
from tfserver.delivery.sending import SendFailed, Sent

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
loop: Any = reactor
NOW = 1_775_117_704.0
URL = "https://hr.example/in"


class Careful:
    """A receiver that does everything right, and what it has in its books."""

    def __init__(self, now: Callable[[], float] = lambda: NOW) -> None:
        self.books: list[str] = []
        self._now = now

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """The status for one request."""
        if not self.is_signed(headers, body):
            return 401
        if abs(int(headers["webhook-timestamp"]) - self._now()) > 300:
            return 400
        for one in self.messages(json.loads(body)):
            if one["type"] == "punch" and self.is_new(one["data"]["uid"]):
                self.books.append(one["data"]["uid"])
        return 200

    def is_signed(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether one of the signatures fits."""
        told = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
        return f"v1,{wanted}" in headers.get("webhook-signature", "").split(" ")

    def is_new(self, uid: str) -> bool:
        """Whether a punch is not in the books yet."""
        return uid not in self.books

    def messages(self, body: Any) -> list[Any]:
        """One message, or those of a batch."""
        return list(body["data"]) if body["type"] == "batch" else [body]


class Sender:
    """Brings everything to a receiver in this process."""

    def __init__(self, answer: Callable[[dict[str, str], bytes], int]) -> None:
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self._answer = answer

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Sent:
        """Sent at once."""
        self.sent.append((headers, body))
        status = self._answer(headers, body)
        if not status:
            raise SendFailed("the connection was refused")
        return Sent(status, None)


class RehearsalCase(SynchronousTestCase):
    """Receivers, tried out."""

    def setUp(self) -> None:
        self.scenes = Scenes(SECRET, NOW, "1A2B3C4D")

    def try_out(self, answer: Callable[[dict[str, str], bytes], int]) -> dict[str, Finding]:
        """All findings, by what they are about."""
        self.sender = Sender(answer)
        asked = rehearse(loop, self.sender, URL, self.scenes, lambda done, total: None)
        found = self.successResultOf(Deferred.fromCoroutine(asked))
        return {one.about: one for one in found}

    def wrong(self, answer: Callable[[dict[str, str], bytes], int]) -> list[str]:
        """What is wrong with a receiver."""
        return [one.about for one in self.try_out(answer).values() if one.state == WRONG]


class ReceiverTests(RehearsalCase):
    """How receivers cope."""

    def test_careful(self) -> None:
        """A receiver that does all right has all punches in its books, each once, and no forged one."""
        careful = Careful()
        found = self.try_out(careful.answer)
        self.assertEqual({one.state for one in found.values()}, {OK}, found)
        self.assertEqual(sorted(careful.books), sorted(self.scenes.uids))
        self.assertIn(f"{len(careful.books)} punches of TEST-1A2B3C4D", found["what was kept"].said)

    def test_credulous(self) -> None:
        """One that takes everything takes forged punches; and repeats of old ones, which is a lesser evil."""
        found = self.try_out(lambda headers, body: 200)
        forged = ["a signature with another secret", "a body that was changed after signing", "no signature"]
        self.assertEqual([one.about for one in found.values() if one.state == WRONG], forged)
        self.assertEqual(found["a timestamp of an hour ago"].state, ATTENTION)

    def test_suspicious(self) -> None:
        """One that refuses everything would make dead letters of all."""
        found = self.try_out(lambda headers, body: 403)
        self.assertIn("dead letter", found["a punch"].said)
        self.assertEqual(found["no signature"].state, OK)

    def test_encodes_again(self) -> None:
        """One that signs what it has read and written again loses names, or takes what was changed."""
        careful = Careful()

        def answer(headers: dict[str, str], body: bytes) -> int:
            return careful.answer(headers, json.dumps(json.loads(body), separators=(",", ":")).encode())

        wrong = self.wrong(answer)
        self.assertIn("names with all kinds of letters", wrong)
        self.assertIn("a body that was changed after signing", wrong)

    def test_refuses_repeats(self) -> None:
        """One whose database says no to what it has would make dead letters of repeats."""
        careful = Careful()
        seen: list[str] = []

        def answer(headers: dict[str, str], body: bytes) -> int:
            if not careful.is_signed(headers, body):
                return 401
            uids = [one["data"].get("uid", "") for one in careful.messages(json.loads(body))]
            if set(uids) & set(seen) or len(set(uids)) < len(uids):
                return 409
            seen.extend(uids)
            return 200

        self.assertEqual(self.wrong(answer), ["the same again", "a repeat within a batch"])

    def test_narrow(self) -> None:
        """One that takes only small bodies, known types, known fields, or one signature, is told each."""
        careful = Careful()

        def answer(headers: dict[str, str], body: bytes) -> int:
            if len(body) > 100_000:
                return 413
            if b"later_field" in body or b"of-the-future" in body:
                return 422
            return 401 if " " in headers.get("webhook-signature", "") else careful.answer(headers, body)

        expected = ["fields nobody knows yet", "a type nobody knows yet", f"a batch of {LARGE}"]
        self.assertEqual(self.wrong(answer), [*expected, "two signatures, one of them yours"])

    def test_breaks(self) -> None:
        """One that breaks over forged messages has not refused them."""
        careful = Careful()
        found = self.try_out(
            lambda headers, body: careful.answer(headers, body) if headers.get("webhook-id") else 500
        )
        self.assertEqual(found["no signature"].state, WRONG)
        self.assertIn("not refused", found["no signature"].said)

    def test_unreachable(self) -> None:
        """When the first message does not arrive the others are not tried."""
        found = self.try_out(lambda headers, body: 0)
        self.assertEqual([one.said for one in found.values()], ["the connection was refused"])
        self.assertEqual(len(self.sender.sent), 1)

    def test_disorder(self) -> None:
        """What is sent is what is said: a repeat with its id, disorder, three days, a repeat in a batch."""
        self.try_out(Careful().answer)
        bodies = [json.loads(body) for _, body in self.sender.sent]
        headers = [told for told, _ in self.sender.sent]
        self.assertEqual((headers[0]["webhook-id"], bodies[0]), (headers[1]["webhook-id"], bodies[1]))
        self.assertGreater(bodies[2]["data"]["utc"], bodies[3]["data"]["utc"])
        self.assertEqual(bodies[4]["data"][0]["data"]["utc"][:10], "2026-03-30")
        inside = [one["data"]["uid"] for one in bodies[5]["data"]]
        self.assertEqual(inside[0], inside[2])
        self.assertTrue(any("東京".encode() in body for _, body in self.sender.sent))
        self.assertEqual(max(len(one["data"]) for one in bodies if one["type"] == "batch"), LARGE)


class JudgedTests(SynchronousTestCase):
    """Single answers."""

    def state(self, wish: Wish, status: int, seconds: float = 0.1) -> str:
        """How one answer is judged."""
        return judged(Scene("x", wish, {}, b"", "do it"), Sent(status, None), seconds).state

    def test_statuses(self) -> None:
        """Each status by what it makes a server do."""
        for wish, status, expected in (
            (Wish.TAKE, 200, OK), (Wish.TAKE, 204, OK), (Wish.TAKE, 301, WRONG), (Wish.TAKE, 422, WRONG),
            (Wish.TAKE, 429, WRONG), (Wish.TAKE, 500, WRONG), (Wish.TAKE, 410, WRONG),
            (Wish.REFUSE, 401, OK), (Wish.REFUSE, 403, OK), (Wish.REFUSE, 200, WRONG),
            (Wish.REFUSE, 500, WRONG),
            (Wish.REFUSE, 410, WRONG), (Wish.REFUSE, 429, WRONG), (Wish.SHOULD_REFUSE, 400, OK),
            (Wish.SHOULD_REFUSE, 200, ATTENTION), (Wish.SHOULD_REFUSE, 503, WRONG), (Wish.TAKE, 799, WRONG),
        ):  # fmt: skip
            self.assertEqual(self.state(wish, status), expected, (wish, status))

    def test_gone(self) -> None:
        """It is said what 410 does."""
        found = judged(Scene("x", Wish.TAKE, {}, b"", "do it"), Sent(410, None), 0.1)
        self.assertIn("ends the webhook", found.said)

    def test_slow(self) -> None:
        """An answer that takes long is told."""
        self.assertEqual(self.state(Wish.TAKE, 200, SLOW_SECONDS + 1), ATTENTION)


class ReachableTests(TestCase):
    """Whether a server would send there."""

    async def test_addresses(self) -> None:
        """Outside is right; inside and plain http need a setting; a host that is not there is wrong."""

        def lookup(host: str, port: int) -> list[str]:
            if host == "nowhere.example":
                raise OSError("not found")
            return ["10.0.0.1" if host == "inside.example" else "93.184.216.34"]

        names = Names(reactor, False, lookup)
        for url, expected in (
            (URL, OK),
            ("http://hr.example/", ATTENTION),
            ("https://inside.example/", ATTENTION),
            ("https://nowhere.example/", WRONG),
        ):
            self.assertEqual((await reachable(names, url)).state, expected, url)


class CommandTests(TestCase):
    """The command itself, in a process of its own."""

    timeout = 60

    async def run_it(self, *words: str) -> tuple[int, Any]:
        """Exit status and what was printed, decoded."""
        environment = {**os.environ, "TFSERVER_WEBHOOK_SECRET": SECRET}
        command = ("-m", "tfserver.cli.main", "webhook-test", *words, "--json")
        out, err, status = await getProcessOutputAndValue(sys.executable, command, environment)
        return status, json.loads(out) if out else err.decode()

    async def test_over_sockets(self) -> None:
        """A careful receiver is status 0, with every request on one connection; a credulous one status 1."""
        import time

        careful = Careful(time.time)
        for answer, expected in ((careful.answer, 0), (lambda headers, body: 200, 1)):
            receiver = Scripted(lambda number: None)
            port = loop.listenTCP(0, receiver, interface="127.0.0.1")

            def respond(number: int, receiver: Scripted = receiver, answer: Any = answer) -> bytes:
                got: Got = receiver.got[number]
                return b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % answer(got.headers, got.body)

            receiver.answer = respond
            status, told = await self.run_it(f"http://127.0.0.1:{port.getHost().port}/in")
            self.assertEqual((status, told["ok"]), (expected, expected == 0), told)
            self.assertEqual(len(receiver.lines), 1)
            await port.stopListening()

    async def test_nobody_there(self) -> None:
        """Without a receiver the status is 1."""
        status, told = await self.run_it(f"http://127.0.0.1:{unused_port()}/")
        self.assertEqual((status, told["ok"]), (1, False))

    def test_secret(self) -> None:
        """Without a secret, or with one that is none, nothing is sent, and the secret is not repeated."""
        self.assertIn("TFSERVER_WEBHOOK_SECRET", call("webhook-test", URL).err)
        done = call("webhook-test", URL, "--secret", "whsec_private")
        self.assertEqual(done.status, 1)
        self.assertNotIn("private", done.err)
