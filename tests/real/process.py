"""What a test sees of a process from outside, and ports to put servers on."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO, Final

_RESERVED: Final[list[IO[str]]] = []
"""Locks of the ports that this process was given, for as long as it runs."""


def free_port() -> int:
    """A port nobody listens on, outside the range that the system gives to outgoing connections.

    Tests run in several processes at once: none of them is given the port of another, whoever binds it when.
    """
    chance = random.Random(os.urandom(8))
    while True:
        port = chance.randrange(20_000, 32_000)
        if _is_reserved(port):
            continue
        with socket.socket() as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _is_reserved(port: int) -> bool:
    """Whether another process has it; else it is ours."""
    folder = Path(tempfile.gettempdir(), "tfserver-test-ports")
    folder.mkdir(exist_ok=True)
    lock = folder.joinpath(str(port)).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return True
    _RESERVED.append(lock)
    return False


def is_running(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def is_stopped(pid: int) -> bool:
    """Whether a process stands still by SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def resident_bytes(pid: int) -> int:
    """The memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no VmRSS of {pid}")
