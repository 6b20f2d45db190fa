"""The commands against a real server and a real store."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import Outcome, TinyTerminal, call
from tests.real.placed import PlacedServer
from tests.real.server import KEY, ROOT
from tests.real.store import SECONDS, RealStore

SN, WAITING, OTHER = "ZXDM26010042", "ZXDM26010099", "OTHER-1"


class ServerTests(SynchronousTestCase):
    """One server with its embedded store for all tests of the class."""

    server: PlacedServer | None = None

    def setUp(self) -> None:
        """A server that knows one approved terminal with three punches, and one that waits."""
        if type(self).server is None:
            type(self).server = server = PlacedServer()
            atexit.register(server.remove)
            server.start()
            self.fill()

    def fill(self) -> None:
        """Let terminals come, and people approve one of them."""
        for sn in (SN, WAITING):
            answer = self.terminal().ask(cmd="reg", sn=sn, devinfo={"modelname": "TFS30"})
            self.assertEqual(answer["reason"], "Waiting for approval")
        self.assertEqual(self.ask("terminals", "approve", SN).status, 0)
        terminal = self.terminal()
        self.assertTrue(terminal.ask(cmd="reg", sn=SN, devinfo={"modelname": "TFS30"})["result"])
        for enrollid in (17, 18, 0):
            record = {"enrollid": enrollid, "time": "2026-04-02 08:15:00", "mode": 1, "inout": 0, "event": 0}
            answer = terminal.ask(cmd="sendlog", sn=SN, count=1, logindex=enrollid, record=[record])
            self.assertTrue(answer["result"])

    def running(self) -> PlacedServer:
        """The server."""
        assert self.server is not None
        return self.server

    def terminal(self) -> TinyTerminal:
        """A terminal that has dialled in."""
        terminal = TinyTerminal(self.running().terminals)
        self.addCleanup(terminal.hang_up)
        return terminal

    def data_dir(self) -> str:
        """Its data folder."""
        return f"{self.running().folder}/tfserver-data"

    def ask(self, *words: str) -> Outcome:
        """A command to this server, whose token it finds in the data folder."""
        url = f"http://127.0.0.1:{self.running().http}"
        return call(*words, "--url", url, "--data-dir", self.data_dir())

    def test_list(self) -> None:
        """The list is a table for people: a line each under a heading."""
        done = self.ask("terminals")
        self.assertEqual((done.status, done.err), (0, ""))
        heading, *lines = done.out.splitlines()
        self.assertIn("serial number", heading)
        [waiting] = [line.split() for line in lines if line.startswith(WAITING)]
        self.assertEqual(waiting[1:3], ["pending", "TFS30"])
        self.assertEqual(lines, sorted(lines))

    def test_list_as_json(self) -> None:
        """``--json`` prints the terminals as the API tells them."""
        found = self.ask("terminals", "list", "--json").json
        states = {one["sn"]: one["admission"] for one in found}
        self.assertEqual((states[SN], states[WAITING]), ("approved", "pending"))

    def test_list_by_state(self) -> None:
        """Only those of a state; nobody is said as such, and as an empty list in JSON."""
        found = self.ask("terminals", "--state", "pending", "--json").json
        self.assertEqual([one["sn"] for one in found], [WAITING])
        self.assertEqual(self.ask("terminals", "--state", "quarantined").out, "no terminals\n")
        self.assertEqual(self.ask("terminals", "--state", "quarantined", "--json").json, [])

    def test_wrong_state(self) -> None:
        """What the server refuses is status 1, with its words."""
        done = self.ask("terminals", "--state", "onlin")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("state", done.err)

    def test_show(self) -> None:
        """One terminal, or several, in full."""
        self.assertRegex(self.ask("terminals", "show", SN).out, r"(?m)^devinfo\.modelname +TFS30$")
        found = self.ask("terminals", "show", SN, WAITING, "--json").json
        self.assertEqual([one["sn"] for one in found], [SN, WAITING])

    def test_unknown_terminal(self) -> None:
        """A terminal that never came is status 1 for every action, also among others."""
        for action in ("show", "approve", "deny"):
            done = self.ask("terminals", action, "NO-SUCH-ONE")
            self.assertEqual((done.status, done.out), (1, ""), action)
            self.assertIn("NO-SUCH-ONE", done.err)

    def test_which_terminal(self) -> None:
        """An action without a serial number is wrong usage: status 2."""
        for action in ("show", "approve", "deny"):
            self.assertEqual(self.ask("terminals", action).status, 2, action)

    def test_deny_and_approve(self) -> None:
        """A decision is carried out and shown."""
        self.terminal().ask(cmd="reg", sn=OTHER, devinfo={})
        self.addCleanup(self.ask, "terminals", "deny", OTHER)
        [denied] = self.ask("terminals", "deny", OTHER, "--json").json
        self.assertEqual(denied["admission"], "denied")
        self.assertFalse(self.terminal().ask(cmd="reg", sn=OTHER, devinfo={})["result"])
        self.assertIn("offline", self.ask("terminals", "approve", OTHER).out)

    def test_punches(self) -> None:
        """Punches are a line each for people, in order of arrival."""
        done = self.ask("punches")
        self.assertEqual((done.status, done.err), (0, ""))
        lines = done.out.splitlines()
        self.assertEqual([SN in line for line in lines], [True] * 3)
        self.assertEqual([line.split()[2] for line in lines], ["17", "18", "door"])

    def test_punches_as_json(self) -> None:
        """``--json`` prints an object a line, and ``--after`` goes on behind one."""
        found = [json.loads(line) for line in self.ask("punches", "--json").out.splitlines()]
        self.assertEqual([punch["enrollid"] for punch in found], [17, 18, 0])
        rest = self.ask("punches", "--json", "--after", found[0]["id"]).out.splitlines()
        self.assertEqual([json.loads(line)["enrollid"] for line in rest], [18, 0])

    def test_punches_by_terminal_and_time(self) -> None:
        """Filters are passed on to the server."""
        self.assertEqual(self.ask("punches", "--sn", WAITING).out, "")
        self.assertEqual(self.ask("punches", "--since", "2030-01-01T00:00:00Z").out, "")
        self.assertEqual(len(self.ask("punches", "--until", "2030-01-01T00:00:00Z").out.splitlines()), 3)
        self.assertEqual(self.ask("punches", "--since", "tomorrow").status, 1)
        self.assertEqual(self.ask("punches", "--after", "nowhere").status, 1)

    def test_wrong_token(self) -> None:
        """A token that is not accepted is status 1, and is not repeated."""
        for words in (("terminals",), ("punches",)):
            done = self.ask(*words, "--token", "tfs_wrong")
            self.assertEqual((done.status, done.out), (1, ""))
            self.assertIn("token", done.err)
            self.assertNotIn("tfs_wrong", done.err)

    def test_not_an_api(self) -> None:
        """A URL that leads to something else than the API is told in one line."""
        url = f"http://127.0.0.1:{self.running().terminals}"
        done = call("terminals", "--url", url, "--token", "tfs_x")
        self.assertIn(done.status, (1, 3))
        self.assertEqual(done.err.count("\n"), 1)

    def test_reader(self) -> None:
        """A token made for reading reads, and decides nothing."""
        made = tokened("--data-dir", self.data_dir(), "--role", "reader")
        self.assertEqual(made.returncode, 0, made.stderr)
        token = made.stdout.strip()
        self.assertEqual(self.ask("terminals", "--token", token).status, 0)
        done = self.ask("terminals", "deny", SN, "--token", token)
        self.assertEqual(done.status, 1)
        self.assertIn("reader", done.err)

    def test_orders(self) -> None:
        """An order for a terminal that is away waits, is listed, and can be taken back once."""
        done = self.ask("send", WAITING, "gettime", "--wait", "0", "--json")
        self.assertEqual(done.status, 1)
        self.assertIn("approve", done.err)
        done = self.ask("send", SN, "gettime", "--wait", "0", "--json")
        self.assertEqual((done.status, done.err), (4, ""))
        order = done.json["id"]
        self.assertEqual(self.ask("orders", "show", order, "--json").json[0]["state"], "queued")
        self.assertIn(order, self.ask("orders", SN).out)
        self.assertEqual(self.ask("orders", "cancel", order).out, f"{order}: cancelled\n")
        done = self.ask("orders", "cancel", order)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("cancelled", done.err)

    def test_refused_orders(self) -> None:
        """What can't be ordered is status 1, with what is wrong with each field; nothing is kept of it."""
        for words, said in (
            (("opendoor",), "online"),
            (("opendoor", "doornum=9"), "doornum: "),
            (("nosuchword",), "cmd: "),
            (("cleanlog",), "confirm: "),
            (("gettime", "--ttl", "0"), "ttl: "),
        ):
            done = self.ask("send", SN, *words)
            self.assertEqual((done.status, done.out), (1, ""), words)
            self.assertIn(said, done.err)
        self.assertEqual(self.ask("send", "NO-SUCH-ONE", "gettime").status, 1)
        self.assertNotIn("opendoor", self.ask("orders", SN).out)

    def test_audit(self) -> None:
        """Who approved the terminal is told."""
        found = self.ask("audit", "--sn", SN, "--limit", "1000", "--json").json
        self.assertIn({"admission": "approved"}, [entry["detail"] for entry in found])
        self.assertEqual({entry["sn"] for entry in found}, {SN})
        self.assertIn(SN, self.ask("audit").out)

    def test_backfill(self) -> None:
        """A backfill of a terminal that is away stays open, and is told with its days."""
        days = ("--from", "2026-04-01", "--to", "2026-04-02")
        done = self.ask("backfill", SN, *days, "--json")
        self.assertEqual((done.status, done.err), (0, ""))
        self.addCleanup(self.ask, "orders", "cancel", *done.json[0]["orders"])
        listed = self.ask("backfill", SN, "--json").json
        self.assertIn((done.json[0]["id"], 2), [(one["id"], one["days"]) for one in listed])

    def test_tokens(self) -> None:
        """A token with a name and sites is listed with them, and accepted until it is revoked."""
        options = ("--name", "front desk", "--site", "Lisbon", "--site", "Porto", "--json")
        made = tokened("--data-dir", self.data_dir(), *options)
        self.assertEqual(made.returncode, 0, made.stderr)
        token = json.loads(made.stdout)
        [listed] = [one for one in self.ask("token", "list", "--json").json if one["id"] == token["id"]]
        self.assertEqual((listed["name"], listed["sites"]), ("front desk", ["Lisbon", "Porto"]))
        self.assertEqual(self.ask("terminals", "--token", token["token"], "--json").json, [])
        self.assertEqual(self.ask("token", "revoke", token["id"]).out, f"{token['id']}: revoked\n")
        self.assertEqual(self.ask("terminals", "--token", token["token"]).status, 1)

    def test_doctor(self) -> None:
        """The doctor finds the server well, and what is the matter with each terminal."""
        port = f"ws://127.0.0.1:{self.running().terminals}"
        done = self.ask("doctor", "--terminals-url", port, "--json")
        self.assertEqual((done.status, done.err), (0, ""))
        for sn, words in (
            (SN, "it is offline, heard last"),
            (WAITING, "it waits for approval"),
            ("ZXDM26O10042", f"known here: {SN}"),
        ):
            done = self.ask("doctor", sn, "--terminals-url", port)
            self.assertEqual((done.status, done.err), (1, ""), sn)
            self.assertIn(words, done.out)

    def test_backup(self) -> None:
        """A running server can be backed up; nothing is restored under it."""
        path = os.path.abspath(self.mktemp())
        done = call("backup", path, "--data-dir", self.data_dir())
        self.assertEqual((done.status, done.err), (0, ""))
        done = call("restore", path, "--replace", "--data-dir", self.data_dir(), TFSERVER_MASTER_KEY=KEY)
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("stop it", done.err)
        self.assertEqual(self.ask("terminals", "show", SN).status, 0)


