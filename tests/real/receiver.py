"""A receiver of webhooks that behaves as it is told, and writes down all that it hears."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

from tests.real.process import free_port

SECRET: Final = "whsec_" + base64.b64encode(b"a secret of tests, of 32 bytes. ").decode()
MOST_SECONDS: Final = 60.0
RESET: Final = struct.pack("ii", 1, 0)


class Heard(NamedTuple):
    """One request as it came, and how it was answered: ``status`` is 0 where it was not."""

    path: str
    headers: dict[str, str]
    body: bytes
    punches: list[dict[str, Any]]
    status: int
    is_signed: bool

    @property
    def webhook_id(self) -> str:
        """By what receivers tell a message that comes again."""
        return self.headers.get("webhook-id", "")

    @property
    def uids(self) -> list[str]:
        """The identities of its punches, in their order."""
        return [punch["uid"] for punch in self.punches]


class Exchange(BaseHTTPRequestHandler):
    """One request, in the hands of a mood."""

    protocol_version = "HTTP/1.1"
    server: _Listener
    over: threading.Event
    """Set when the receiver is told to behave otherwise."""

    def do_POST(self) -> None:
        """Let the present mood answer."""
        mood, self.over = self.server.receiver.next_mood()
        mood(self)

    def take(self, part: float = 1.0) -> bytes:
        """Read the body, or a part of it."""
        return self.rfile.read(int(int(self.headers["Content-Length"]) * part))

    def answer(self, body: bytes, status: int, **headers: str) -> None:
        """Write the request down, and answer it; headers have underscores for hyphens."""
        self.server.receiver.note(self, body, status)
        self.send_response(status)
        for name, value in {**headers, "content_length": "0"}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self, how: bytes = b"") -> None:
        """End the connection without another word; with a reset where one is given."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            if how:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, how)
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


Mood = Callable[[Exchange], None]


def well(exchange: Exchange) -> None:
    """204."""
    exchange.answer(exchange.take(), 204)


def answering(status: int, **headers: str) -> Mood:
    """Always this answer, such as ``answering(429, retry_after="2")``."""

    def mood(exchange: Exchange) -> None:
        exchange.answer(exchange.take(), status, **headers)

    return mood


def refusing(is_poison: Callable[[dict[str, Any]], bool], status: int = 422) -> Mood:
    """A 4xx for what contains such a punch, 204 for all others."""

    def mood(exchange: Exchange) -> None:
        body = exchange.take()
        exchange.answer(body, status if any(map(is_poison, punches_of(body))) else 204)

    return mood


def silent(exchange: Exchange) -> None:
    """Take everything and answer nothing, until the sender goes or the receiver is told something else."""
    exchange.server.receiver.note(exchange, exchange.take(), 0)
    exchange.over.wait(MOST_SECONDS)
    exchange.hang_up()


def dies_in_mid_body(exchange: Exchange) -> None:
    """Read half of it and reset the connection."""
    exchange.take(0.5)
    exchange.server.receiver.broken += 1
    exchange.hang_up(RESET)


def closes(exchange: Exchange) -> None:
    """Take everything, and end the connection in place of an answer."""
    exchange.server.receiver.note(exchange, exchange.take(), 0)
    exchange.hang_up()


def half_an_answer(exchange: Exchange) -> None:
    """A status of 200 whose body ends too early."""
    exchange.server.receiver.note(exchange, exchange.take(), 0)
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    exchange.hang_up()


