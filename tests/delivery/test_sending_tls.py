"""Posting to receivers over TLS."""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, TLSVersion

from tests.delivery.certificates import Authority
from tests.delivery.receivers import HOST, Page, SenderCase, site
from tfserver.delivery.sending import SendFailed


class _Blunt(Factory):
    """Says that a request is bad before it has come."""

    noisy = False

    def buildProtocol(self, addr: Any) -> Protocol:
        """A connection."""
        speaker = Protocol()
        speaker.connectionMade = lambda: speaker.transport.write(b"HTTP/1.1 400 Bad\r\n\r\n")  # type: ignore
        return speaker


class TlsTests(SenderCase):
    """Only receivers that prove who they are get punches."""

    def setUp(self) -> None:
        """An authority that the system trusts."""
        super().setUp()
        self.authority = Authority()
        self.trust(self.authority)
        self.page = Page()

    def trust(self, authority: Authority) -> None:
        """Let the roots be this one."""
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(authority.pem)
        patched = mock.patch.dict(os.environ, {"SSL_CERT_FILE": path})
        patched.start()
        self.addCleanup(patched.stop)

    def serve(self, authority: Authority, host: str = HOST, **more: Any) -> str:
        """A receiver with a certificate; its URL."""
        days = more.pop("days", 30)
        certificate = authority.certificate(host, days)
        options = CertificateOptions(
            privateKey=certificate.privateKey.original, certificate=certificate.original, **more
        )
        return f"https://{HOST}:{self.listen(site(self.page), options)}/in"

    async def assert_refused(self, url: str, *words: str) -> None:
        """The receiver is not trusted, and has seen nothing."""
        try:
            await self.sender().post(url, {"webhook-id": "m"}, b"private")
        except SendFailed as failed:
            for word in words:
                self.assertIn(word, str(failed))
        else:
            self.fail("it was taken")
        self.assertEqual(self.page.got, [])

    async def test_proven(self) -> None:
        """A certificate for the host that the system's roots vouch for is taken; the line is kept."""
        url, sender = self.serve(self.authority), self.sender()
        for _ in range(3):
            self.assertEqual((await sender.post(url, {"webhook-id": "m"}, b"private")).status, 200)
        self.assertEqual(len({got.line for got in self.page.got}), 1)
        self.assertEqual(self.page.got[0].body, b"private")

    async def test_address(self) -> None:
        """A URL with an address needs a certificate for that address."""
        url = self.serve(self.authority, "127.0.0.1").replace(HOST, "127.0.0.1")
        self.assertEqual((await self.sender().post(url, {"webhook-id": "m"}, b"x")).status, 200)
        self.page.got.clear()
        await self.assert_refused(self.serve(self.authority).replace(HOST, "127.0.0.1"), "another host")

    async def test_other_authority(self) -> None:
        """A certificate that nobody known vouches for is refused."""
        await self.assert_refused(self.serve(Authority("Nobody")), "no TLS", "certificate verify failed")

    async def test_other_host(self) -> None:
        """A certificate for another host is refused."""
        await self.assert_refused(
            self.serve(self.authority, "other.example"), "certificate is for another host"
        )

    async def test_over(self) -> None:
        """A certificate that is over is refused."""
        await self.assert_refused(self.serve(self.authority, days=-1), "no TLS", "certificate verify failed")

    async def test_tls_1_2(self) -> None:
        """TLS 1.2 is."""
        url = self.serve(self.authority, lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        self.assertEqual((await self.sender().post(url, {"webhook-id": "m"}, b"x")).status, 200)

    async def test_no_tls(self) -> None:
        """A receiver without TLS under https is told so."""
        await self.assert_refused(f"https://{HOST}:{self.listen(_Blunt())}/", "no TLS")
