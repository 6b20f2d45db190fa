"""Where the master keys stand: a file with one a line, or a variable; read again whenever they changed."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tfserver.errors import ConfigError, StartError
from tfserver.store.vault import read_master_key

_BETWEEN: Final = re.compile(r"[\s,]+")


def parse_keys(text: str, source: str) -> tuple[bytes, ...]:
    """The master keys in a text, with line ends, commas or blanks between; ConfigError names the source."""
    words = [word for word in _BETWEEN.split(text) if word] or [""]
    return tuple(dict.fromkeys(read_master_key(word, source) for word in words))


class Keyring:
    """Master keys that stay as they are: given by a variable."""

    path: Path | None = None
    """The file that they stand in."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self.keys = parse_keys(text, source)
        """The first is that of a store which has none yet."""

    @property
    def texts(self) -> list[str]:
        """Them as they are written."""
        return [base64.b64encode(key).decode() for key in self.keys]

    def again(self) -> Sequence[bytes]:
        """What there is by now."""
        return self.keys


class KeyFile(Keyring):
    """Master keys in a file, which another may replace at any time."""

    def __init__(self, path: Path, source: str = "") -> None:
        self.path = path
        self.keys = ()
        self.source = source or str(path)
        self._seen: tuple[int, ...] = ()
        self._read()

    def again(self) -> Sequence[bytes]:
        """What stands there by now; what was read last while it is being changed, or can't be read."""
        with contextlib.suppress(ConfigError, StartError):
            self._read()
        return self.keys

    def _read(self) -> None:
        assert self.path is not None
        try:
            found = self.path.stat()
            mark = (found.st_mtime_ns, found.st_ino, found.st_size)
            if mark != self._seen:
                text = self.path.read_text("ascii", "replace")
                self.keys, self._seen = parse_keys(text, str(self.path)), mark
        except OSError as wrong:
            raise StartError(f"{self.source}: can't read {self.path}: {wrong}") from wrong

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let nobody else change it meanwhile; StartError when somebody does."""
        assert self.path is not None
        fd = os.open(self.path.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(fd, self.path)
            yield
        finally:
            os.close(fd)

    def replace(self, texts: Sequence[str]) -> None:
        """Write these keys, with owner and mode as they are; after a crash it is the old or the new file."""
        assert self.path is not None
        real = self.path.resolve()
        try:
            _replace(real, "".join(f"{text}\n" for text in texts).encode())
        except OSError as wrong:
            raise StartError(f"can't write {self.path}: {wrong.strerror}") from wrong
        self._read()


def _lock(folder: int, path: Path) -> None:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as wrong:
        raise StartError(f"can't keep others from changing {path} meanwhile: {wrong.strerror}") from wrong


def _replace(path: Path, content: bytes) -> None:
    before = path.stat()
    fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, before.st_mode & 0o777)
            if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(fd, before.st_uid, before.st_gid)
            file.write(content)
            file.flush()
            os.fsync(fd)
        os.rename(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # a rename is only on disk when the folder is
        os.fsync(folder)
    finally:
        os.close(folder)
