"""A real sentinel for tests: the store's own program with another task."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.real.store import SECONDS, wait_until
from tests.store.connected import free_port
from tfserver.store.binary import choose_binary


class RealSentinel:
    """Watches the primary on ``port`` under the name ``main``."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._folder = tempfile.mkdtemp(prefix="tfn-")
        config = Path(self._folder, "sentinel.conf")
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._folder}\n"
            f"sentinel monitor main 127.0.0.1 {port} 1\n"
        )
        with open(Path(self._folder, "log"), "wb") as log:
            self._process = subprocess.Popen(
                [choose_binary(None).path, str(config), "--sentinel"], stdout=log, stderr=log
            )

    def start(self) -> RealSentinel:
        """Wait until it answers."""
        wait_until(self._answers, "the sentinel answers")
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(100).startswith(b"+PONG")
        except OSError:
            return False

    def remove(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
