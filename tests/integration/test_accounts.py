"""People who sign in by name and password, on real processes that share a store."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from typing import Any

from tests.real.placed import PlacedServer
from tests.real.scene import OPEN, Scene
from tests.real.server import ROOT, Answer
from tests.real.store import SECONDS, wait_until

HOST = "127.0.0.1"
PASSWORD = "quiet otters juggle"
OTHER = "seven grey herons nap"
SETTINGS = """
http: {wrong_tokens: 3}
limits: {exempt: [], trusted_proxies: [127.0.0.1/32]}
"""


class AccountCase(Scene):
    """Two processes on one store, behind a proxy that ends TLS; Ines has an account."""

    def setUp(self) -> None:
        self.redis = self.store()
        options = ("-c", self.file("settings.yaml", SETTINGS), *OPEN)
        self.one, self.two = (self.server(*options, store=self.redis) for _ in range(2))
        self.two.token = self.one.token
        status, made = self.one.post("/accounts", {"name": "Ines", "role": "operator", "password": PASSWORD})
        self.assertEqual(status, 201, made)

    def ask_to(
        self, server: PlacedServer, address: str = "203.0.113.9", password: str = PASSWORD, name: str = "ines"
    ) -> Answer:
        """A request to sign in."""
        body = json.dumps({"name": name, "password": password}).encode()
        by = {"x_forwarded_proto": "https", "x_forwarded_for": address}
        return server.exchange("POST", "/session", body, authorization="", **by)

    def sign_in(self, server: PlacedServer, password: str = PASSWORD) -> dict[str, str]:
        """What her browser sends from then on."""
        answer = self.ask_to(server, password=password)
        self.assertEqual(answer.status, 201, answer.body)
        pair = answer.headers["set-cookie"].partition(";")[0]
        by = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"}
        return {"authorization": "", "cookie": pair, "x_csrf_token": answer.body["csrf"], **by}

    def watch(self, server: PlacedServer, browser: dict[str, str]) -> Any:
        """A page of hers that watches."""
        stream = http.client.HTTPConnection(HOST, server.http, timeout=SECONDS)
        self.addCleanup(stream.close)
        headers = {name.replace("_", "-"): value for name, value in browser.items() if value}
        stream.request("GET", "/api/v1/stream", headers=headers)
        answer = stream.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.readline().startswith(b"retry"))
        return answer

    def status(self, server: PlacedServer, browser: dict[str, str]) -> int:
        """How a look of hers is answered."""
        return int(server.get("/session", **browser)[0])

    def assert_out(self, browser: dict[str, str]) -> None:
        """She is out everywhere."""
        for server in (self.one, self.two):
            wait_until(lambda server=server: self.status(server, browser) == 401, "she is out")


class EverywhereTests(AccountCase):
    """What is done at one process counts at the other."""

    def test_disabled(self) -> None:
        """Signed in at one and disabled at the other she is out at once, and stays so; her streams end."""
        browser = self.sign_in(self.one)
        streams = [self.watch(server, browser) for server in (self.one, self.two)]
        for server in (self.one, self.two):
            who = server.get("/session", **browser)[1]
            self.assertEqual((who["kind"], who["name"], who["role"]), ("account", "ines", "operator"))
        self.assertEqual(self.two.patch("/accounts/ines", {"disabled": True})[0], 200)
        self.assertEqual(self.status(self.two, browser), 401)
        self.assert_out(browser)
        for stream in streams:
            self.assertIsNotNone(stream.read(), "the stream goes on")
        self.assertEqual(self.ask_to(self.one).status, 401)
        self.assertEqual(self.one.patch("/accounts/ines", {"disabled": False})[0], 200)
        self.assert_out(browser)
        self.assertEqual(self.status(self.two, self.sign_in(self.one)), 200)

    def test_changed(self) -> None:
        """Another role counts for the session she has."""
        browser = self.sign_in(self.one)
        self.client(self.one, "HERS")
        self.assertEqual(self.one.patch("/terminals/HERS", {"name": "Gate"}, **browser)[0], 200)
        self.assertEqual(self.two.patch("/accounts/INES", {"role": "reader"})[0], 200)

        def is_known() -> bool:
            return bool(self.one.get("/session", **browser)[1]["role"] == "reader")

        wait_until(is_known, "the other process heard of it")
        self.assertEqual(self.one.patch("/terminals/HERS", {"name": "Door"}, **browser)[0], 403)
        audit = self.two.get("/audit?actor=ines")[1]["audit"]
        self.assertEqual({row["actor"] for row in audit}, {"account ines"})
        self.assertIn("change_terminal", [row["what"] for row in audit])

    def test_own_password(self) -> None:
        """The browser that changed the password stays, all others are out, and the old one is over."""
        here, there = self.sign_in(self.one), self.sign_in(self.two)
        wanted = {"old_password": PASSWORD, "password": OTHER, "language": "ar"}
        status, found = self.one.patch("/session/account", wanted, **here)
        self.assertEqual((status, found.get("language")), (200, "ar"), found)
        self.assert_out(there)
        for server in (self.one, self.two):
            self.assertEqual(self.status(server, here), 200)
        self.assertEqual(self.ask_to(self.two).status, 401)
        self.sign_in(self.two, OTHER)

    def test_sign_out_everywhere(self) -> None:
        """She signs out at all browsers, or an administrator does it; deleted she is out as well."""
        here, there = self.sign_in(self.one), self.sign_in(self.two)
        self.assertEqual(self.one.delete("/sessions", **here)[0], 204)
        self.assert_out(here)
        self.assert_out(there)
        for path in ("/accounts/ines/sessions", "/accounts/ines"):
            browser = self.sign_in(self.one)
            self.assertEqual(self.two.delete(path)[0], 204)
            self.assert_out(browser)
        self.assertEqual(self.ask_to(self.one).status, 401)


class GuessTests(AccountCase):
    """Who does not know the password."""

    def test_slowed(self) -> None:
        """Guesses from one address wait, and those from many for one name; who signed in before goes on."""
        self.sign_in(self.one)
        found = [self.ask_to(self.one, "198.51.100.1", f"guess {n}").status for n in range(6)]
        self.assertEqual(found, [401] * 4 + [429] * 2)
        answer = self.ask_to(self.one, "198.51.100.2")
        self.assertEqual(answer.status, 429, "the name waits for everybody")
        self.assertLessEqual(int(answer.headers["retry-after"]), 60)
        self.assertEqual(self.ask_to(self.one).status, 201, "but for her, from where she was")
        told = self.one.get("/metrics")[1]
        self.assertIn('tfserver_http_refused_total{why="wrong password"} 4.0', told)
        self.assertIn('tfserver_sign_ins_total{kind="account"} 2.0', told)

    def test_nowhere(self) -> None:
        """No password, right, wrong or new, is in log, audit, metrics or answers, or plain in the store."""
        browser = self.sign_in(self.one)
        wrong = "no such password of hers"
        self.ask_to(self.one, password=wrong)
        self.ask_to(self.one, name=wrong)
        changes: list[tuple[str, dict[str, Any]]] = [
            ("/session/account", {"old_password": PASSWORD, "password": OTHER, "role": OTHER}),
            ("/session/account", {"old_password": wrong, "password": OTHER}),
            ("/session/account", {"old_password": PASSWORD, "password": OTHER}),
        ]
        told = ""
        for path, body in changes:
            told += str(self.one.exchange("PATCH", path, json.dumps(body).encode(), **browser))
        for body in ({"password": OTHER, "language": PASSWORD}, {"password": [OTHER]}, {"role": OTHER}):
            told += str(self.one.exchange("PATCH", "/accounts/ines", json.dumps(body).encode()))
        told += str(self.one.post("/accounts", {"name": OTHER, "role": "reader", "password": PASSWORD}))
        told += str([self.one.get(path) for path in ("/audit?limit=1000", "/metrics", "/accounts")])
        keys = self.redis.ask("KEYS *").split("\r\n")
        told += "".join(self.redis.ask(f"DUMP {key}") for key in keys if key.startswith("tf:"))
        self.assertIn("$argon2id$", told)
        for server in (self.one, self.two):
            server.stop()
            told += server.said()
        for password in (PASSWORD, OTHER, wrong):
            self.assertNotIn(password, told)


class FirstTests(Scene):
    """The first account."""

    def test_by_the_command_line(self) -> None:
        """It is made in the data folder's own store, and signs in on the same machine without TLS."""
        here = self.server(*OPEN)
        command = [sys.executable, "-m", "tfserver.cli.main", "account", "create", "ines", "--role", "admin"]
        data = os.path.join(here.folder, "tfserver-data")
        done = subprocess.run(
            [*command, "--data-dir", data, "--password-file", "-"],
            input=PASSWORD,
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        body = json.dumps({"name": "ines", "password": PASSWORD}).encode()
        answer = here.exchange("POST", "/session", body, authorization="")
        self.assertEqual((answer.status, answer.body["role"]), (201, "admin"), answer.body)
        browser = {"authorization": "", "cookie": answer.headers["set-cookie"].partition(";")[0]}
        [listed] = here.get("/accounts", **browser)[1]["accounts"]
        self.assertEqual((listed["name"], listed["created_by"]), ("ines", ""))
        self.assertIsNotNone(listed["signed_in"])
