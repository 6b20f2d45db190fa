"""Tests of the line that tests cut."""

from __future__ import annotations

import socket
import threading

from twisted.trial.unittest import TestCase

from tests.real.link import RealLink


class Lines(TestCase):
    """A server that says everything again, behind a line."""

    def setUp(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        threading.Thread(target=self._serve, daemon=True).start()
        self.link = RealLink(self.server.getsockname()[1]).start()
        self.addCleanup(self.link.remove)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(100):
                connection.sendall(data)

    def _connection(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.link.port), 10)
        self.addCleanup(made.close)
        return made

    def test_forwards(self) -> None:
        """Both ways."""
        connection = self._connection()
        connection.sendall(b"there and back")
        self.assertEqual(connection.recv(100), b"there and back")

    def test_cut_and_mended(self) -> None:
        """A cut line ends what goes over it, and takes nothing until it is mended."""
        connection = self._connection()
        connection.sendall(b"1")
        self.assertEqual(connection.recv(1), b"1")
        self.link.cut()
        self.assertEqual(connection.recv(1), b"")
        self.assertEqual(self._connection().recv(1), b"")
        self.link.mend()
        again = self._connection()
        again.sendall(b"2")
        self.assertEqual(again.recv(1), b"2")

    def test_silent(self) -> None:
        """A silent line ends nothing, and what was said meanwhile comes when it speaks again."""
        connection = self._connection()
        connection.sendall(b"1")
        self.assertEqual(connection.recv(1), b"1")
        self.link.fall_silent()
        connection.sendall(b"2")
        connection.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            connection.recv(1)
        self.link.mend()
        connection.settimeout(10)
        self.assertEqual(connection.recv(1), b"2")
