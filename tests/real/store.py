"""A real Valkey or Redis for tests."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tfserver.store.binary import choose_binary

CONFIG = Path(__file__).parents[2] / "etc" / "redis.conf"
SECONDS = 20


class RealStore:
    """A server in a folder of its own; the folder outlives ``kill``, so ``start`` finds the data again."""

    config = CONFIG

    def __init__(self, *extra: str, port: int = 0) -> None:
        self.folder = tempfile.mkdtemp(prefix="tfs-")
        self.socket = os.path.join(self.folder, "s")
        self.url = f"unix://{self.socket}"
        self._extra = extra
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RealStore:
        """Start it with the settings of ``etc/redis.conf`` and wait until it answers."""
        place = ["--port", str(self._port), "--unixsocket", self.socket, "--dir", self.folder]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self._process = subprocess.Popen(
                [_program(), str(self.config), *place, *self._extra], stdout=log, stderr=log
            )
        wait_until(lambda: self.ask("PING").startswith("+PONG"), "the store answers")
        return self

    def ask(self, command: str) -> str:
        """Send one inline command and return the beginning of the reply, empty while it is not there."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self.socket)
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(1 << 20).decode("utf-8", "replace")
            except OSError:
                return ""

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(SECONDS)

    def pause(self) -> None:
        """SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        """End it and forget its data."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@functools.cache
def _program() -> str:
    # its version is asked by a process of its own: once, not before each of more than a thousand starts
    return choose_binary(None).path


def wait_until(true: object, what: str, seconds: float = SECONDS) -> None:
    """Poll until ``true()`` is; AssertionError names what did not happen."""
    assert callable(true)
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not happen in {seconds} s: {what}")
        time.sleep(0.02)
