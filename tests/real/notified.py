"""What a process tells its service manager: the other end of NOTIFY_SOCKET."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile

from tests.real.store import SECONDS

Said = dict[str, str]


class Notified:
    """A datagram socket in a folder of its own; ``address`` is for NOTIFY_SOCKET."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="tfn-")
        self.address = os.path.join(self._folder, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def new(self) -> list[Said]:
        """What came since the last call, without waiting."""
        self._socket.setblocking(False)
        found = []
        while True:
            try:
                found.append(_decoded(self._socket.recv(1 << 16)))
            except BlockingIOError:
                return found

    def until(self, name: str, seconds: float = SECONDS) -> Said:
        """Wait for the next message that has such a line; TimeoutError when none comes."""
        self._socket.settimeout(seconds)
        while True:
            said = _decoded(self._socket.recv(1 << 16))
            if name in said:
                return said

    def remove(self) -> None:
        """Hear no more."""
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _decoded(told: bytes) -> Said:
    lines = (line.partition("=") for line in told.decode().splitlines())
    return {name: text for name, _, text in lines}