class TokenTests(SynchronousTestCase):
    """``tfserver token create``."""

    def setUp(self) -> None:
        """A store."""
        self.store = RealStore().start()
        self.addCleanup(self.store.remove)

    def test_printed_alone(self) -> None:
        """Standard output holds the token and nothing else, and the store holds its hash only."""
        done = tokened("--redis", self.store.url, "--role", "admin")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Atfs_[A-Za-z0-9_-]{40,}\n\Z")
        kept = self.store.ask("HGETALL tf:tokens")
        self.assertIn('"role":"admin"', kept)
        self.assertNotIn(done.stdout.strip(), kept)
        self.assertNotIn(done.stdout.strip().removeprefix("tfs_"), kept)

    def test_another_each_time(self) -> None:
        """Every token is new; the role is reader unless it is said."""
        first, second = (tokened("--redis", self.store.url).stdout for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertEqual(self.store.ask("HGETALL tf:tokens").count('"role":"reader"'), 2)

    def test_config_file(self) -> None:
        """The store may stand in the server's configuration file, with its prefix."""
        path = Path(os.path.abspath(self.mktemp()))
        path.write_text(f"store:\n  url: {self.store.url}\n  prefix: 'x:'\n")
        self.assertEqual(tokened("-c", str(path)).returncode, 0)
        self.assertIn("reader", self.store.ask("HGETALL x:tokens"))

    def test_wrong_names(self) -> None:
        """A name or site that could not be shown is wrong usage."""
        for option in (("--name", "a\nb"), ("--name", "x" * 101), ("--site", ""), ("--site", "\x1b[2J")):
            done = tokened("--redis", self.store.url, *option)
            self.assertEqual((done.returncode, done.stdout), (2, ""), option)

    def test_no_store(self) -> None:
        """A store that is not there is a failure with a message, and no token is printed."""
        self.store.kill()
        done = tokened("--redis", self.store.url)
        self.assertIn(done.returncode, (1, 3))
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("tfserver token: "), done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_no_config_file(self) -> None:
        """A configuration file that is not there is a failure that names it."""
        done = tokened("-c", "/nonexistent/tfserver.yaml")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("/nonexistent/tfserver.yaml", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_no_embedded_store(self) -> None:
        """A data folder without a running store is a failure with a message."""
        folder = os.path.abspath(self.mktemp())
        os.mkdir(folder)
        self.addCleanup(shutil.rmtree, folder)
        done = tokened("--data-dir", folder)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(folder, done.stderr)


def tokened(*options: str) -> subprocess.CompletedProcess[str]:
    """``tfserver token create`` as a process: it runs a reactor of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TFSERVER_")}
    return subprocess.run(
        [sys.executable, "-m", "tfserver.cli.main", "token", "create", *options],
        capture_output=True,
        text=True,
        timeout=2 * SECONDS,
        env={**kept, "PYTHONPATH": str(ROOT)},
    )
