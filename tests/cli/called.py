"""The command line, called in this process with its output caught; and a terminal that needs no library."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
from typing import Any, NamedTuple
from unittest import mock

from tests.gateway.raw_frames import handshake, read_frames, text
from tfserver.cli.main import main


class Outcome(NamedTuple):
    """Exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output, decoded."""
        return json.loads(self.out)


def call(*words: str, **environment: str) -> Outcome:
    """``tfserver WORDS`` with only these of its own environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
    # bytes behind a text: the shell's completion is written as bytes
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.dict(os.environ, {**kept, **environment}, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            status = main(list(words))
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
    return Outcome(status, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


class TinyTerminal:
    """A terminal on a blocking socket: one request, one answer."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 20)
        self._socket.sendall(handshake())
        self._data = b""
        while b"\r\n\r\n" not in self._data:
            self._more()
        self._data = self._data.partition(b"\r\n\r\n")[2]

    def ask(self, **message: Any) -> dict[str, Any]:
        """The answer to a request."""
        self._socket.sendall(text(json.dumps(message)))
        while True:
            try:
                frames = read_frames(self._data)
            except ValueError:
                frames = []
            if frames:
                self._data = b""
                answer: dict[str, Any] = json.loads(frames[-1].payload)
                return answer
            self._more()

    def hang_up(self) -> None:
        """End the connection."""
        self._socket.close()

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        assert data, "the server hung up"
        self._data += data
