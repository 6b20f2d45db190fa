"""TLS at the terminals' port."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile

from tests.delivery.certificates import Authority
from tests.real.client import Lost, RealClient
from tests.real.placed import PlacedServer
from tests.real.process import free_port
from tests.real.scene import OPEN, Scene
from tests.real.simulator import RealSimulator


class TlsTests(Scene):
    """A server with a certificate for 127.0.0.1 and localhost."""

    def setUp(self) -> None:
        """Certificates, and the server."""
        folder = tempfile.mkdtemp(prefix="tft-")
        self.addCleanup(shutil.rmtree, folder)
        authority = Authority()
        self.ca = os.path.join(folder, "ca.pem")
        self.pem = os.path.join(folder, "server.pem")
        with open(self.ca, "wb") as file:
            file.write(authority.pem)
        self.write_certificate(authority)
        self.authority = authority
        self.port = free_port()
        place = f"ssl:{self.port}:interface=127.0.0.1:privateKey={self.pem}:certKey={self.pem}"
        self.here: PlacedServer = self.server("--terminals", place, *OPEN, store=self.store())

    def write_certificate(self, authority: Authority) -> None:
        """A new certificate for the server's address."""
        made = authority.certificate("127.0.0.1")
        with open(self.pem, "wb") as file:
            file.write(made.dumpPEM() + made.privateKey.dump(1))

    def context(self, version: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ssl.SSLContext:
        """What a client believes and speaks at most."""
        context = ssl.create_default_context(cafile=self.ca)
        context.check_hostname = False
        # else the client itself would refuse to speak what is old
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        return context

    def test_simulator(self) -> None:
        """Terminals that trust the authority connect by wss: and are served."""
        load = ("--ca", self.ca, "--terminals", "5", "--backlog", "4", "--rate", "0", "--wait-ack")
        simulator = RealSimulator(f"wss://127.0.0.1:{self.port}/pub/chat", *load)
        self.addCleanup(simulator.remove)
        report = simulator.start().report()
        self.assertEqual((report["online"], report["acked"]), (5, 20))
        self.assertEqual(len(self.here.punches()), 20)

    def test_stranger(self) -> None:
        """One that does not trust it does not connect."""
        load = ("--terminals", "1", "--rate", "0", "--seconds", "1", "--timeout", "2")
        simulator = RealSimulator(f"wss://127.0.0.1:{self.port}/pub/chat", *load)
        self.addCleanup(simulator.remove)
        self.assertRaises(AssertionError, simulator.start().report)

    def test_old_versions(self) -> None:
        """TLS 1.2 and 1.3 are spoken, nothing older."""
        for version, is_spoken in (
            (ssl.TLSVersion.TLSv1_3, True),
            (ssl.TLSVersion.TLSv1_2, True),
            (ssl.TLSVersion.TLSv1_1, False),
            (ssl.TLSVersion.TLSv1, False),
        ):
            if is_spoken:
                client = RealClient(self.port, tls=self.context(version))
                self.addCleanup(client.shut)
                self.assertTrue(client.register("ZX1")["result"])
            else:
                self.assertRaises((ssl.SSLError, OSError), RealClient, self.port, tls=self.context(version))

    def test_plain_on_the_tls_port(self) -> None:
        """One that does not speak TLS gets nowhere, and the others are served on."""
        self.assertRaises((Lost, OSError), RealClient, self.port)
        client = RealClient(self.port, tls=self.context())
        self.addCleanup(client.shut)
        self.assertTrue(client.register("ZX1")["result"])
