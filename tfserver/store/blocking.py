"""A connection to the store that waits for its answers: for the command line, where nothing else goes on.

Values are bytes, so that they come back as they are.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Final

import hiredis

from tfserver.errors import StoreError, StoreUnavailable, StoreUnreachable
from tfserver.store import sentinels
from tfserver.store.address import CONNECT_SECONDS, Address
from tfserver.store.reach import tls_context

ANSWER_SECONDS: Final = 120.0
"""Until a silent server is given up: it may be busy with one very large key."""
_CHUNK: Final = 1 << 16

Command = tuple[Any, ...]


class Blocking:
    """One connection, made and authenticated; StoreUnreachable when that can't be done."""

    def __init__(self, address: Address) -> None:
        self._reader = hiredis.Reader()
        self._socket = _connected(address)
        self._socket.settimeout(ANSWER_SECONDS)
        try:
            self._enter(address)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the server go."""
        self._socket.close()

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, *command: Any) -> Any:
        """The answer to one command; StoreError for a refusal."""
        [answer] = self.ask_all([command])
        return answer

    def ask_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to many commands that are sent at once; StoreError when one is refused."""
        answers = self.try_all(commands)
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise StoreError(f"the store refuses: {answer}")
        return answers

    def try_all(self, commands: Sequence[Command]) -> list[Any]:
        """The same, with refusals (``hiredis.ReplyError``) among the answers."""
        try:
            self._socket.sendall(b"".join(hiredis.pack_command(command) for command in commands))
            return [self._answer() for _ in commands]
        except (OSError, hiredis.ProtocolError) as wrong:
            raise StoreUnavailable(f"the store does not answer any more: {wrong}") from wrong

    def _answer(self) -> Any:
        while (found := self._reader.gets()) is False:
            data = self._socket.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("it closed the connection")
            self._reader.feed(data)
        return found

    def _enter(self, address: Address) -> None:
        if address.greeting:
            self.ask(*address.greeting)
        if address.database:
            self.ask("SELECT", address.database)


def _connected(address: Address) -> socket.socket:
    if address.service:
        host, port = _primary(address)
        return _tcp(address, host, port)
    if address.scheme == "unix":
        return _unix(address)
    return _tcp(address, *address.hosts[0])


def _unix(address: Address) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.connect(address.path)
    except OSError as wrong:
        connection.close()
        raise StoreUnreachable(f"store unreachable: {address}: {wrong}") from wrong
    return connection


def _tcp(address: Address, host: str, port: int) -> socket.socket:
    try:
        plain = socket.create_connection((host, port), CONNECT_SECONDS)
    except OSError as wrong:
        raise StoreUnreachable(f"store unreachable: {address}: {host}:{port}: {wrong}") from wrong
    if not address.tls:
        return plain
    try:
        return tls_context(address).wrap_socket(plain, server_hostname=host)
    except OSError as wrong:
        plain.close()
        raise StoreUnreachable(f"store unreachable: {address}: {host}:{port}: {wrong}") from wrong


def _primary(address: Address) -> tuple[str, int]:
    """Where the primary is, by all sentinels that answer."""
    tried, found = [], []
    for host, port in address.hosts:
        try:
            answers = _told(_tcp(address, host, port), sentinels.questions(address))
            found.append(sentinels.understood(answers, address))
        except (StoreUnreachable, sentinels.Untold, OSError, hiredis.ProtocolError) as wrong:
            tried.append(f"{host}:{port}: {wrong}")
    if found:
        return sentinels.chosen(found, len(address.hosts)).place
    raise StoreUnreachable(f"store unreachable: {address}: no sentinel told the primary: {'; '.join(tried)}")


def _told(sentinel: socket.socket, questions: list[sentinels.Command]) -> list[Any]:
    """The answers of one sentinel; whoever closes early has given some."""
    reader, got = hiredis.Reader(), list[Any]()
    with sentinel:
        sentinel.settimeout(CONNECT_SECONDS)
        sentinel.sendall(b"".join(hiredis.pack_command(question) for question in questions))
        while len(got) < len(questions):
            found = reader.gets()
            if found is not False:
                got.append(found)
                continue
            data = sentinel.recv(_CHUNK)
            if not data and not got:
                raise ConnectionResetError("it closed the connection")
            if not data:
                break
            reader.feed(data)
    return got
