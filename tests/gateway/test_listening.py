"""Where terminals connect: endpoint strings, and how many connections may wait there."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.ssl import DN, KeyPair
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from tfserver.errors import StartError
from tfserver.gateway.listening import BACKLOG, Door, listen
from tfserver.proxies import Proxies

DOOR = Door(Proxies(["127.0.0.1"]), Counter())


class BacklogTests(SynchronousTestCase):
    """What the reactor is asked to listen with."""

    def asked(self, text: str) -> MemoryReactor:
        """The reactor that was told to listen there."""
        reactor: Any = MemoryReactor()
        self.successResultOf(Deferred.fromCoroutine(listen(reactor, text, Factory(), "setting", DOOR)))
        return reactor

    def test_tcp(self) -> None:
        """TCP endpoints get our backlog, also behind haproxy: and for IPv6; all else stays as written."""
        for text, host in (
            ("tcp:7788", ""),
            ("tcp:7788:interface=127.0.0.1", "127.0.0.1"),
            ("tcp:port=7788", ""),
            ("haproxy:tcp:7788:interface=127.0.0.1", "127.0.0.1"),
            ("tcp6:7788:interface=\\:\\:1", "::1"),
            ("haproxy:tcp6:7788", "::"),
        ):
            ((port, _, backlog, interface),) = self.asked(text).tcpServers
            self.assertEqual((port, backlog, interface), (7788, BACKLOG, host), text)

    def test_given(self) -> None:
        """What the text says wins, by name or by place."""
        for text in (
            "tcp:7788:backlog=7",
            "tcp:backlog=7:port=7788",
            "haproxy:tcp:7788:backlog=7",
            "tcp:7788::7",
        ):
            ((port, _, backlog, _),) = self.asked(text).tcpServers
            self.assertEqual((port, backlog), (7788, 7), text)

    def test_unix(self) -> None:
        """Sockets in a folder have a backlog too."""
        ((path, _, backlog, mode, _),) = self.asked("unix:/run/tf.sock:mode=660").unixServers
        self.assertEqual((path, backlog, mode), ("/run/tf.sock", BACKLOG, 0o660))

    def test_tls(self) -> None:
        """So have both kinds of TLS."""
        folder = tempfile.mkdtemp(prefix="tfl-")
        self.addCleanup(os.rmdir, folder)
        ((port, _, backlog, _),) = self.asked(f"tls:{folder}:port=7788").tcpServers
        self.assertEqual((port, backlog), (7788, BACKLOG))
        key = self.certificate()
        ((port, _, _, backlog, _),) = self.asked(f"ssl:7788:privateKey={key}").sslServers
        self.assertEqual((port, backlog), (7788, BACKLOG))

    def certificate(self) -> str:
        """The path of a key with its certificate."""
        key = KeyPair.generate()
        request = key.certificateRequest(DN(commonName=b"terminals"), digestAlgorithm="sha256")
        signed = key.signCertificateRequest(
            DN(commonName=b"terminals"), request, lambda _: True, 1, digestAlgorithm="sha256"
        )
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(key.newCertificate(signed).dumpPEM())
        return path

    def test_no_endpoint(self) -> None:
        """What is wrong is told of the text as it was written, without a word of ours in it."""
        for text in (
            "tcp:",
            "tcp:many",
            "tcp:1:colour=red",
            "nonsense:1",
            "tcp",
            "haproxy:tcp",
            "haproxy:unix:/run/tf.sock",
            "haproxy:haproxy:tcp:1",
            "ssl:1:privateKey=/no.pem",
        ):
            failure = self.failureResultOf(
                Deferred.fromCoroutine(listen(MemoryReactor(), text, Factory(), "http.endpoint", DOOR)),
                StartError,
            )
            self.assertIn(f"http.endpoint: '{text}' is no endpoint", str(failure.value))
            self.assertNotIn("backlog", str(failure.value))

    def test_nobody_trusted(self) -> None:
        """An endpoint that nobody could use is no endpoint: what to set is told."""
        door = Door(Proxies([]), Counter())
        failure = self.failureResultOf(
            Deferred.fromCoroutine(
                listen(MemoryReactor(), "haproxy:tcp:1", Factory(), "http.endpoint", door)
            ),
            StartError,
        )
        self.assertIn("limits.trusted_proxies", str(failure.value))
