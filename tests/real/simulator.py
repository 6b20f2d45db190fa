"""The simulator as a process, and what its acknowledgements say about the feed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.real.server import ROOT
from tests.real.store import SECONDS

Key = tuple[Any, ...]


class RealSimulator:
    """``tfserver simulate`` with quick retries, its acknowledgements in a file."""

    def __init__(self, url: str, *options: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="tfc-")
        self._command = [sys.executable, "-m", "tfserver.simulator", "--url", url, "--json", "--seed", "7"]
        self._command += ["--retry", "0.3", "--resend", "0.3", "--ack-file", self.ack_file, *options]
        self._process: subprocess.Popen[str] | None = None

    @property
    def ack_file(self) -> str:
        """Each acknowledged record as a line, written at once."""
        return os.path.join(self.folder, "acks")

    @property
    def obeyed_file(self) -> str:
        """Each command that a terminal did as a line, written before it is answered."""
        return os.path.join(self.folder, "obeyed")

    @property
    def holds_file(self) -> str:
        """What the terminals keep, after `write_holds`."""
        return os.path.join(self.folder, "holds")

    def write_holds(self) -> RealSimulator:
        """Let it write down whom its terminals keep, for `holds`; to be called before the start."""
        self._command += ["--holds", self.holds_file]
        return self

    def write_obeyed(self) -> RealSimulator:
        """Let it write down what its terminals do, for `obeyed`; to be called before the start."""
        self._command += ["--obeyed-file", self.obeyed_file]
        return self

    def start(self) -> RealSimulator:
        """Start it without waiting for anything."""
        self._process = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return self

    def acked(self) -> Counter[Key]:
        """The identities of all records acknowledged so far."""
        return Counter(key_of(line) for line in whole_lines(self.ack_file))

    def obeyed(self, word: str = "") -> list[dict[str, Any]]:
        """What the terminals did so far, of one word or all: ``sn``, ``cmd``, ``at`` (`time.monotonic`)."""
        return [line for line in whole_lines(self.obeyed_file) if word in ("", line["cmd"])]

    def holds(self) -> dict[str, dict[str, Any]]:
        """What its terminals keep now, by serial number and ``enrollid`` (see `tfserver.simulator.holds`)."""
        assert self._process is not None
        before = _holds_of(self.holds_file)["writing"]
        self._process.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + SECONDS
        while (found := _holds_of(self.holds_file))["writing"] == before:
            assert time.monotonic() < deadline, "the simulator wrote nothing"
            time.sleep(0.01)
        terminals: dict[str, dict[str, Any]] = found["terminals"]
        return terminals

    def leave_or_return(self) -> None:
        """Take the network from all its terminals, or give it back to them."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR2)

    def report(self, seconds: float = 2 * SECONDS) -> dict[str, Any]:
        """Wait for its end, and return its report; AssertionError when not everything was acknowledged."""
        assert self._process is not None
        out, err = self._process.communicate(timeout=seconds)
        assert self._process.returncode == 0, f"{self._process.returncode}: {out} {err}"
        found: dict[str, Any] = json.loads(out)
        return found

    def interrupt(self) -> dict[str, Any]:
        """SIGTERM, and the report."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        out, err = self._process.communicate(timeout=2 * SECONDS)
        assert out, err
        found: dict[str, Any] = json.loads(out)
        return found

    def remove(self) -> None:
        """kill -9, if it still runs, and forget its files."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate(timeout=SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)


def _holds_of(path: str) -> dict[str, Any]:
    """The file of a simulator; the process writes it first before it connects."""
    deadline = time.monotonic() + SECONDS
    while not os.path.exists(path):
        assert time.monotonic() < deadline, "the simulator did not start"
        time.sleep(0.01)
    found: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    return found


def whole_lines(path: str) -> list[dict[str, Any]]:
    """The objects of a file that is still being written, line by line; none while it is not there."""
    lines = Path(path).read_text().splitlines(keepends=True) if os.path.exists(path) else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def key_of(record: dict[str, Any]) -> Key:
    """The identity of a punch, of the feed or of a terminal (design §2.3)."""
    when = record.get("device_time") or record["time"]
    return (record["sn"].upper(), record["enrollid"], when, *(record[n] for n in ("mode", "inout", "event")))


def faults(acked: Counter[Key], feed: Iterable[dict[str, Any]]) -> dict[str, int]:
    """What is wrong with a feed: acknowledged records that are lost, and doubles; empty when it is right."""
    rows = list(feed)
    found = Counter(key_of(row) for row in rows)
    uids = Counter(row["uid"] for row in rows)
    wrong = {
        "lost": sum(key not in found for key in acked),
        "doubled": sum(count > 1 for count in found.values()),
        "doubled uid": sum(count > 1 for count in uids.values()),
    }
    return {name: count for name, count in wrong.items() if count}
