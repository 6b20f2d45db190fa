"""Programs that measure: started on the core that is theirs, heard at their end, ended whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from benchmarks import machine
from benchmarks.contestants import MASTER_KEY, Running
from benchmarks.place import HERE

SECONDS: Final = 300.0


def start(program: str, given: dict[str, Any], more: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """Start a program of this folder with these options; of one that is given twice the later counts."""
    options = [f"--{name}={value}" for name, value in given.items()]
    environment = {**os.environ, "TFSERVER_MASTER_KEY": MASTER_KEY}
    with machine.on_core(machine.LOAD_CORE):
        return subprocess.Popen(
            [sys.executable, str(HERE / program), *options, *more],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )


def told(process: subprocess.Popen[str], server: Running, patience: float = SECONDS) -> dict[str, Any]:
    """What a program found; RuntimeError with the server's last words when it failed."""
    said, _ = process.communicate(timeout=patience)
    if process.returncode:
        raise RuntimeError(f"the load failed; {server.contestant.name} said: {server.said()[-1000:]}")
    found: dict[str, Any] = json.loads(said)
    return found


def end(process: subprocess.Popen[str]) -> None:
    """Let a program go that may still run."""
    if process.poll() is None:
        process.kill()
        process.wait()
