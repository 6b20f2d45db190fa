"""``tfserver account``: made in the store, listed, changed, deleted and signed out by the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import Outcome, call
from tests.cli.stub import TOKEN, StubCase
from tests.real.server import ROOT
from tests.real.store import SECONDS, RealStore
from tfserver.cli import account as module

PASSWORD = "quiet otters juggle"
INES: dict[str, Any] = {
    "name": "ines",
    "role": "operator",
    "sites": ["Lisbon"],
    "templates": False,
    "language": None,
    "disabled": False,
    "created": "2026-04-02T08:15:04.000Z",
    "created_by": "token a (Ana)",
    "signed_in": None,
}


class CreateTests(SynchronousTestCase):
    """``tfserver account create``."""

    def setUp(self) -> None:
        """A store."""
        self.store = RealStore().start()
        self.addCleanup(self.store.remove)

    def create(self, *words: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
        """It as a process with the password in its standard input."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
        where = ["--redis", self.store.url, "--password-file", "-"]
        return subprocess.run(
            [sys.executable, "-m", "tfserver.cli.main", "account", "create", *words, *where],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            timeout=2 * SECONDS,
            env={**kept, "PYTHONPATH": str(ROOT)},
        )

    def test_made(self) -> None:
        """It is made with what was asked for; the password is in no output and not in the store."""
        options = ("--role", "admin", "--site", "Lisbon", "--templates", "--language", "pt-BR", "--json")
        done = self.create("Ines", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["name"], "ines")
        kept = self.store.ask("HGETALL tf:accounts")
        for text in ('"name":"ines"', '"role":"admin"', '"sites":["Lisbon"]', '"language":"pt-BR"'):
            self.assertIn(text, kept)
        hashed = self.store.ask("HGET tf:passwords ines")
        self.assertIn("$argon2id$v=19$m=65536,t=3,p=1$", hashed)
        self.assertNotIn(PASSWORD, kept + hashed + done.stdout)

    def test_refused(self) -> None:
        """A name that is taken, one that is none, a weak password: said in words, and nothing is made."""
        self.assertEqual(self.create("ines").returncode, 0)
        for name, password, words in (
            ("INES", PASSWORD, "already"),
            ("-", PASSWORD, "letters"),
            ("bo", "short", "at least 12"),
            ("bo", "", "at least 12"),
        ):
            done = self.create(name, password=password)
            self.assertEqual((done.returncode, done.stdout), (1, ""), name)
            self.assertIn(words, done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            self.assertNotIn(PASSWORD, done.stderr)
        self.assertEqual(self.store.ask("HLEN tf:accounts"), ":1\r\n")

    def test_wrong_usage(self) -> None:
        """Roles and languages that there are not are wrong usage."""
        for option in (("--role", "king"), ("--language", "_"), ("--site", "")):
            done = self.create("ines", *option)
            self.assertEqual((done.returncode, done.stdout), (2, ""), option)


class PasswordTests(SynchronousTestCase):
    """Where the password comes from."""

    def test_file(self) -> None:
        """The first line of a file, as it stands there."""
        path = Path(self.mktemp())
        for text, password in (("a b \n", "a b "), ("a\r\nb\n", "a"), ("a", "a"), ("", "")):
            path.write_bytes(text.encode())
            self.assertEqual(module._password(str(path)), password)

    def test_no_file(self) -> None:
        """A file that can't be read is a failure that names it."""
        done = call("account", "change", "ines", "--password-file", "/nonexistent/x", "--token", "x")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("/nonexistent/x", done.err)

    def test_typed(self) -> None:
        """On a terminal it is typed twice and not seen; without one nobody waits for it."""
        with (
            mock.patch.object(module.sys.stdin, "isatty", return_value=True, create=True),
            mock.patch("click.termui.hidden_prompt_func", side_effect=[PASSWORD, PASSWORD]) as asked,
        ):
            self.assertEqual(module._password(None), PASSWORD)
        self.assertEqual(asked.call_count, 2)
        with mock.patch.object(module.sys.stdin, "isatty", return_value=False, create=True):
            done = call("account", "create", "ines")
        self.assertEqual((done.status, done.out), (2, ""))
        self.assertIn("--password-file", done.err)


class AskTests(StubCase):
    """What is asked of a server."""

    def ask(self, *words: str) -> Outcome:
        """``tfserver account WORDS``."""
        return call("account", *words, TFSERVER_URL=self.stub.url, TFSERVER_TOKEN=TOKEN)

    def test_listed(self) -> None:
        """All of them, or one with all its fields."""
        self.stub.on("GET /accounts", {"accounts": [INES, {**INES, "name": "bo", "disabled": True}]})
        done = self.ask("list")
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertIn("ines", done.out)
        self.assertIn("Lisbon", done.out)
        self.assertEqual(self.ask("list", "--json").json[0], INES)
        self.stub.on("GET /accounts/ines", INES)
        self.assertIn("created_by", self.ask("show", "ines").out)

    def test_changed(self) -> None:
        """Only what was said is sent."""
        self.stub.on("PATCH /accounts/ines", INES)
        path = Path(self.mktemp())
        path.write_text(f"{PASSWORD}\n")
        for words, body in (
            (("--role", "reader"), {"role": "reader"}),
            (("--site", "A", "--site", "B"), {"sites": ["A", "B"]}),
            (("--all-sites", "--no-templates"), {"sites": [], "templates": False}),
            (("--disable",), {"disabled": True}),
            (("--enable", "--language", "ar"), {"disabled": False, "language": "ar"}),
            (("--language", ""), {"language": None}),
            (("--password-file", str(path)), {"password": PASSWORD}),
        ):
            done = self.ask("change", "ines", *words)
            self.assertEqual((done.status, done.out, done.err), (0, "ines: changed\n", ""))
            self.assertEqual(self.stub.asked[-1].body, body)

    def test_nothing_to_change(self) -> None:
        """Without a change, or with two that don't go together, nothing is asked."""
        for words in ((), ("--site", "A", "--all-sites")):
            done = self.ask("change", "ines", *words)
            self.assertEqual((done.status, done.out), (2, ""))
        self.assertEqual(self.stub.asked, [])

    def test_ended(self) -> None:
        """Deleted, and signed out, one after another."""
        for word, path, said in (
            ("delete", "", "deleted"),
            ("sign-out", "/sessions", "signed out"),
        ):
            for name in ("ines", "bo"):
                self.stub.on(f"DELETE /accounts/{name}{path}", None)
            done = self.ask(word, "ines", "bo")
            self.assertEqual((done.status, done.out), (0, f"ines: {said}\nbo: {said}\n"), done.err)
