"""The folder the benchmarks work in: the peers with their pinned versions, set up once."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
PEERS: Final = HERE / "peers"
OURS: Final = ("tfserver", "autobahn", "Twisted", "txredisapi", "hiredis", "msgspec")
SECONDS: Final = 600


class Place:
    """A work folder. It can be deleted at any time; the next run sets it up again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.python = self.folder / "venv" / "bin" / "python"
        self.modules = self.folder / "node_modules"
        self.scratch = self.folder / "scratch"
        self.has_node = bool(shutil.which("node") and shutil.which("npm"))

    def prepare(self) -> None:
        """Install the peers unless the pinned ones are there; those of Node only where there is Node.

        CalledProcessError when pip fails, BlockingIOError while another run works here: two at a time would
        measure each other.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # open until the process ends
        self._lock = open(self.folder / "lock", "w")  # noqa: SIM115
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        wanted = [PEERS / "requirements.txt", PEERS / "package.json"]
        key = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest() + f" {self.has_node}"
        stamp = self.folder / "prepared"
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        if stamp.exists() and stamp.read_text() == key:
            return
        self._run(sys.executable, "-m", "venv", "--clear", str(self.folder / "venv"))
        self._run(str(self.python), "-m", "pip", "install", "--quiet", "-r", str(wanted[0]))
        if self.has_node:
            shutil.copy(wanted[1], self.folder)
            try:
                self._run("npm", "install", "--no-audit", "--no-fund", "--silent")
            except (subprocess.SubprocessError, OSError) as failed:
                # like a machine without Node; asked again the next time
                sys.stderr.write(f"npm could not install the peers, so Node is not measured: {failed}\n")
                self.has_node = False
                return
        stamp.write_text(key)

    def versions(self) -> list[str]:
        """What is compared, as ``name version``, read from what is installed."""
        ours = [f"{name} {metadata.version(name)}" for name in OURS]
        return [*ours, *self._of_python(), *(self._of_node() if self.has_node else ["no Node"])]

    def _of_python(self) -> list[str]:
        names = [line.partition("==")[0] for line in (PEERS / "requirements.txt").read_text().split()]
        ask = "import sys, importlib.metadata as m; print(*(f'{n}=={m.version(n)}' for n in sys.argv[1:]))"
        done = subprocess.run(
            [str(self.python), "-c", ask, *names], capture_output=True, text=True, check=True, timeout=60
        )
        return [f"{found.replace('==', ' ')} (peer)" for found in done.stdout.split()]

    def _of_node(self) -> list[str]:
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True, timeout=60)
        names = json.loads((PEERS / "package.json").read_text())["dependencies"]
        found = [json.loads((self.modules / name / "package.json").read_text()) for name in sorted(names)]
        return [f"Node {node.stdout.strip()}", *(f"{each['name']} {each['version']}" for each in found)]

    def _run(self, *command: str) -> None:
        subprocess.run(command, cwd=self.folder, check=True, timeout=SECONDS)
