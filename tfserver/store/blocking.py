"""A connection to the store that waits for its answers: for the command line, where nothing else goes on.

Values are bytes, so that they come back as they are.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Any, Final

import hiredis

from tfserver.errors import StoreError, StoreUnavailable, StoreUnreachable
from tfserver.store.address import CONNECT_SECONDS, Address

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
        if address.password:
            self.ask("AUTH", *([address.username] if address.username else []), address.password)
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
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except OSError as wrong:
        plain.close()
        raise StoreUnreachable(f"store unreachable: {address}: {host}:{port}: {wrong}") from wrong


def _primary(address: Address) -> tuple[str, int]:
    """Where the primary is, from the first sentinel that knows."""
    tried = []
    for host, port in address.hosts:
        try:
            answer = _told(_tcp(address, host, port), address.service)
        except (StoreUnreachable, OSError, hiredis.ProtocolError) as wrong:
            tried.append(f"{host}:{port}: {wrong}")
            continue
        if isinstance(answer, list) and len(answer) == 2:
            return answer[0].decode(), int(answer[1])
        tried.append(f"{host}:{port}: knows no '{address.service}'")
    raise StoreUnreachable(f"store unreachable: {address}: no sentinel told the primary: {'; '.join(tried)}")


def _told(sentinel: socket.socket, service: str) -> Any:
    reader = hiredis.Reader()
    question: Command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", service)
    with sentinel:
        sentinel.settimeout(CONNECT_SECONDS)
        sentinel.sendall(hiredis.pack_command(question))
        while (found := reader.gets()) is False:
            data = sentinel.recv(_CHUNK)
            if not data:
                raise ConnectionResetError("it closed the connection")
            reader.feed(data)
    return found
