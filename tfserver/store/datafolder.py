"""The data folder of a server without ``--redis``: private, and used by one process at a time.

Everything that must not be read by others or doubled stands in it: the embedded store, the first token, the
master key. Source: design §2.1, §3.3.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from tfserver.errors import StartError
from tfserver.store.binary import Record

PRIVATE_FOLDER = 0o700
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_RECORD = "store.json"
_OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path) -> None:
    """Make ``path`` a folder of mode 0700, or see to it that nobody else can change what is in it.

    A folder that is there and empty (a fresh volume) gets mode 0700 too; one with content keeps its mode,
    since it may be a home folder given by mistake. Raises StartError when it can't be had, isn't ours, or
    others may write to it.
    """
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        found = path.stat()
        _refuse_foreign(path, found)
        if not any(path.iterdir()):
            path.chmod(PRIVATE_FOLDER)
        elif found.st_mode & _WRITABLE_BY_OTHERS:
            raise StartError(f"others can write to {path}: run chmod 700 {path}")
    except OSError as error:
        raise StartError(
            f"can't use the folder {path} ({error.strerror}): choose another with --data-dir"
        ) from error


class DataFolder:
    """The folder given by ``--data-dir``, created with mode 0700 and locked until ``release``.

    ``path`` is absolute. Raises StartError when the folder is not fit, or another process holds it. Make it
    after daemonizing: the lock file names the pid of the process that took it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        private_folder(self.path)
        self._lock_fd: int | None = self._lock()

    def release(self) -> None:
        """Let another process use the folder; harmless when done twice."""
        if self._lock_fd is not None:
            # The file stays: removing it would let two processes lock two different files of one name.
            os.close(self._lock_fd)
            self._lock_fd = None

    def read_or_create_secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the secret in the file ``name``; when there is none, ``make`` makes it and 0600 keeps it.

        Raises StartError when the file is empty, not ours, or could have been read by others.
        """
        secret = self.read(name)
        if secret is None:
            secret = make()
            self.write(name, secret)
        elif not secret:
            raise StartError(f"{self.path / name} is empty: restore it, or remove it to have a new one made")
        return secret

    def read(self, name: str) -> bytes | None:
        """Return what the private file ``name`` holds, None when there is no such file.

        Raises StartError when it isn't ours, or group or others have any right on it.
        """
        path = self.path / name
        try:
            # A link could lead to a file that somebody else controls.
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartError(f"can't read {path}: {error.strerror}") from error
        with os.fdopen(fd, "rb") as file:
            _refuse_open(path, os.fstat(fd))
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Put ``content`` into file ``name`` (mode 0600): after a crash it is the old or the new, never half.

        Raises StartError when the disk refuses.
        """
        try:
            self._replace(self.path / name, content)
        except OSError as error:
            raise StartError(f"can't write {self.path / name}: {error.strerror}") from error

    def record(self) -> Record | None:
        """Return what ``store.json`` says, None before the first start; StartError when it is damaged."""
        content = self.read(_RECORD)
        try:
            return None if content is None else msgspec.json.decode(content, type=Record)
        except msgspec.MsgspecError as error:
            raise StartError(f"{self.path / _RECORD} is damaged ({error}): restore it") from error

    def keep(self, record: Record) -> None:
        """Write ``store.json``; StartError when the disk refuses."""
        self.write(_RECORD, msgspec.json.encode(record))

    def _replace(self, path: Path, content: bytes) -> None:
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=self.path)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(fd)
            os.rename(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        self._sync()

    def _sync(self) -> None:
        # A rename is only on disk when the folder is.
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _lock(self) -> int:
        path = self.path / "lock"
        try:
            # Not inheritable (PEP 446): a child that outlives us must not keep the folder locked.
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StartError(
                f"can't write to {self.path} ({error.strerror}): choose another folder with --data-dir"
            ) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise _lock_refused(self.path, holder, error) from error
        return fd


def running_socket(path: str | os.PathLike[str]) -> str:
    """The socket of the embedded store that runs in a data folder, without locking it; StartError if none."""
    try:
        record = msgspec.json.decode((Path(path) / _RECORD).read_bytes(), type=Record)
    except (OSError, msgspec.MsgspecError) as error:
        raise StartError(f"no embedded store in {path} ({error}): give --redis URL or --data-dir") from error
    return record.socket


def _lock_refused(folder: Path, holder: str, error: OSError) -> StartError:
    if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
        return StartError(
            f"the data folder {folder} is in use by another tfserver (pid {holder}): "
            "stop that one, or give this one a folder of its own with --data-dir"
        )
    return StartError(f"can't lock {folder} ({error.strerror}): --data-dir must be on a disk of this machine")


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise StartError(
            f"{path} is owned by {_user(found.st_uid)}, this process runs as {_user(os.geteuid())}: "
            "run it as the owner, or choose another folder with --data-dir"
        )


def _refuse_open(path: Path, found: os.stat_result) -> None:
    _refuse_foreign(path, found)
    if not stat.S_ISREG(found.st_mode):
        raise StartError(f"{path} is not a regular file: move it away")
    if found.st_mode & _OPEN_TO_OTHERS:
        raise StartError(f"group or others have rights on {path}: run chmod 600 {path}")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
