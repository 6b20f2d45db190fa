"""``tfserver doctor``: what is told about a server; a terminal's own troubles are in ``test_diagnosis``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tests.cli.called import Outcome, call, unused_port
from tests.cli.stub import TOKEN, Answer, StubCase, order, problem, terminal
from tests.cli.test_handshake import switching
from tfserver.cli.doctor import parsed
from tfserver.metrics import Metrics

SN = "ZXDM26010042"


class DoctorCase(StubCase):
    """A stub server that is well, and a terminals' port that answers."""

    def setUp(self) -> None:
        super().setUp()
        self.port = self.parrot(switching).port
        self.metrics = Metrics()
        self.metrics.connections = self.metrics.terminals = 1
        self.stub.on("GET /readyz", Answer(200, "ready\n"))
        self.has([terminal()])
        self.stub.on(f"GET /terminals/{SN}", terminal())
        self.stub.on(f"GET /terminals/{SN}/commands", {"commands": [], "next": None})

    def has(self, rows: Sequence[object], quarantined: Sequence[object] = ()) -> None:
        """The terminals there are, and the devices in quarantine."""
        self.stub.on("GET /terminals", {"terminals": list(rows), "next": None})
        self.stub.on("GET /terminals?state=quarantined", {"terminals": list(quarantined), "next": None})

    def look(self, *words: str) -> Outcome:
        """What the doctor says."""
        self.stub.on("GET /metrics", Answer(200, self.metrics.exposition().decode()))
        return self.ask("doctor", "--terminals-url", f"ws://127.0.0.1:{self.port}", *words)

    def finding(self, words: str, *arguments: str) -> tuple[str, str]:
        """State and advice of the one finding that says this."""
        found = self.look(*arguments, "--json").json["findings"]
        [one] = [finding for finding in found if words in finding["said"]]
        return one["state"], one["advice"]


class ServerTests(DoctorCase):
    """What can be wrong with a server."""

    def test_well(self) -> None:
        """Nothing is wrong: status 0, and every line says ok."""
        done = self.look()
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual({line.split()[0] for line in done.out.splitlines()}, {"ok"})
        found = self.look("--json").json
        self.assertTrue(found["ok"])
        self.assertIn("1 online", str(found["findings"]))

    def test_unreachable(self) -> None:
        """Without a server that is said, and the terminals' port is looked at all the same: status 1."""
        url = f"http://127.0.0.1:{unused_port()}"
        words = ("doctor", "--url", url, "--terminals-url", f"ws://127.0.0.1:{self.port}")
        done = call(*words, TFSERVER_TOKEN=TOKEN)
        self.assertEqual((done.status, done.err), (1, ""))
        self.assertRegex(done.out, f"^wrong +server +{url} can't be reached")
        self.assertIn("takes connections", done.out)

    def test_port_beside(self) -> None:
        """Unless it is told, the terminals' port is 7788 of the host of the API."""
        done = call("doctor", "--url", f"http://localhost:{unused_port()}", TFSERVER_TOKEN=TOKEN)
        self.assertIn("ws://localhost:7788: ", done.out)

    def test_not_ready(self) -> None:
        """Why it is not ready, in the server's words."""
        self.stub.on("GET /readyz", Answer(503, "store: no answer within the deadline\n"))
        self.assertEqual(self.finding("no answer within the deadline")[0], "wrong")
        self.stub.on("GET /readyz", Answer(503, "draining\n"))
        self.assertEqual(self.finding("being stopped")[0], "wrong")
        self.stub.on("GET /readyz", Answer(200, "<html>"))
        self.assertEqual(self.finding("not tfserver")[0], "wrong")

    def test_token(self) -> None:
        """A token that is not accepted, and none at all, are told apart; both are wrong."""
        self.stub.on("GET /terminals", problem(401, "this token is not accepted"))
        self.assertIn("token create", self.finding("not accepted")[1])
        words = ("doctor", "--terminals-url", f"ws://127.0.0.1:{self.port}", "--data-dir", self.mktemp())
        done = call(*words, TFSERVER_URL=self.stub.url)
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, "(?m)^wrong +token +no token")

    def test_other_refusal(self) -> None:
        """A server that fails is told in its own words."""
        self.stub.on("GET /terminals", problem(500, "see the server's log"))
        self.assertEqual(self.finding("see the server's log")[0], "wrong")

    def test_terminals(self) -> None:
        """How many there are in each state; those that wait, or are kept out, deserve attention."""
        rows = [terminal(), terminal("B", online=False), terminal("C", admission="pending", online=False)]
        self.has(rows, [terminal("B", admission="quarantined")])
        self.assertEqual(self.finding("1 online, 1 offline, 1 pending, 0 denied")[0], "ok")
        self.assertEqual(self.finding("1 wait for approval")[0], "attention")
        self.assertEqual(self.finding("1 devices claim a number")[0], "attention")
        self.has([])
        self.assertIn("Server request = Yes", self.finding("none has ever said")[1])

    def test_connections(self) -> None:
        """Connections without a registered terminal, and those that were turned away, with the reason."""
        self.metrics.connections = 4
        self.has([terminal(admission="pending")])
        state, advice = self.finding("3 are open but have not registered")
        self.assertEqual(state, "attention")
        self.assertIn("1 known terminals are not approved", advice)
        self.metrics.turned_away.update({"too many connections": 5, "going away": 9})
        self.assertEqual(self.finding("5 turned away since the start: too many connections")[0], "attention")
        self.assertNotIn("going away", self.look().out)

    def test_counts(self) -> None:
        """Oddities and failures since the start; harmless ones are ok."""
        self.metrics.notes.update({"unreadable frame": 7, "mended frame": 2})
        self.metrics.store_failures = 3
        for words, state in (
            ("7 times since the start: unreadable frame", "attention"),
            ("2 times since the start: mended frame", "ok"),
            ("3 requests refused", "attention"),
        ):
            self.assertEqual(self.finding(words)[0], state, words)
        self.assertEqual(self.look().status, 0)
        self.metrics.quarantine_full = 1
        self.assertEqual(self.finding("the quarantine is full")[0], "wrong")

    def test_port(self) -> None:
        """A terminals' port that does not answer is wrong."""
        self.port = unused_port()
        self.assertEqual(self.finding("nobody listens there")[0], "wrong")

    def test_metrics_as_they_are(self) -> None:
        """The names that are looked for are those the server tells; what can't be read is left out."""
        self.metrics.turned_away["too many connections"] = 2
        found = parsed(self.metrics.exposition().decode())
        self.assertEqual(found["tfserver_connections"], {"": 1.0})
        self.assertEqual(found["tfserver_turned_away_total"], {"too many connections": 2.0})
        self.assertEqual(parsed("<html>\n{}{"), {})


