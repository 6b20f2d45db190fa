"""The command line without a server: overview, keys, configuration, wrong usage, how it ends."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import call, unused_port
from tfserver import __version__
from tfserver.cli.main import COMMANDS
from tfserver.config import Settings
from tfserver.configfile import load

EXAMPLE = Path(__file__).parents[2] / "etc" / "tfserver.yaml"


class OverviewTests(SynchronousTestCase):
    """What there is."""

    def test_asked_for(self) -> None:
        """Without a word, or asked for help, it lists all commands on stdout and succeeds."""
        for words in ((), ("-h",), ("--help",), ("help",)):
            done = call(*words)
            self.assertEqual((done.status, done.err), (0, ""))
            for name in COMMANDS:
                self.assertIn(f"  {name} ", done.out)

    def test_unknown_command(self) -> None:
        """A command that does not exist is named, with what is near, on stderr: status 2."""
        done = call("terminal", "list")
        self.assertEqual((done.status, done.out), (2, ""))
        self.assertIn("'terminal'", done.err)
        self.assertIn("terminals", done.err)
        self.assertIn("check-config", call("xyzzy").err)

    def test_version(self) -> None:
        """The version is printed."""
        self.assertEqual(call("--version"), (0, f"tfserver {__version__}\n", ""))

    def test_help_of_each(self) -> None:
        """Every command explains itself."""
        for name in COMMANDS:
            done = call(name, "--help")
            self.assertEqual(done.status, 0, name)
            self.assertIn(f"Usage: tfserver {name}", done.out)
            self.assertEqual(call(name, "-h").out, done.out)

    def test_wrong_usage(self) -> None:
        """Wrong words for a command are status 2 and said on stderr."""
        for words in (
            ("terminals", "dance"),
            ("terminals", "--states", "x"),
            ("punches", "--folow"),
            ("token",),
            ("key",),
            ("token", "create", "--role", "king"),
            ("key", "destroy"),
            ("check-config",),
            ("completion", "tcsh"),
            ("backup",),
            ("restore",),
            ("simulate", "--terminals", "0"),
        ):
            done = call(*words)
            self.assertEqual((done.status, done.out), (2, ""), words)
            self.assertTrue(done.err)


class StartTests(SynchronousTestCase):
    """What a start costs, and how it ends."""

    def run_program(self, program: str) -> subprocess.CompletedProcess[str]:
        """A Python program with our code in reach."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
        return subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            env={**kept, "PYTHONPATH": str(EXAMPLE.parents[1]), "PYTHONUNBUFFERED": ""},
        )

    def test_help_is_quick(self) -> None:
        """No help of any command loads Twisted or rich; the overview loads no command either."""
        done = self.run_program(
            "import sys\n"
            "from tfserver.cli.main import COMMANDS, main\n"
            "main(['--help'])\n"
            "heavy = {'twisted', 'rich', 'autobahn', 'txredisapi', 'yaml'}\n"
            "commands = {later.module for later in COMMANDS.values()}\n"
            "assert not (heavy | commands) & set(sys.modules), (heavy | commands) & set(sys.modules)\n"
            "for name in COMMANDS:\n"
            "    assert main([name, '--help']) == 0, name\n"
            "    assert not heavy & set(sys.modules), (name, heavy & set(sys.modules))\n"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_nobody_reads(self) -> None:
        """Output that nobody wants any more ends quietly with status 141."""
        done = self.run_program(
            "import os, sys\n"
            "from tfserver.cli.main import main\n"
            "reading, writing = os.pipe()\n"
            "os.close(reading)\n"
            "os.dup2(writing, 1)\n"
            "sys.exit(main(['key', 'create']))\n"
        )
        self.assertEqual((done.returncode, done.stderr), (141, ""))

    def test_interrupted(self) -> None:
        """Ctrl-C ends with status 130 and without a traceback."""
        with mock.patch("tfserver.cli.punches.command.callback", side_effect=KeyboardInterrupt):
            self.assertEqual(call("punches", "--token", "x"), (130, "", ""))


class KeyTests(SynchronousTestCase):
    """``tfserver key create``."""

    def test_key(self) -> None:
        """It prints 32 random bytes in base64 alone, others each time."""
        first, second = call("key", "create"), call("key", "create")
        self.assertEqual((first.status, first.err), (0, ""))
        self.assertEqual(len(base64.b64decode(first.out.strip(), validate=True)), 32)
        self.assertEqual(first.out.count("\n"), 1)
        self.assertNotEqual(first.out, second.out)
        self.assertEqual(len(base64.b64decode(call("key", "create", "--json").json["key"])), 32)


class CheckConfigTests(SynchronousTestCase):
    """``tfserver check-config``."""

    def checked(self, text: str) -> tuple[int, str, str]:
        """The outcome for a file with this text, and its path."""
        path = os.path.abspath(self.mktemp())
        Path(path).write_text(text, encoding="utf-8")
        done = call("check-config", path)
        return done.status, done.out + done.err, path

    def test_right(self) -> None:
        """A right file is called right, with what it means."""
        status, said, path = self.checked(
            "terminals:\n  endpoints: [tcp:9001]\nstore:\n  url: redis://r.example\n"
        )
        self.assertEqual(status, 0)
        self.assertIn(path, said)
        self.assertIn("tcp:9001", said)
        self.assertIn("redis://r.example", said)

    def test_password(self) -> None:
        """A password in the store's URL is not repeated."""
        status, said, _ = self.checked("store:\n  url: redis://me:secret@r.example\n")
        self.assertEqual(status, 0)
        self.assertIn("redis://me@r.example", said)
        self.assertNotIn("secret", said)

    def test_json(self) -> None:
        """For programs the same as an object."""
        found = call("check-config", str(EXAMPLE), "--json").json
        self.assertEqual((found["right"], found["terminals"]), (True, ["tcp:7788"]))

    def test_empty(self) -> None:
        """An empty file is right: everything has a default."""
        self.assertEqual(self.checked("")[0], 0)

    def test_our_example(self) -> None:
        """The file in ``etc`` is right, and says the defaults."""
        self.assertEqual(call("check-config", str(EXAMPLE)).status, 0)
        self.assertEqual(load(str(EXAMPLE), {}), Settings())

    def test_wrong(self) -> None:
        """A wrong file is status 1; the message names the file, the setting and what was expected."""
        for text, setting in (
            ("terminalz: {}", "terminalz"),
            ("store:\n  durabilty: always", "store.durabilty"),
            ("store:\n  durability: sometimes", "store.durability"),
            ("limits:\n  connections: 0", "limits.connections"),
            ("limits:\n  connections: many", "limits.connections"),
            ("terminals:\n  timezone: Nowhere/Land", "terminals.timezone"),
            ("terminals:\n  endpoints: []", "terminals.endpoints"),
            ("admission:\n  policy: maybe", "admission.policy"),
        ):
            status, said, path = self.checked(text)
            self.assertEqual(status, 1, text)
            self.assertIn(path, said)
            self.assertIn(setting, said)
            self.assertNotIn("Traceback", said)

    def test_wrong_networks(self) -> None:
        """A network that is none is found here and not only at the start."""
        status, said, _ = self.checked("limits:\n  exempt: [10.0.0.0/99]")
        self.assertEqual(status, 1, said)
        self.assertIn("limits.exempt", said)

    def test_no_yaml(self) -> None:
        """A file that is no YAML, no mapping, or not there is status 1."""
        for text in ("a: [", "- a\n- b", "just words"):
            self.assertEqual(self.checked(text)[0], 1, text)
        self.assertEqual(call("check-config", "/nonexistent/tfserver.yaml").status, 1)


class NoServerTests(SynchronousTestCase):
    """Commands that find no server."""

    def test_unreachable(self) -> None:
        """A server that can't be reached is status 3, and is named."""
        url = f"http://127.0.0.1:{unused_port()}"
        for words in (
            ("terminals",),
            ("terminals", "show", "A"),
            ("terminals", "approve", "A"),
            ("punches",),
            ("orders", "A"),
            ("audit",),
            ("token", "list"),
            ("backfill", "A"),
        ):
            done = call(*words, "--url", url, "--token", "tfs_x")
            self.assertEqual((done.status, done.out), (3, ""), words)
            self.assertIn(url, done.err)
            self.assertNotIn("tfs_x", done.err)

    def test_environment(self) -> None:
        """URL and token may stand in the environment; options win."""
        url = f"http://127.0.0.1:{unused_port()}"
        self.assertIn(url, call("punches", TFSERVER_URL=url, TFSERVER_TOKEN="tfs_x").err)
        other = f"http://127.0.0.1:{unused_port()}"
        self.assertIn(other, call("punches", "--url", other, TFSERVER_URL=url, TFSERVER_TOKEN="tfs_x").err)

    def test_no_token(self) -> None:
        """Without a token anywhere it says where one may come from: status 1."""
        done = call("terminals", "--data-dir", os.path.abspath(self.mktemp()))
        self.assertEqual(done.status, 1)
        for place in ("--token", "TFSERVER_TOKEN", "--data-dir"):
            self.assertIn(place, done.err)

    def test_no_token_at_all(self) -> None:
        """What can't be a token is not sent, and not repeated."""
        for token in ("tfs_x\nHost: other", "tfs x", "tfs_é"):
            done = call("terminals", "--token", token)
            self.assertEqual((done.status, done.out), (1, ""))
            self.assertNotIn(token, done.err)

    def test_no_url(self) -> None:
        """A URL that is none is told in one line, not in a traceback."""
        for url in ("gate.example", "ftp://gate.example", "http://", "http://127.0.0.1:port", "http://[::1"):
            done = call("terminals", "--url", url, "--token", "tfs_x")
            self.assertIn(done.status, (1, 2, 3), url)
            self.assertEqual(done.err.count("\n"), 1, url)
