"""Servers whose master keys stand in a file, and what an administrator does with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.real.placed import PlacedServer
from tests.real.server import ROOT
from tests.real.store import SECONDS, RealStore
from tfserver.store.address import Address
from tfserver.store.blocking import Blocking
from tfserver.store.keyring import KeyFile
from tfserver.store.users import Pushed
from tfserver.store.vault import Vault


def bare_environment() -> dict[str, str]:
    """That of this process without anything of ours in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


class FiledServer(PlacedServer):
    """A server that is given its master key by its configuration alone."""

    @property
    def environment(self) -> dict[str, str]:
        """One without a key."""
        return bare_environment()


def begun(*words: str) -> subprocess.Popen[str]:
    """``tfserver WORDS`` as a process of its own."""
    command = [sys.executable, "-m", "tfserver.cli.main", *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=bare_environment()
    )


def done(*words: str, status: int = 0) -> str:
    """What it said, once it has ended."""
    process = begun(*words)
    out, err = process.communicate(timeout=4 * SECONDS)
    assert process.returncode == status, (process.returncode, out, err)
    return out + err


def opened(store: RealStore, path: str) -> dict[tuple[int, int, str], str]:
    """Every credential in a store by person, slot and terminal, opened with the keys in a file."""
    vault = Vault(*KeyFile(Path(path)).keys)
    found = {}
    with Blocking(Address("unix", path=store.socket)) as blocking:
        names = blocking.ask("KEYS", "tf:user:*")
        rows = blocking.ask_all([("HGETALL", name) for name in names])
        for name, row in zip(names, rows, strict=True):
            flat: list[Any] = [one.decode() for one in row]
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            number = int(name.rpartition(b":")[2])
            for field, text in fields.items():
                if field.startswith("c:"):
                    _, slot, sn = field.split(":", 2)
                    pushed = msgspec.json.decode(text, type=Pushed)
                    # older releases kept it in place
                    sealed = pushed.sealed or fields[f"r:{slot}:{pushed.version}"]
                    found[number, int(slot), sn] = vault.open(fields["key"], number, int(slot), sealed)
    return found
