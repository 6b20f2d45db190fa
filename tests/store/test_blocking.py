"""The blocking connection: every kind of address, passwords, refusals, a server that goes away."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SynchronousTestCase

from tests.real.store import RealStore
from tests.store.connected import free_port
from tfserver.errors import StoreError, StoreUnavailable, StoreUnreachable
from tfserver.store import address
from tfserver.store.blocking import Blocking


class BlockingTests(SynchronousTestCase):
    """A real store, reached in different ways."""

    def start(self, *extra: str, port: int = 0) -> RealStore:
        """A server that ends with the test."""
        store = RealStore(*extra, port=port)
        self.addCleanup(store.remove)
        return store.start()

    def open(self, url: str, password: str = "") -> Blocking:
        """A connection that is closed at the end."""
        connection = Blocking(address.parse(url, password))
        self.addCleanup(connection.close)
        return connection

    def test_bytes(self) -> None:
        """Values come back as they went, also large ones and many at once."""
        store = self.open(self.start().url)
        large = bytes(range(256)) * 10_000
        self.assertEqual(
            store.ask_all([("SET", "a", large), ("GET", "a"), ("GET", "b")]), [b"OK", large, None]
        )
        answers = store.ask_all([("APPEND", "n", b"x") for _ in range(5000)])
        self.assertEqual(answers[-1], 5000)

    def test_tcp_and_database(self) -> None:
        """By TCP, into the database that the URL names."""
        port = free_port()
        self.start(port=port)
        self.open(f"redis://127.0.0.1:{port}/3").ask("SET", "a", "1")
        self.assertEqual(self.open(f"redis://127.0.0.1:{port}").ask("GET", "a"), None)
        self.assertEqual(self.open(f"redis://localhost:{port}/3").ask("GET", "a"), b"1")

    def test_password(self) -> None:
        """With the password, and with a user of that name; a wrong one is refused."""
        store = self.start()
        self.open(store.url).ask("ACL", "SETUSER", "me", "on", ">secret", "~*", "+@all")
        self.assertEqual(self.open(f"unix://me:secret@{store.socket}").ask("ACL", "WHOAMI"), b"me")
        self.assertEqual(self.open(f"unix://me@{store.socket}", "secret").ask("ACL", "WHOAMI"), b"me")
        wrong = self.assertRaises(StoreError, self.open, f"unix://me:wrong@{store.socket}")
        self.assertIn("WRONGPASS", str(wrong))
        self.assertNotIn("wrong@", str(wrong))

    def test_refusal(self) -> None:
        """A refusal is an error, unless it is asked for; the connection goes on after it."""
        store = self.open(self.start().url)
        self.assertIn("NOSUCH", str(self.assertRaises(StoreError, store.ask, "NOSUCH")))
        refused, well = store.try_all([("NOSUCH",), ("PING",)])
        self.assertIn("unknown command", str(refused))
        self.assertEqual(well, b"PONG")

    def test_nobody(self) -> None:
        """Nobody there: the address is told, without the password."""
        for url in (f"redis://me:secret@127.0.0.1:{free_port()}", "unix:///nonexistent/socket"):
            wrong = self.assertRaises(StoreUnreachable, self.open, url)
            self.assertIn(str(address.parse(url)), str(wrong))
            self.assertNotIn("secret", str(wrong))

    def test_gone(self) -> None:
        """A server that dies is told as such."""
        server = self.start()
        store = self.open(server.url)
        server.kill()
        self.assertRaises(StoreUnavailable, store.ask, "PING")

    def test_no_tls(self) -> None:
        """A server without TLS under a ``rediss`` URL is not spoken to in clear."""
        port = free_port()
        self.start(port=port)
        self.assertRaises(StoreUnreachable, self.open, f"rediss://127.0.0.1:{port}")


class SentinelTests(SynchronousTestCase):
    """Sentinels are asked where the primary is, one after another."""

    def sentinel(self, answer: Callable[[], bytes]) -> int:
        """A port on which a sentinel answers once."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def serve() -> None:
            """One question."""
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)
        port: int = listening.getsockname()[1]
        return port

    def test_found(self) -> None:
        """The first that knows is believed; those that are dead or know nothing are passed over."""
        port = free_port()
        store = RealStore(port=port)
        self.addCleanup(store.remove)
        store.start()
        knows = self.sentinel(lambda: b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%d\r\n" % (len(str(port)), port))
        knows_not = self.sentinel(lambda: b"*-1\r\n")
        hangs_up = self.sentinel(lambda: b"")
        hosts = ",".join(f"127.0.0.1:{one}" for one in (free_port(), hangs_up, knows_not, knows))
        with Blocking(address.parse(f"sentinel://{hosts}/main")) as found:
            self.assertEqual(found.ask("PING"), b"PONG")

    def test_nobody_knows(self) -> None:
        """When none knows, each is told with its reason."""
        knows_not = self.sentinel(lambda: b"*-1\r\n")
        dead = free_port()
        url = f"sentinel://127.0.0.1:{knows_not},127.0.0.1:{dead}/main"
        wrong = str(self.assertRaises(StoreUnreachable, Blocking, address.parse(url)))
        self.assertIn(f"127.0.0.1:{knows_not}: knows no 'main'", wrong)
        self.assertIn(f"127.0.0.1:{dead}: ", wrong)


class TlsTests(SynchronousTestCase):
    """Encrypted, and only with whom the certificate names."""

    def certificate(self) -> tuple[str, str]:
        """Paths of a key and of its certificate for ``localhost``."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        builder = builder.not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        plain = serialization.NoEncryption()
        kind = serialization.PrivateFormat.PKCS8
        (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, plain))
        (folder / "cert").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return str(folder / "key"), str(folder / "cert")

    def test_tls(self) -> None:
        """A certificate that is trusted and names the host is spoken to; any other is not."""
        key, certificate = self.certificate()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        listening = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            """Answer one PING to each who comes that far."""
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    encrypted = context.wrap_socket(connection, server_side=True)
                    encrypted.recv(100)
                    encrypted.sendall(b"+PONG\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)
        self.addCleanup(listening.close)
        self.addCleanup(listening.shutdown, socket.SHUT_RDWR)
        port = listening.getsockname()[1]
        self.assertRaises(StoreUnreachable, Blocking, address.parse(f"rediss://localhost:{port}"))
        with mock.patch.dict(os.environ, {"SSL_CERT_FILE": certificate}):
            with Blocking(address.parse(f"rediss://localhost:{port}")) as store:
                self.assertEqual(store.ask("PING"), b"PONG")
            self.assertRaises(StoreUnreachable, Blocking, address.parse(f"rediss://127.0.0.1:{port}"))
