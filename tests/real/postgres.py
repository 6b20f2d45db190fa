"""A real PostgreSQL for tests and benchmarks."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.real.process import free_port, is_running
from tests.real.store import SECONDS, wait_until

DEBIAN: Final = Path("/usr/lib/postgresql")
SMALL: Final = {
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "fsync": "on",
    "synchronous_commit": "on",
}
"""It syncs as it does by default, but takes little memory."""
OTHER_USERS: Final = ("postgres", "nobody")
"""Who runs it where a test is run by root, which it refuses."""


class RealPostgres:
    """A server on a port of loopback that stays the same; the folder outlives ``kill`` and ``stop``.

    ``more`` are settings of the server. Whoever asks from loopback is let in.
    """

    def __init__(self, within: str | None = None, **more: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="tfp-", dir=within)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._settings = {**SMALL, **more}
        self._user = other_user()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RealPostgres:
        """Start it, the first time with an empty database, and wait until it answers."""
        if not os.path.exists(self.data):
            self._make()
        self.spawn()
        wait_until(self._is_up, "PostgreSQL answers")
        return self

    def spawn(self) -> None:
        """Start it without waiting; it must have been started before."""
        place = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": ""}
        settings = [f"--{name}={value}" for name, value in {**place, **self._settings}.items()]
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", self.data, *settings],
                cwd=self.folder,
                user=self._user,
                extra_groups=None if self._user is None else (),
                stdout=log,
                stderr=log,
            )

    @property
    def log(self) -> str:
        """Path of what it printed."""
        return os.path.join(self.folder, "log")

    @property
    def pid(self) -> int:
        """The process that runs, or ran last."""
        assert self._process is not None
        return self._process.pid

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query; psycopg.OperationalError while it is not there."""
        with psycopg.connect(self.url, connect_timeout=SECONDS, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def run(self, statement: str) -> None:
        """Execute what has no rows."""
        with psycopg.connect(self.url, connect_timeout=SECONDS, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """End it as its administrator does: who is connected is cut off, and the data are in order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """kill -9 of all its processes, as when the machine goes away."""
        children = self.pause()
        self.signal(signal.SIGKILL, [*children, self.pid])
        assert self._process is not None
        self._process.wait(SECONDS)
        # a child that still has the shared memory would keep the next start from its data
        wait_until(lambda: not any(map(is_running, children)), "PostgreSQL's processes end")

    def restart(self) -> None:
        """Stop it and start it again at the same place."""
        self.stop()
        self.start()

    def pause(self) -> list[int]:
        """SIGSTOP: connections stay and nothing is answered; the ids of its children."""
        self._halt([self.pid])  # first, so that no child is missed
        children = self.children()
        self._halt(children)
        return children

    def resume(self) -> None:
        """SIGCONT."""
        self.signal(signal.SIGCONT, [*self.children(), self.pid])

    def children(self) -> list[int]:
        """The processes that it started, which are in sessions of their own."""
        return [int(each) for each in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def signal(self, number: signal.Signals, pids: list[int]) -> None:
        """Send a signal to processes of it; one may have ended meanwhile."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def remove(self) -> None:
        """End it and forget its data."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self) -> None:
        """An empty database in the folder, which belongs to the user who runs it."""
        if self._user is not None:
            shutil.chown(self.folder, self._user)
        options = ["-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        done = subprocess.run(
            [program("initdb"), *options],
            cwd=self.folder,
            user=self._user,
            extra_groups=None if self._user is None else (),
            capture_output=True,
            text=True,
            timeout=6 * SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _halt(self, pids: list[int]) -> None:
        """SIGSTOP, and wait until it has its effect."""
        self.signal(signal.SIGSTOP, pids)
        wait_until(
            lambda: all(not is_running(pid) or state_of(pid) == "T" for pid in pids), "they stand still"
        )

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, Path(self.log).read_text()[-2000:]
        try:
            return self.rows("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False


def is_installed() -> bool:
    """Whether there is a PostgreSQL to be started."""
    return bool(_found("postgres") and _found("initdb"))


def program(name: str) -> str:
    """The path of one of its programs; Debian keeps them out of PATH."""
    path = _found(name)
    assert path, f"no {name} in PATH or below {DEBIAN}"
    return path


def other_user() -> str | None:
    """Who has to run it: somebody else when root asks, else nobody else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in OTHER_USERS if name in known)


def state_of(pid: int) -> str:
    """What a process does, in the letter of ps."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _found(name: str) -> str:
    newest = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]), reverse=True)
    return str(newest[0]) if newest else shutil.which(name) or ""