class RealReceiver:
    """A web server in threads of the test, on a port of loopback that stays the same.

    ``moods`` are used up one a request, then ``mood`` is the one of all. ``secret`` is what signatures are
    compared with.
    """

    def __init__(self, secret: str = SECRET) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.secret = secret
        self.mood: Mood = well
        self.moods: deque[Mood] = deque()
        self.heard: list[Heard] = []
        self.broken = 0
        """How many requests it broke off in mid-body."""
        self.connections = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._listener: _Listener | None = None

    def up(self) -> RealReceiver:
        """Listen."""
        self._listener = _Listener(self)
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def down(self) -> None:
        """Listen no more, and drop all who are connected: from now on connections are refused."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()
            self._listener.drop()
            self._listener = None

    def become(self, mood: Mood, *first: Mood) -> None:
        """Behave otherwise from now on; the moods of ``first`` come before, one a request."""
        with self._lock:
            self.mood, self.moods = mood, deque(first)
            self._over.set()
            self._over = threading.Event()

    def next_mood(self) -> tuple[Mood, threading.Event]:
        """How to behave in the next request, and what tells that this is over."""
        with self._lock:
            return self.moods.popleft() if self.moods else self.mood, self._over

    def note(self, exchange: Exchange, body: bytes, status: int) -> None:
        """Write a request down."""
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        signed = is_signed(self.secret, headers, body)
        heard = Heard(exchange.path, headers, body, punches_of(body), status, signed)
        with self._lock:
            self.heard.append(heard)

    def taken(self) -> list[Heard]:
        """The requests that were answered with a 2xx."""
        with self._lock:
            return [heard for heard in self.heard if 200 <= heard.status < 300]

    def uids(self) -> list[str]:
        """What was taken, in its order, each for the first time."""
        return list(dict.fromkeys(uid for heard in self.taken() for uid in heard.uids))

    def events(self) -> list[dict[str, Any]]:
        """What was taken and is no punch, in its order."""
        return [each for heard in self.taken() for each in objects_of(heard.body) if "uid" not in each]

    def faults(self, feed: list[dict[str, Any]], without: frozenset[str] = frozenset()) -> dict[str, Any]:
        """What is wrong with all that was taken, compared with the feed; empty when it is right.

        Doubles are no fault, but the same uid must stand for the same punch, and the same webhook-id for the
        same message, because receivers tell doubles by them. ``without`` are refused ones.
        """
        wanted = [punch["uid"] for punch in feed if punch["uid"] not in without]
        got = self.uids()
        bodies, contents = Counter[str](), Counter[str]()
        for webhook_id, _ in {(heard.webhook_id, heard.body) for heard in self.heard}:
            bodies[webhook_id] += 1
        for uid, _ in {(punch["uid"], json.dumps(punch, sort_keys=True)) for punch in self._punches()}:
            contents[uid] += 1
        wrong = {
            "missing": sorted(set(wanted) - set(got)),
            "not in the feed": sorted(set(got) - set(wanted)),
            "not in order": got != wanted and sorted(got) == sorted(wanted),
            "one webhook-id for several messages": [each for each, count in bodies.items() if count > 1],
            "one uid for several punches": [each for each, count in contents.items() if count > 1],
            "not signed": sum(not heard.is_signed for heard in self.heard),
        }
        return {what: found for what, found in wrong.items() if found}

    def _punches(self) -> Iterator[dict[str, Any]]:
        for heard in self.heard:
            yield from heard.punches


class _Listener(ThreadingHTTPServer):
    """The threads of a receiver."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver: RealReceiver) -> None:
        self.receiver = receiver
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", receiver.port), Exchange)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Count the connections, and know them."""
        connection, address = super().get_request()
        self.receiver.connections += 1
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """One is over."""
        self._open.discard(request)
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def drop(self) -> None:
        """End all that are still open."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that goes away is no news."""


def objects_of(body: bytes) -> list[dict[str, Any]]:
    """All objects in a message that are punches or events, in their order, however it is wrapped."""
    found: list[dict[str, Any]] = []
    _gather(json.loads(body), found)
    return found


def punches_of(body: bytes) -> list[dict[str, Any]]:
    """The punches of a message, in their order."""
    return [each for each in objects_of(body) if "uid" in each]


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether one of the signatures is that of these very bytes (Standard Webhooks)."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return wanted in headers.get("webhook-signature", "").split()


def _gather(value: Any, found: list[dict[str, Any]]) -> None:
    if isinstance(value, list):
        for each in value:
            _gather(each, found)
    elif isinstance(value, dict):
        if "uid" in value or isinstance(value.get("event"), str):
            found.append(value)
        else:
            _gather(list(value.values()), found)
