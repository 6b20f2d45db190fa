"""tfserver itself as a process: started by twistd, found by its ready line."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from tests.real.nursery import Child, begin
from tests.real.store import SECONDS, RealStore, wait_until
from tfserver.store.vault import new_master_key

ROOT = Path(__file__).parents[2]
READY = re.compile(r"tfserver ready: terminals on \S+?:(\d+).*?, people on \S+?:(\d+)")
KEY = new_master_key()
OUTSIDE = ("/", "/healthz", "/readyz", "/metrics")
"""The paths that are not below ``/api/v1``."""
TWISTD = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"


class Answer(NamedTuple):
    """An answer over HTTP: its status (0: none came), decoded body, and headers with names in lower case."""

    status: int
    body: Any
    headers: dict[str, str]


class RealServer:
    """``twistd -n tfserver`` on free ports of loopback, in ``folder``, logging to ``folder/log``."""

    settings = ""
    """YAML for servers that were given no file of their own."""
    root: Path = ROOT
    """Where the program stands: another one for another version."""

    def __init__(self, *options: str, folder: str | None = None, store: RealStore | None = None) -> None:
        self.folder = folder or tempfile.mkdtemp(prefix="tfd-")
        self.options = (*options, "--redis", store.url) if store else options
        self._store = store
        self.terminals = 0
        self.http = 0
        self.token = ""
        self._process: Child | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables it is started with."""
        return {**os.environ, "PYTHONPATH": str(self.root), "TFSERVER_MASTER_KEY": KEY}

    def spawn(self) -> Child:
        """Start it without waiting."""
        words = ["-n", "--pidfile=", "tfserver"]
        words += ["--terminals", "tcp:0:interface=127.0.0.1", "--http", "tcp:0:interface=127.0.0.1"]
        if self.settings and "-c" not in self.options:
            Path(self.folder, "settings.yaml").write_text(self.settings)
            words += ["-c", "settings.yaml"]
        words += self.options
        with open(self.log, "wb") as log:
            self._process = begin(TWISTD, words, self.folder, self.environment, log.fileno())
        return self._process

    @property
    def log(self) -> str:
        """Path of what it printed."""
        return os.path.join(self.folder, "log")

    def said(self) -> str:
        """What it printed so far."""
        return Path(self.log).read_text("utf-8", "replace")

    def start(self) -> RealServer:
        """Start it and wait for the ready line."""
        process = self.spawn()
        wait_until(lambda: READY.search(self.said()) or process.poll() is not None, "the server is ready")
        found = READY.search(self.said())
        assert found is not None, self.said()
        self.terminals, self.http = int(found[1]), int(found[2])
        own = Path(self.folder, "tfserver-data", "admin-token")
        if self._store is not None:
            self.token = self.token or new_admin_token(self._store)
        elif own.exists():
            self.token = own.read_text().strip()
        return self

    @property
    def url(self) -> str:
        """Where terminals connect."""
        return f"ws://127.0.0.1:{self.terminals}/pub/chat"

    def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a GET; a path without ``/api/v1`` in front is below it."""
        return self.ask("GET", path, None, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a PATCH."""
        return self.ask("PATCH", path, json.dumps(body).encode(), **headers)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a POST."""
        return self.ask("POST", path, json.dumps(body).encode(), **headers)

    def put(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a PUT."""
        return self.ask("PUT", path, json.dumps(body).encode(), **headers)

    def delete(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of a DELETE."""
        return self.ask("DELETE", path, None, **headers)

    def ask(self, method: str, path: str, body: bytes | None, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of one HTTP request; see `exchange`."""
        return self.exchange(method, path, body, **headers)[:2]

    def exchange(self, method: str, path: str, body: bytes | None, **headers: str) -> Answer:
        """One HTTP request with the token, and the whole answer.

        Headers have underscores for hyphens: ``idempotency_key="k1"``. An empty one is not sent, so that
        ``authorization=""`` asks without a token.
        """
        base = f"http://127.0.0.1:{self.http}"
        below = path if path.split("?")[0] in OUTSIDE else f"/api/v1{path}"
        request = urllib.request.Request(base + below, data=body, method=method)
        kind = "" if body is None else "application/json"
        sent = {"authorization": f"Bearer {self.token}", "content_type": kind, **headers}
        for name, value in sent.items():
            if value:
                request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return _answer(answer.status, answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused.code, refused)
        except (OSError, http.client.HTTPException):
            return Answer(0, None, {})

    def punches(self) -> list[dict[str, Any]]:
        """The whole feed."""
        found: list[dict[str, Any]] = []
        cursor = "0"
        while True:
            status, page = self.get(f"/punches?after={cursor}&limit=1000")
            assert status == 200, page
            found += page["punches"]
            if page["next"] == cursor:
                return found
            cursor = page["next"]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self._process is not None
        return self._process.wait(SECONDS)

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when that does not help."""
        if self._process is None or self._process.poll() is not None:
            return
        self.signal(signal.SIGTERM)
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()


def new_admin_token(store: RealStore) -> str:
    """Make a token the way an administrator does."""
    command = [sys.executable, "-m", "tfserver.cli.main", "token", "create", "--role", "admin"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--redis", store.url], capture_output=True, text=True, timeout=SECONDS, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _answer(status: int, answer: Any) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Answer(status, _decoded(answer.read()), headers)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
