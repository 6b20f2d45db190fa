"""Completion in the shell: what is offered, as click asks for it."""

from __future__ import annotations

from tests.cli.called import call, unused_port
from tests.cli.stub import TOKEN, StubCase, terminal
from tfserver.cli.main import COMMANDS
from tfserver.cli.words import vocabulary_rows


class CompletionTests(StubCase):
    """Words that are offered."""

    def offered(self, line: str) -> list[str]:
        """What is offered for the last word of a command line."""
        words = line.split(" ")
        done = call(
            TFSERVER_URL=self.stub.url,
            TFSERVER_TOKEN=TOKEN,
            _TFSERVER_COMPLETE="zsh_complete",
            COMP_WORDS=line.rstrip(" ") if words[-1] == "" else line,
            COMP_CWORD=str(len(words) - 1),
        )
        self.assertEqual((done.status, done.err), (0, ""))
        # zsh is told three lines for each: its kind, the word, and what it is for
        return done.out.splitlines()[1::3]

    def test_commands(self) -> None:
        """Commands by their beginning, and options."""
        self.assertEqual(self.offered("tfserver "), list(COMMANDS))
        self.assertEqual(self.offered("tfserver co"), ["commands", "completeness", "completion"])
        self.assertEqual(self.offered("tfserver --v"), ["--version"])

    def test_usual_group(self) -> None:
        """A group offers its sub-commands and what its usual one takes."""
        self.stub.on("GET /terminals", {"terminals": [terminal("SA"), terminal("SB")], "next": None})
        self.assertEqual(self.offered("tfserver terminals "), ["approve", "deny", "list", "path", "show"])
        self.assertEqual(self.offered("tfserver terminals --st"), ["--state"])
        self.assertEqual(self.offered("tfserver orders s"), ["show", "SA", "SB"])

    def test_serial_numbers(self) -> None:
        """Serial numbers come from the server, by the URL and token that are in force."""
        self.stub.on("GET /terminals", {"terminals": [terminal("SA"), terminal("TB")], "next": None})
        for line in (
            "terminals show s",
            "send s",
            "doctor S",
            "backfill s",
            "punches --sn s",
            "orders list s",
        ):
            self.assertEqual(self.offered(f"tfserver {line}"), ["SA"], line)
        self.assertEqual({asked.token for asked in self.stub.asked}, {TOKEN})

    def test_no_server(self) -> None:
        """Without a server no serial number is offered, and nothing is said."""
        self.assertEqual(self.offered(f"tfserver send --url http://127.0.0.1:{unused_port()} s"), [])
        self.assertEqual(self.offered("tfserver send s"), [])

    def test_words(self) -> None:
        """The words a terminal can be ordered, and the fields of the one that stands there."""
        words = [row["command"] for row in vocabulary_rows()]
        self.assertEqual(self.offered("tfserver send SA "), words)
        self.assertEqual(self.offered("tfserver commands "), words)

    def test_scripts(self) -> None:
        """Each shell gets click's script."""
        for shell in ("zsh", "fish"):
            done = call("completion", shell)
            self.assertEqual(done.status, 0)
            self.assertIn(f"_TFSERVER_COMPLETE={shell}_complete", done.out)
