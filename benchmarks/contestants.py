"""Who is measured: how each server is started, and when it is ready."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

from benchmarks import machine
from benchmarks.keeper import Keeper
from benchmarks.place import HERE, PEERS, ROOT, Place
from tfserver.store.vault import new_master_key

SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
TWISTD: Final = "import sys; from twisted.scripts.twistd import run; sys.argv[0] = 'twistd'; run()"
CONFIG: Final = """\
terminals:
  endpoints: ["tcp:0:interface=127.0.0.1"]
  timezone: UTC
http:
  endpoint: "tcp:0:interface=127.0.0.1"
catchup:
  enabled: false
"""
# One for all: several tfservers on one store have to agree on it, and so does who puts orders there.
MASTER_KEY: Final = new_master_key()
_READY: Final = re.compile(
    r"^ready (\d+)$|tfserver ready: terminals on \S+?:(\d+), people on \S+?:(\d+)", re.MULTILINE
)


class Contestant(NamedTuple):
    """A server to measure.

    ``command`` makes its command line from the work folder, its own folder and the socket of its store;
    ``stream`` is where it keeps records, empty when it keeps none. One that ``needs_node`` is not measured
    without.
    """

    name: str
    command: Callable[[Place, Path, str], list[str]]
    stream: str = ""
    needs_node: bool = False
    options: tuple[str, ...] = ()
    """What the load is told besides: variants of one work differ in it."""
    has_postgres: bool = False
    """Whether its archive is in PostgreSQL."""


def _tfserver(place: Place, folder: Path, socket: str) -> list[str]:
    config = folder / "tfserver.yaml"
    config.write_text(CONFIG)
    options = ["-c", str(config), "--admission", "open", "--redis", f"unix://{socket}"]
    return [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "tfserver", *options]


def _no_store(place: Place, folder: Path, socket: str) -> list[str]:
    return [sys.executable, str(HERE / "no_store.py")]


def _autobahn(place: Place, folder: Path, socket: str) -> list[str]:
    return [str(place.python), str(PEERS / "autobahn_peer.py")]


def _websockets(place: Place, folder: Path, socket: str) -> list[str]:
    return [str(place.python), str(PEERS / "websockets_peer.py"), socket]


def _websockets_pipeline(place: Place, folder: Path, socket: str) -> list[str]:
    return [*_websockets(place, folder, socket), "pipeline"]


def _node(place: Place, folder: Path, socket: str) -> list[str]:
    return ["node", str(PEERS / "ws_peer.js"), *([socket] if socket else [])]


TFSERVER: Final = Contestant("tfserver", _tfserver, "tf:punches")
MANY_DOORS: Final = Contestant("tfserver, 50 terminals", _tfserver)
ONE_DOOR: Final = Contestant("tfserver, 1 terminal", _tfserver, options=("--terminals=1",))
FROM_ELSEWHERE: Final = Contestant("tfserver, put by another process", _tfserver, options=("--way=process",))
IN_BATCHES: Final = Contestant("tfserver", _tfserver, options=("--way=webhook",))
SENDER: Final = Contestant("redis-py + aiohttp beside it", _tfserver, options=("--way=peer",))
IN_POSTGRES: Final = Contestant("tfserver, PostgreSQL", _tfserver, has_postgres=True)
IN_SQLITE: Final = Contestant("tfserver, SQLite", _tfserver)
OVER_HTTP: Final = Contestant("tfserver, put over HTTP", _tfserver, options=("--way=http",))
NO_STORE: Final = Contestant("tfserver, store a no-op", _no_store)
AUTOBAHN: Final = Contestant("Autobahn", _autobahn)
NODE: Final = Contestant("Node ws", _node, needs_node=True)
NODE_REDIS: Final = Contestant("Node ws + ioredis", _node, "punches", needs_node=True)
WEBSOCKETS: Final = Contestant("websockets + redis-py", _websockets, "punches")
PIPELINE: Final = Contestant("websockets + redis-py pipeline", _websockets_pipeline, "punches")


class Running:
    """A contestant as a process on the server's core, for the ``with`` block; ``settings`` are tfserver's."""

    def __init__(
        self, contestant: Contestant, place: Place, store: Keeper | None, settings: str = ""
    ) -> None:
        self.contestant = contestant
        self.port = 0
        self.people = 0
        """The port of its HTTP side, if it has one."""
        self._place = place
        self._store = store
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="server-", dir=place.scratch))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Running:
        socket = self._store.socket if self._store else ""
        command = self.contestant.command(self._place, self._folder, socket)
        if self._settings:
            with open(self._folder / "tfserver.yaml", "a") as file:
                file.write(self._settings)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NODE_PATH": str(self._place.modules),
            "TFSERVER_MASTER_KEY": MASTER_KEY,
        }
        with open(self._folder / "log", "wb") as log, machine.on_core(machine.SERVER_CORE):
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment, stdout=log, stderr=log
            )
        try:
            self.port, self.people = self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def said(self) -> str:
        """What it printed so far."""
        return (self._folder / "log").read_text("utf-8", "replace")

    def _wait(self) -> tuple[int, int]:
        """The ports it listens on, once it says so."""
        assert self._process is not None
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit and self._process.poll() is None:
            found = _READY.search(self.said())
            if found is not None:
                return int(found[1] or found[2]), int(found[3] or 0)
            time.sleep(0.02)
        raise RuntimeError(f"{self.contestant.name} did not start: {self.said()[-1000:]}")

    def _stop(self) -> None:
        """End it and forget its folder. A drain of thousands of connections is not waited for long."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
