"""Servers on loopback, in threads: one that answers HTTP as it is told, one that answers with given bytes."""

from __future__ import annotations

import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import Outcome, call

TOKEN = "tfs_stub"


class Asked(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    token: str
    accept: str = ""


class Answer(NamedTuple):
    """What is to be answered; a body that is no text is sent as JSON."""

    status: int
    body: Any
    headers: dict[str, str] = {}


def problem(status: int, detail: str, *errors: tuple[str, str]) -> Answer:
    """An error as the API tells it."""
    told: dict[str, Any] = {"type": "about:blank", "title": "x", "status": status, "detail": detail}
    if errors:
        told["errors"] = [{"field": field, "message": message} for field, message in errors]
    return Answer(status, told)


class Stub:
    """Answers by method and path; of several answers the last one stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.headers: list[dict[str, str]] = []
        """Of each request, as they came."""
        self._answers: defaultdict[str, deque[Answer]] = defaultdict(deque)
        stub = self

        class Handler(BaseHTTPRequestHandler):
            """Hands everything to the stub."""

            def handle_one_request(self) -> None:
                """One request, whatever its method."""
                self.raw_requestline = self.rfile.readline(65_537)
                if self.raw_requestline and self.parse_request():
                    stub.answer(self)
                self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on stderr: that is the command's."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, what: str, *answers: Any) -> None:
        """Answer so from now on; what is no Answer is a body with status 200. One parameter may be named."""
        self._answers[what] = deque(a if isinstance(a, Answer) else Answer(200, a) for a in answers)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Remember a request and answer it."""
        parts = urlsplit(request.path)
        length = int(request.headers.get("Content-Length") or 0)
        data = request.rfile.read(length)
        is_file = request.headers.get("Content-Type") not in (None, "application/json")
        body = (data if is_file else json.loads(data)) if length else None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        path = unquote(parts.path.removeprefix("/api/v1"))
        accept = request.headers.get("Accept", "")
        self.asked.append(Asked(request.command, path, dict(parse_qsl(parts.query)), body, token, accept))
        self.headers.append(dict(request.headers.items()))
        waiting = self._waiting(self.asked[-1])
        found = problem(404, f"nothing at {path}") if not waiting else waiting[0]
        if len(waiting) > 1:
            waiting.popleft()
        text = found.body if isinstance(found.body, str) else json.dumps(found.body)
        request.send_response(found.status)
        for name, value in {"Content-Length": str(len(text.encode())), **found.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(text.encode())

    def _waiting(self, asked: Asked) -> deque[Answer]:
        for what, answers in self._answers.items():
            where, _, query = what.partition("?")
            if (
                query
                and where == f"{asked.method} {asked.path}"
                and parse_qsl(query)[0] in asked.query.items()
            ):
                return answers
        return self._answers[f"{asked.method} {asked.path}"]

    def close(self) -> None:
        """No more requests."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Parrot:
    """A TCP server that says one thing to everybody and remembers what it heard first."""

    def __init__(self, said: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self._said = said
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it is."""
        port: int = self._listening.getsockname()[1]
        return port

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.heard = connection.recv(65_536)
                connection.sendall(self._said(self.heard))

    def close(self) -> None:
        """No more connections."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


class StubCase(SynchronousTestCase):
    """Commands against a stub server."""

    def setUp(self) -> None:
        self.stub = Stub()
        self.addCleanup(self.stub.close)

    def ask(self, *words: str) -> Outcome:
        """A command to the stub."""
        return call(*words, TFSERVER_URL=self.stub.url, TFSERVER_TOKEN=TOKEN)

    def only(self) -> Asked:
        """The one request there was."""
        [asked] = self.stub.asked
        return asked

    def parrot(self, said: Callable[[bytes], bytes]) -> Parrot:
        """A TCP server that ends with the test."""
        found = Parrot(said)
        self.addCleanup(found.close)
        return found


def terminal(sn: str = "ZXDM26010042", **changed: Any) -> dict[str, Any]:
    """A terminal as the API tells of it: approved, online, all well."""
    found = {
        "sn": sn, "name": "Gate", "site": "Lisbon", "timezone": "Europe/Lisbon", "admission": "approved",
        "online": True, "owner": "one", "connected_at": "2026-04-02T06:00:00.000Z",
        "last_frame": "2026-04-02T07:59:58.000Z", "last_punch": "2026-04-02T07:00:00.000Z",
        "clock_offset_ms": -200, "clock": "ok", "devinfo": {"modelname": "TFS30"},
        "capacity": {"log": {"size": 1000, "used": 10, "free": 990}},
        "completeness": {"until": None, "why": "not established", "since": None, "gaps": []},
        "model_profile": None, "tags": [],
    }  # fmt: skip
    return {**found, **changed}


def order(state: str, **changed: Any) -> dict[str, Any]:
    """An order as the API tells of it."""
    found = {
        "id": "5b2f0c9e1a", "sn": "ZXDM26010042", "cmd": "opendoor", "args": {"doornum": 1}, "state": state,
        "reply": None, "error": None, "actor": "token ab12", "created": "2026-04-02T07:00:00.000Z",
        "sent": None, "finished": None, "expires": "2026-04-02T07:00:05.000Z", "attempts": 0,
    }  # fmt: skip
    return {**found, **changed}


def punch(number: int, **changed: Any) -> dict[str, Any]:
    """A punch as the API tells of it."""
    found = {
        "id": f"{number}-0", "uid": f"{number:032x}", "sn": "ZXDM26010042", "site": "Lisbon", "kind": "punch",
        "enrollid": number, "external_id": None, "device_time": "2026-04-02 08:15:00",
        "time": "2026-04-02T08:15:00+01:00", "utc": "2026-04-02T07:15:00.000Z", "offset_ms": 0,
        "received": "2026-04-02T07:15:01.000Z", "mode": 1, "verify": "fingerprint", "inout": 0, "event": 0,
        "temp": None, "clock": "ok", "extra": {},
    }  # fmt: skip
    return {**found, **changed}
