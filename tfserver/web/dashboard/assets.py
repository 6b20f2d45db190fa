"""Files that pages load: styles, scripts and pictures, read once and kept by browsers for good.

All stand under one name that changes with any of them: scripts find each other beside themselves, and nobody
mixes two versions.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from importlib.resources import files
from typing import Final, NamedTuple

PLACE: Final = "/assets"
MEDIA: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_LEAST_PACKED: Final = 512


class Assets(NamedTuple):
    """All files by name, plain and packed, and the name they stand under."""

    plain: dict[str, bytes]
    packed: dict[str, bytes]
    version: str

    def place(self, name: str) -> str:
        """The path of a file; KeyError for one that is not there."""
        if name not in self.plain:
            raise KeyError(name)
        return f"{PLACE}/{self.version}/{name}"


@functools.cache
def assets() -> Assets:
    """What is in the folder ``static``."""
    found = sorted(files("tfserver.web.dashboard").joinpath("static").iterdir(), key=lambda file: file.name)
    plain = {file.name: file.read_bytes() for file in found if file.name.rpartition(".")[2] in MEDIA}
    digest = hashlib.sha256()
    for name, data in plain.items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(data), data))
    packed = {
        name: gzip.compress(data, mtime=0) for name, data in plain.items() if len(data) >= _LEAST_PACKED
    }
    return Assets(plain, packed, digest.hexdigest()[:16])
