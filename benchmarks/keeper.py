"""The store of a round: a Valkey or Redis of its own that syncs every write before it answers."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final

from benchmarks import machine
from tfserver.store.binary import choose_binary

CONFIG: Final = Path(__file__).resolve().parents[1] / "etc" / "redis.conf"
SECONDS: Final = 20.0
SYNCED: Final = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
UNDISTURBED: Final = ("--maxmemory", "0", "--auto-aof-rewrite-min-size", "8gb")
"""A flood must not fill the memory bound, and no rewrite of its file may fall into some rounds only."""


class Keeper:
    """A store that lives as long as the ``with`` block, on the load's core.

    Its data are below ``folder``, on the disk that is measured; its socket is in the folder for temporary
    files, because the path of a socket may not be long.
    """

    def __init__(self, folder: Path) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="store-", dir=folder))
        self._folder = tempfile.mkdtemp(prefix="tfb-")
        self.socket = f"{self._folder}/s"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Keeper:
        place = ["--port", "0", "--unixsocket", self.socket, "--dir", str(self.data)]
        with open(self.data / "log", "wb") as log, machine.on_core(machine.LOAD_CORE):
            self._process = subprocess.Popen(
                [choose_binary(None).path, str(CONFIG), *place, *SYNCED, *UNDISTURBED], stdout=log, stderr=log
            )
        try:
            self._wait(self._process)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, wrong: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def kept(self, stream: str) -> int:
        """How many entries a stream holds."""
        return int(self._ask(f"XLEN {stream}").removeprefix(":"))

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + SECONDS
        while not self._ask("PING").startswith("+PONG"):
            if time.monotonic() > limit or process.poll() is not None:
                raise RuntimeError(f"the store did not start: {(self.data / 'log').read_text()[-500:]}")
            time.sleep(0.02)

    def _remove(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, command: str) -> str:
        """The one-line reply to a command, empty while nobody answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(self.socket)
                connection.sendall(command.encode() + b"\r\n")
                return connection.recv(4096).decode().strip()
            except OSError:
                return ""


def program() -> str:
    """Which server that is, for the table."""
    chosen = choose_binary(None)
    return f"{chosen.flavour.capitalize()} {chosen.version}"