class TerminalTests(DoctorCase):
    """``doctor SN`` as a whole."""

    def test_well(self) -> None:
        """A terminal of which everything is known: all is ok, status 0."""
        now = datetime.now(UTC).isoformat()
        self.stub.on(f"GET /terminals/{SN}", terminal(last_frame=now, last_punch=now))
        done = self.look(SN)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertEqual({line.split()[0] for line in done.out.splitlines()}, {"ok"})
        for words in ("it is approved", "it is online since", "it goes right", "none waits"):
            self.assertIn(words, done.out)

    def test_unknown(self) -> None:
        """A terminal that never came: what to set in its menu, and which known one may be meant."""
        self.stub.on("GET /terminals/ZXDM26O10042", problem(404, "no terminal"))
        done = self.look("ZXDM26O10042")
        self.assertEqual(done.status, 1)
        self.assertIn("Server request = Yes", done.out)
        self.assertIn(f"known here: {SN}", done.out)

    def test_claimed(self) -> None:
        """Another device that holds the number is told with its address."""
        told = {"address": "192.0.2.7", "cpusn": "c1", "mac": ""}
        self.has([terminal()], [terminal(admission="quarantined", devinfo=told)])
        self.assertEqual(self.finding("(address 192.0.2.7, cpusn c1)", SN)[0], "wrong")

    def test_orders(self) -> None:
        """Orders that have waited long deserve attention; when they can't be read that is said."""
        where = f"GET /terminals/{SN}/commands"
        self.stub.on(where, {"commands": [order("queued"), order("done")], "next": None})
        self.assertEqual(self.finding("1 not ended", SN)[0], "attention")
        self.stub.on(where, problem(503, "the store is away"))
        self.assertEqual(self.finding("the store is away", SN)[0], "attention")

    def test_not_told(self) -> None:
        """A server that fails to tell of the terminal is told in its own words."""
        self.stub.on(f"GET /terminals/{SN}", problem(503, "the store is away"))
        self.assertEqual(self.finding("the store is away", SN)[0], "wrong")
