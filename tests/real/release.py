"""The release before this one, out of the repository's own history."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

from tests.real.placed import PlacedServer
from tests.real.server import ROOT
from tests.real.store import RealStore

PREVIOUS: Final = "97b808b"
"""The commit of that release."""


@cache
def previous() -> Path:
    """A folder with the program of that release, for as long as this process runs."""
    folder = Path(tempfile.mkdtemp(prefix="tfr-"))
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", PREVIOUS, "tfserver", "twisted"], capture_output=True
    )
    assert packed.returncode == 0, (
        f"the repository does not have commit {PREVIOUS}, the previous release: this test needs the history "
        f"(git fetch --unshallow). {packed.stderr.decode()}"
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    return folder


def forget() -> None:
    """Remove that folder."""
    if previous.cache_info().currsize:
        shutil.rmtree(previous(), ignore_errors=True)
        previous.cache_clear()


class PreviousServer(PlacedServer):
    """A server of the previous release."""

    def __init__(self, *options: str, store: RealStore | None = None) -> None:
        super().__init__(*options, store=store)
        self.root = previous()
