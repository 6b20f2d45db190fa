"""Python programs that begin as forks of a process which has the libraries loaded already.

The tests start hundreds of servers, and most of the work of a start was importing what none of them changes.
A program gets what ``python -c`` would give it: its own arguments, folder, environment and output, and an
interpreter that ends as usual. Nothing of tfserver is loaded before the fork, nor Twisted's reactor, whose
open files two processes must not share.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

LIBRARIES: Final = (
    "argon2",
    "autobahn.twisted.websocket",
    "babel.dates",
    "babel.messages.mofile",
    "babel.messages.pofile",
    "babel.support",
    "click",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.x509",
    "hiredis",
    "jinja2",
    "msgspec",
    "prometheus_client",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.event",
    "twisted.application.internet",
    "twisted.internet.ssl",
    "twisted.plugin",
    "twisted.scripts.twistd",
    "twisted.web.client",
    "twisted.web.server",
    "werkzeug.datastructures",
    "werkzeug.routing",
    "yaml",
)
"""What a server imports that stands outside of this project."""
_MOST_BYTES: Final = 1 << 17
_STOPPED: Final = "the nursery has ended"


class Child:
    """A running program: the part of `subprocess.Popen` that tests use."""

    def __init__(self, pid: int, end: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        """Its exit status (negative: the signal that ended it), None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended; `subprocess.TimeoutExpired` when that takes longer (s)."""
        if self.returncode is None:
            if not select.select([self._end], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(_line(self._end))
            os.close(self._end)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)


def begin(program: str, words: Sequence[str], folder: str, environment: Mapping[str, str], log: int) -> Child:
    """Start what ``python -c program words`` would, with its output in the open file ``log``."""
    told = {"program": program, "words": list(words), "folder": folder, "environment": dict(environment)}
    message = json.dumps(told).encode()
    assert len(message) <= _MOST_BYTES, "arguments and environment are too large"
    reader, writer = os.pipe()
    socket.send_fds(_nursery(), [message], [writer, log])
    os.close(writer)
    return Child(int(_line(reader)), reader)


@functools.cache
def _nursery() -> socket.socket:
    """The way to this process's nursery, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # -P: this file's folder is no place that modules come from
        command = [sys.executable, "-P", __file__, str(theirs.fileno())]
        subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    return ours


def _line(pipe: int) -> str:
    """A line of a pipe, byte by byte, so that the next one stays in it."""
    found = bytearray()
    while not found.endswith(b"\n"):
        byte = os.read(pipe, 1)
        assert byte, _STOPPED
        found += byte
    return found.decode()


def _serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork for each request. Comes back in the new process with the request, and with None at the end."""
    # who waits for a program is waited for by nobody
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        message, files, _, _ = socket.recv_fds(requests, _MOST_BYTES, 2)
        if not message:
            return None
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            _attend(files[0])
            os.dup2(files[1], 1)
            os.dup2(files[1], 2)
            os.close(files[1])
            found: dict[str, Any] = json.loads(message)
            return found
        for each in files:
            os.close(each)


def _attend(told: int) -> None:
    """Fork again and come back in the new process; the old one tells its number and end, and ends."""
    pid = os.fork()
    if pid == 0:
        os.close(told)
        return
    os.write(told, b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    # nobody may listen any more
    with contextlib.suppress(BrokenPipeError):
        os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(told: dict[str, Any]) -> None:
    """Take on arguments, folder and environment of a program."""
    os.chdir(told["folder"])
    os.environ.clear()
    os.environ.update(told["environment"])
    paths = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:0] = ["", *paths]
    sys.argv[:] = ["-c", *told["words"]]


def _main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    for library in LIBRARIES:
        importlib.import_module(library)
    assert "twisted.internet.reactor" not in sys.modules
    # what is here stays for good: no collection of a program need look at it
    gc.freeze()
    told = _serve(requests)
    if told is not None:
        _become(told)
        exec(compile(told["program"], "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    _main()
