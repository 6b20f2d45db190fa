"""People by TLS, and browsers that are signed in, on real processes."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from typing import Any

from OpenSSL import crypto

from tests.delivery.certificates import Authority
from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.server import Answer
from tests.real.store import SECONDS, wait_until

HOST = "127.0.0.1"


class Tls(Scene):
    """A server whose people come by TLS."""

    def setUp(self) -> None:
        authority = Authority()
        made = authority.certificate(HOST)
        self.trusted = ssl.create_default_context(cadata=authority.pem.decode())
        self.untrusted = ssl.create_default_context()
        key = self.file("key.pem", made.privateKey.dump(crypto.FILETYPE_PEM).decode())
        certificate = self.file("certificate.pem", made.dumpPEM().decode())
        place = f"ssl:0:privateKey={key}:certKey={certificate}:interface={HOST}"
        settings = self.file("settings.yaml", "http: {connections: 8}\nlimits: {exempt: []}\n")
        self.here = self.server("-c", settings, "--http", place, *OPEN)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """A request by TLS; headers have underscores for hyphens."""
        asked = http.client.HTTPSConnection(HOST, self.here.http, timeout=SECONDS, context=self.trusted)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            asked.request(method, path, None if body is None else json.dumps(body), given)
            answer = asked.getresponse()
            text = answer.read()
            found = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, json.loads(text) if text else None, found)
        finally:
            asked.close()

    def raw(self) -> socket.socket:
        """A connection without a handshake."""
        peer = socket.create_connection((HOST, self.here.http), SECONDS)
        self.addCleanup(peer.close)
        return peer

    def assert_cut(self, peer: socket.socket) -> None:
        """The server ends it without a word."""
        with contextlib.suppress(ConnectionError):
            self.assertEqual(peer.recv(100), b"")

    def test_sign_in(self) -> None:
        """A browser signs in, looks, changes and signs out; its cookie has all that TLS allows."""
        answer = self.ask("POST", "/api/v1/session", {"token": self.here.token}, Origin=self.origin)
        self.assertEqual(answer.status, 201, answer.body)
        cookie = answer.headers["set-cookie"]
        self.assertTrue(cookie.startswith("__Host-tfs="))
        self.assertLessEqual({"Secure", "HttpOnly", "SameSite=Strict", "Path=/"}, set(cookie.split("; ")))
        browser = {"Cookie": cookie.partition(";")[0], "Origin": self.origin, "Sec_Fetch_Site": "same-origin"}
        who = self.ask("GET", "/api/v1/session", **browser)
        self.assertEqual((who.status, who.body["role"]), (200, "admin"))
        wanted = {"name": "other", "role": "reader"}
        self.assertEqual(self.ask("POST", "/api/v1/tokens", wanted, **browser).status, 403)
        browser["X_CSRF_Token"] = who.body["csrf"]
        self.assertEqual(self.ask("POST", "/api/v1/tokens", wanted, **browser).status, 201)
        evil = {**browser, "Origin": "https://evil.example"}
        self.assertEqual(self.ask("POST", "/api/v1/tokens", wanted, **evil).status, 403)
        self.assertEqual(self.ask("DELETE", "/api/v1/session", **browser).status, 204)
        self.assertEqual(self.ask("GET", "/api/v1/session", **browser).status, 401)

    @property
    def origin(self) -> str:
        """What a page of this server is from."""
        return f"https://{HOST}:{self.here.http}"

    def test_headers(self) -> None:
        """Browsers are told to come by TLS from now on; nothing but HTTP/1.1 is agreed on."""
        for path in ("/api/v1/terminals", "/nothing"):
            self.assertIn("max-age=", self.ask("GET", path).headers["strict-transport-security"])
        self.trusted.set_alpn_protocols(["h2", "http/1.1"])
        with self.trusted.wrap_socket(self.raw(), server_hostname=HOST) as peer:
            self.assertIn(peer.selected_alpn_protocol(), (None, "http/1.1"))
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n")
            answer = peer.recv(4096)
            self.assertIn(b"Strict-Transport-Security", answer)
            self.assertIn(b"400", answer.split(b"\r\n")[0])

    def test_certificate(self) -> None:
        """Who does not know who vouches for it is not fooled into asking, and the server goes on."""
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.untrusted.wrap_socket(self.raw(), server_hostname=HOST)
        self.assertEqual(self.ask("GET", "/api/v1/session", Authorization="Bearer x").status, 401)

    def test_without_a_handshake(self) -> None:
        """Who says nothing, or speaks without TLS, is let go; one too many is cut before any handshake."""
        silent = [self.raw() for _ in range(2)]
        self.assert_cut(self.raw())
        for peer in silent:
            self.assert_cut(peer)
        plain = self.raw()
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertNotIn(b"HTTP", plain.recv(100))
        wait_until(lambda: self.ask("GET", "/healthz_").status == 404, "others are served")
        self.assertNotIn("Traceback", self.here.said())


class Sessions(Scene):
    """Two processes on one store, and a browser on the same machine without TLS."""

    def setUp(self) -> None:
        store = self.store()
        self.one, self.two = self.server(*OPEN, store=store), self.server(*OPEN, store=store)
        self.two.token = self.one.token

    def sign_in(self, server: PlacedServer, token: str) -> dict[str, str]:
        """What a browser sends from then on."""
        body = json.dumps({"token": token}).encode()
        answer = server.exchange("POST", "/session", body, authorization="")
        self.assertEqual(answer.status, 201, answer.body)
        pair = answer.headers["set-cookie"].partition(";")[0]
        self.assertTrue(pair.startswith("tfs="))
        self.assertNotIn("Secure", answer.headers["set-cookie"])
        return {"authorization": "", "cookie": pair, "x_csrf_token": answer.body["csrf"]}

    def test_everywhere(self) -> None:
        """Signed in at one process is signed in at the other, and out everywhere as soon as that is heard."""
        browser = self.sign_in(self.one, self.one.token)
        for server in (self.one, self.two):
            self.assertEqual(server.get("/session", **browser)[1]["role"], "admin")
        self.assertEqual(self.two.delete("/session", **browser)[0], 204)
        self.assertEqual(self.two.get("/session", **browser)[0], 401)
        wait_until(lambda: self.one.get("/session", **browser)[0] == 401, "it is out at the other process")
        _, audit = self.one.get("/audit")
        kept = [(row["what"], row["detail"]) for row in audit["audit"] if "session" in row["what"]]
        self.assertEqual(kept, [(f"{what}_session", {"address": HOST}) for what in ("end", "begin")])

    def test_revoked(self) -> None:
        """A token that is revoked takes its sessions along, and their streams."""
        made = self.one.post("/tokens", {"name": "x", "role": "reader"})[1]
        browser = self.sign_in(self.two, made["token"])
        stream = http.client.HTTPConnection(HOST, self.two.http, timeout=SECONDS)
        self.addCleanup(stream.close)
        stream.request("GET", "/api/v1/stream", headers={"Cookie": browser["cookie"]})
        answer = stream.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.readline().startswith(b"retry"))
        self.assertEqual(self.one.delete(f"/tokens/{made['id']}")[0], 204)
        wait_until(lambda: self.two.get("/session", **browser)[0] == 401, "the session is over")
        self.assertIsNotNone(answer.read(), "the stream goes on")
