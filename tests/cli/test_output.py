"""How output looks: on a terminal, in a pipe, without colours; progress."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import subprocess
import sys

from tests.cli.stub import Answer, StubCase, order, terminal
from tests.real.server import ROOT
from tfserver.cli.output import COLOURS, clean, flat, progress, waiting

SECONDS = 60


class TerminalWindowTests(StubCase):
    """The same command in a terminal window and in a pipe."""

    def in_window(self, *words: str, **environment: str) -> str:
        """What ``tfserver WORDS`` shows in a terminal window, stdout and stderr."""
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        where = {
            "TFSERVER_URL": self.stub.url,
            "TFSERVER_TOKEN": "x",
            "TERM": "xterm-256color",
            "COLUMNS": "100",
        }
        outside, inside = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "tfserver.cli.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=inside,
            stderr=inside,
            env={**kept, "PYTHONPATH": str(ROOT), **where, **environment},
        )
        os.close(inside)
        shown = b""
        # the read fails when the last writer has closed its end
        with contextlib.suppress(OSError):
            while part := os.read(outside, 65_536):
                shown += part
        os.close(outside)
        process.wait(SECONDS)
        return shown.decode()

    def setUp(self) -> None:
        super().setUp()
        rows = [terminal(), terminal("[red]B", online=False)]
        self.stub.on("GET /terminals", {"terminals": rows, "next": None})
        self.stub.on("GET /readyz", Answer(200, "ready\n"))

    def test_colours(self) -> None:
        """In a window states have colours, and what looks like markup is shown as it is."""
        shown = self.in_window("terminals")
        self.assertRegex(shown, r"\x1b\[32monline *\x1b\[0m")
        self.assertIn("[red]B", shown)

    def test_no_colour(self) -> None:
        """``NO_COLOR`` is honoured in a window, by tables and by the doctor."""
        self.assertNotIn("\x1b[3", self.in_window("terminals", NO_COLOR="1"))
        doctor = ("doctor", "--terminals-url", "ws://127.0.0.1:1")
        self.assertIn("\x1b[31mwrong\x1b[0m", self.in_window(*doctor))
        self.assertNotIn("\x1b[3", self.in_window(*doctor, NO_COLOR="1"))

    def test_pipe(self) -> None:
        """In a pipe columns are aligned, and there are no colours."""
        heading, first, second = self.ask("terminals").out.splitlines()
        self.assertNotIn("\x1b", heading + first + second)
        self.assertEqual(heading.index("state"), first.index("online"))
        self.assertEqual(heading.index("state"), second.index("offline"))

    def test_what_is_waited_for(self) -> None:
        """In a window it is shown that an order is on its way; its end is shown below."""
        self.stub.on("POST /terminals/[b]X/commands", order("done"))
        shown = self.in_window("send", "[b]X", "opendoor")
        self.assertIn("opendoor on its way to [b]X", shown)
        self.assertIn("opendoor: done", shown)


class ValueTests(StubCase):
    """Values as text."""

    def test_clean(self) -> None:
        """Each kind of value; what steers a screen is written out."""
        for value, text in (
            (None, ""),
            (True, "yes"),
            (False, "no"),
            (0, "0"),
            ("Ann Lée 张", "Ann Lée 张"),
            ([1, "é"], '[1, "é"]'),
            ("a\x1b]0;x\x07\x9b\u200b\u2028\ud800", r"a\x1b]0;x\x07\x9b\u200b\u2028\ud800"),
        ):
            self.assertEqual(clean(value), text)

    def test_flat(self) -> None:
        """Nested objects get dotted names; an empty one stays a value."""
        found = flat({"a": {"b": {"c": 1}}, "d": {}, "e": [{"f": 1}]})
        self.assertEqual(found, {"a.b.c": 1, "d": {}, "e": [{"f": 1}]})

    def test_colours_exist(self) -> None:
        """The colours are known to both libraries."""
        from click import style
        from rich.style import Style

        for colour in set(COLOURS.values()):
            self.assertIn("x", style("x", fg=colour))
            self.assertIsNotNone(Style.parse(colour).color)


class ProgressTests(StubCase):
    """Long work, told on stderr."""

    def test_no_window(self) -> None:
        """Nothing is shown where stderr is no terminal window."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said), progress("keys") as tell, waiting("for it"):
            tell(1, 2)
        self.assertEqual(said.getvalue(), "")

    def test_window(self) -> None:
        """In a window a bar tells how much is done, and is gone at the end; markup is shown as it is."""

        class Window(io.StringIO):
            """A text that says it is a terminal window."""

            def isatty(self) -> bool:
                """It does."""
                return True

        said = Window()
        with contextlib.redirect_stderr(said), progress("keys of [b]X") as tell:
            tell(1, 2)
            tell(2, 2)
        self.assertIn("keys of [b]X", said.getvalue())
        self.assertIn("2/2", said.getvalue())
