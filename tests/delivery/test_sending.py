"""Posting to receivers over plain connections."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from tests.delivery.receivers import HOST, OK, Page, SenderCase, site
from tfserver.delivery import keeping
from tfserver.delivery.addresses import read_url
from tfserver.delivery.sending import SendFailed, Sent, retry_after

HEADERS = {"webhook-id": "m1", "Content-Type": "application/json"}


class PostTests(SenderCase):
    """What is sent, and what is heard."""

    async def assert_fails(self, post: Any, *words: str) -> None:
        """It fails, for a reason with these words in it; nothing private is told."""
        try:
            found = await post
        except SendFailed as failed:
            for word in words:
                self.assertIn(word, str(failed))
            self.assertNotIn("key=", str(failed))
        else:
            self.fail(f"it was taken: {found}")

    async def test_sent(self) -> None:
        """The very bytes go out as a POST, with the headers given and those of ours."""
        page = Page()
        port = self.listen(site(page))
        body = b'{"a":"\xc3\xa4/"}\x00\xff'
        found = await self.sender().post(f"http://{HOST}:{port}/in?key=a%2Fb", HEADERS, body)
        self.assertEqual(found, Sent(200, None))
        [got] = page.got
        self.assertEqual((got.path, got.body), ("/in?key=a%2Fb", body))
        self.assertEqual(got.headers["host"], f"{HOST}:{port}")
        self.assertEqual(got.headers["webhook-id"], "m1")
        self.assertEqual(got.headers["content-type"], "application/json")
        self.assertEqual(got.headers["content-length"], str(len(body)))
        self.assertTrue(got.headers["user-agent"].startswith("tfserver/"))
        self.assertEqual({"cookie", "authorization", "referer", "connection"} & set(got.headers), set())

    async def test_statuses(self) -> None:
        """Every status is an answer; a redirect is not followed, a cookie not sent back."""
        page = Page()
        sender, port = self.sender(), self.listen(site(page))
        page.headers = {"Location": f"http://{HOST}:{port}/elsewhere", "Set-Cookie": "a=b"}
        for status in (204, 301, 302, 307, 308, 400, 401, 410, 429, 500, 503):
            page.status = status
            found = await sender.post(f"http://{HOST}:{port}/in", HEADERS, b"{}")
            self.assertEqual(found.status, status)
        self.assertEqual({(got.path, "cookie" in got.headers) for got in page.got}, {("/in", False)})

    async def test_retry_after(self) -> None:
        """What the receiver asks for is told."""
        page = Page()
        page.status, page.headers = 429, {"Retry-After": "17"}
        found = await self.sender().post(f"http://{HOST}:{self.listen(site(page))}/", HEADERS, b"{}")
        self.assertEqual(found, Sent(429, 17.0))

    async def test_one_line(self) -> None:
        """Messages one after another go over one connection, and the host is looked up once."""
        page = Page()
        sender, port = self.sender(), self.listen(site(page))
        for number in range(20):
            await sender.post(f"http://{HOST}:{port}/", HEADERS, str(number).encode())
        self.assertEqual(len({got.line for got in page.got}), 1)
        self.assertEqual([got.body for got in page.got], [str(number).encode() for number in range(20)])
        self.assertEqual(self.looked_up, [HOST])

    async def test_long_answers(self) -> None:
        """The bound on an answer is for each, and not for all on a line."""
        body = b"x" * 60_000
        receiver = self.scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + body)
        sender = self.sender()
        for _ in range(8):
            await sender.post(self.url, HEADERS, b"{}")
        self.assertEqual({got.line for got in receiver.got}, {0})

    async def test_lines_are_not_shared(self) -> None:
        """Another host at the same address has a line of its own."""
        page = Page()
        sender, port = self.sender(), self.listen(site(page))
        for host in (HOST, "other.example", HOST):
            await sender.post(f"http://{host}:{port}/", HEADERS, b"{}")
        self.assertEqual(len({got.line for got in page.got}), 2)
        self.assertEqual(page.got[0].line, page.got[2].line)

    async def test_at_once(self) -> None:
        """Messages at the same time have lines of their own, of which some stay."""
        receiver = self.scripted(lambda number: OK)
        sender = self.sender()
        posts = [Deferred.fromCoroutine(sender.post(self.url, HEADERS, b"{}")) for _ in range(8)]
        await gatherResults(posts)
        self.assertEqual(len(receiver.lines), 8)
        for _ in range(3):
            await sender.post(self.url, HEADERS, b"{}")
        self.assertEqual(len(receiver.lines), 8)
        self.assertGreaterEqual(receiver.closed, 8 - keeping.KEPT_A_RECEIVER)

    async def test_broken_line(self) -> None:
        """A line that was closed between two messages is replaced at once, without a failure."""
        receiver = self.scripted(lambda number: OK if number != 1 else None, 1)
        sender = self.sender()
        for _ in range(2):
            self.assertEqual((await sender.post(self.url, HEADERS, b"{}")).status, 200)
        self.assertEqual([got.line for got in receiver.got], [0, 0, 1])

    async def test_broken_new_line(self) -> None:
        """A new line that is closed without an answer is a failure, and nothing is sent twice."""
        receiver = self.scripted(None, 0)
        await self.assert_fails(self.sender().post(self.url, HEADERS, b"{}"), "closed before the answer")
        self.assertEqual(len(receiver.got), 1)

    async def test_broken_after_a_byte(self) -> None:
        """Once a byte of the answer has come nothing is sent again."""
        receiver = self.scripted(lambda number: OK if number == 0 else b"H", 1)
        sender = self.sender()
        await sender.post(self.url, HEADERS, b"{}")
        await self.assert_fails(sender.post(self.url, HEADERS, b"{}"))
        self.assertEqual(len(receiver.got), 2)

    async def test_cut_body(self) -> None:
        """An answer that ends in the middle is none, whatever its status: its sender may have died."""
        for answer in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Le",
        ):
            self.scripted(answer, 0)
            await self.assert_fails(self.sender().post(self.url, HEADERS, b"{}"), "closed before")

    async def test_body_without_length(self) -> None:
        """A body that ends with the connection is whole; the next message has another line."""
        receiver = self.scripted(b"HTTP/1.1 202 OK\r\n\r\nall of it", 0, 1)
        sender = self.sender()
        for _ in range(2):
            self.assertEqual((await sender.post(self.url, HEADERS, b"{}")).status, 202)
        self.assertEqual([got.line for got in receiver.got], [0, 1])

    async def test_endless_body(self) -> None:
        """A body without end is not read to its end, and its line is not used again."""
        for head in (b"Content-Length: 99999999", b"Connection: close"):
            receiver = self.scripted(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + b"x" * 100_000)
            sender = self.sender()
            self.assertEqual((await sender.post(self.url, HEADERS, b"{}")).status, 200)
            await sender.post(self.url, HEADERS, b"{}")
            self.assertEqual([got.line for got in receiver.got], [0, 1])
            await receiver.all_closed()

    async def test_endless_head(self) -> None:
        """A head without end is cut off."""
        self.scripted(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000)
        await self.assert_fails(self.sender().post(self.url, HEADERS, b"{}"), "closed before")

    async def test_no_http(self) -> None:
        """What speaks another protocol is told so."""
        self.scripted(b"220 mail.example ready\r\n\r\n")
        await self.assert_fails(self.sender().post(self.url, HEADERS, b"{}"), "no HTTP")

    async def test_unasked(self) -> None:
        """A line on which something comes that nobody asked for is not used again."""
        receiver = self.scripted(OK + OK)
        sender = self.sender()
        for _ in range(2):
            self.assertEqual((await sender.post(self.url, HEADERS, b"{}")).status, 200)
        self.assertEqual([got.line for got in receiver.got], [0, 1])

    async def test_too_late(self) -> None:
        """The deadline is for all of it: an answer that does not come, a body that does not end."""
        for answer in (None, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow"):
            receiver = self.scripted(answer)
            await self.assert_fails(self.sender(0.1).post(self.url, HEADERS, b"{}"), "within 0.1 s")
            self.assertEqual(len(receiver.got), 1)
            await receiver.all_closed()

    async def test_cancelled(self) -> None:
        """Whoever gives up a message gives up its connection."""
        receiver = self.scripted(None)
        answered: Deferred[None] = Deferred()
        receiver.answer = lambda number: answered.callback(None)
        post = Deferred.fromCoroutine(self.sender().post(self.url, HEADERS, b"{}"))
        await answered
        post.cancel()
        await self.assertFailure(post, CancelledError)
        await receiver.all_closed()

    async def test_given_up_on_a_kept_line(self) -> None:
        """A message that was given up is not sent again, though its line was used before."""
        receiver = self.scripted(OK)
        sender = self.sender()
        await sender.post(self.url, HEADERS, b"{}")
        answered: Deferred[None] = Deferred()
        receiver.answer = lambda number: answered.callback(None)
        post = Deferred.fromCoroutine(sender.post(self.url, HEADERS, b"{}"))
        await answered
        post.cancel()
        await self.assertFailure(post, CancelledError)
        await receiver.all_closed()
        self.assertEqual((len(receiver.got), len(receiver.lines)), (2, 1))

    async def test_too_late_on_a_kept_line(self) -> None:
        """Nor is one that was not answered in time."""
        receiver = self.scripted(lambda number: OK if number == 0 else None)
        sender = self.sender(0.2)
        await sender.post(self.url, HEADERS, b"{}")
        await self.assert_fails(sender.post(self.url, HEADERS, b"{}"), "within 0.2 s")
        await receiver.all_closed()
        self.assertEqual((len(receiver.got), len(receiver.lines)), (2, 1))

    async def test_unreachable(self) -> None:
        """Nobody there, and no such host, are told in words."""
        port = reactor_port(self)
        await self.assert_fails(self.sender().post(f"http://{HOST}:{port}/", HEADERS, b"{}"), "refused")
        self.addresses["nowhere.example"] = []
        await self.assert_fails(
            self.sender().post("http://nowhere.example/", HEADERS, b"{}"), "nowhere.example"
        )

    async def test_next_address(self) -> None:
        """Of several addresses the next is tried when nobody is at the first."""
        receiver = self.scripted(OK)
        self.addresses[HOST] = ["127.0.0.77", "127.0.0.1"]
        self.assertEqual((await self.sender().post(self.url, HEADERS, b"{}")).status, 200)
        self.assertEqual(len(receiver.got), 1)

    async def test_inside(self) -> None:
        """What is inside is not asked anything, by whatever name; nor is a name that leads in and out."""
        receiver = self.scripted(OK)
        self.addresses["both.example"] = ["93.184.216.34", "127.0.0.1"]
        sender = self.sender(allow_private=False)
        for host in ("127.0.0.1", HOST, "both.example", "[::ffff:127.0.0.1]", "localhost"):
            url = f"https://{host}:{self.port}/"
            await self.assert_fails(sender.post(url, HEADERS, b"{}"), "loopback", "webhooks.allow_private")
        await self.assert_fails(sender.post(self.url, HEADERS, b"{}"), "https")
        self.assertEqual(receiver.lines, [])

    async def test_no_second_lookup(self) -> None:
        """A name is looked up once for a connection: who answers otherwise the next time gains nothing."""
        receiver = self.scripted(OK)
        answers = iter([["127.0.0.1"], ["127.0.0.66"]])
        self.addresses = type("Rebinding", (dict,), {"get": lambda self, host, usual: next(answers)})()
        await self.sender().post(self.url, HEADERS, b"{}")
        self.assertEqual((len(receiver.got), len(self.looked_up)), (1, 1))

    async def test_stop(self) -> None:
        """Idle connections end with the sender."""
        self.scripted(OK)
        sender = self.sender()
        await sender.post(self.url, HEADERS, b"{}")
        await sender.stop()
        self.assertIsNone(sender._kept.take(read_url(self.url, True)))


def reactor_port(case: SenderCase) -> int:
    """A port on which nobody listens."""
    from tests.cli.called import unused_port

    return unused_port()


class RetryAfterTests(SynchronousTestCase):
    """``Retry-After`` in both of its forms."""

    NOW = 1_775_117_704.0

    def told(self, value: str, **more: str) -> float | None:
        """What is read of it."""
        headers = {"retry-after": value, **more}
        return retry_after(Headers({name: [text] for name, text in headers.items()}), self.NOW)

    def test_forms(self) -> None:
        """Seconds, and a date by the receiver's clock, or ours when it tells none."""
        date, later = "Thu, 02 Apr 2026 08:15:04 GMT", "Thu, 02 Apr 2026 08:16:04 GMT"
        for value, expected in (
            ("0", 0.0),
            ("120", 120.0),
            ("99999999999999999999", 86_400.0),
            (later, 60.0),
            (date, 0.0),
            ("Wed, 01 Apr 2026 08:16:04 GMT", 0.0),
            ("Fri, 02 Apr 2027 08:16:04 GMT", 86_400.0),
            ("", None),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("٣", None),
        ):
            self.assertEqual(self.told(value), expected, value)
        self.assertEqual(self.told(later, date="Thu, 02 Apr 2026 08:15:54 GMT"), 10.0)
        self.assertEqual(self.told(later, date="junk"), 60.0)
        self.assertIsNone(retry_after(Headers(), self.NOW))

    @given(st.text(max_size=60))
    def test_anything(self, value: str) -> None:
        """Whatever stands there, it is within bounds or nothing."""
        found = self.told(value.encode("utf-8", "replace").decode("latin-1").replace("\n", " "))
        self.assertTrue(found is None or 0 <= found <= 86_400)
