"""The receivers in docs/webhooks.md, as they stand there, tried out by ``tfserver webhook-test``."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.cli.called import unused_port

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECONDS = 60


class DocumentedTests(SynchronousTestCase):
    """Programs that people copy."""

    def example(self, language: str) -> str:
        """The program of a language in the page."""
        [found] = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        return str(found)

    def try_out(self, program: str, *command: str) -> tuple[int, str, Path]:
        """Exit status and output of a trial, and the folder of the receiver."""
        folder = Path(self.mktemp())
        folder.mkdir(parents=True)
        path = folder / "receiver"
        path.write_text(program, "utf-8")
        port = unused_port()
        environment = {**os.environ, "WEBHOOK_SECRETS": SECRET, "PORT": str(port)}
        running = subprocess.Popen(
            [*command, str(path.absolute())],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert running.stdout is not None
            self.assertEqual(running.stdout.readline(), b"listening\n")
            words = ["-m", "tfserver.cli.main", "webhook-test", f"http://127.0.0.1:{port}/", "--json"]
            told = {**os.environ, "TFSERVER_WEBHOOK_SECRET": SECRET}
            done = subprocess.run(
                [sys.executable, *words], env=told, capture_output=True, text=True, timeout=SECONDS
            )
        finally:
            running.kill()
            running.communicate()
        return done.returncode, done.stdout or done.stderr, folder

    def test_python(self) -> None:
        """The one in Python passes, and has each punch once."""
        status, told, folder = self.try_out(self.example("python"), sys.executable)
        self.assertEqual(status, 0, told)
        said = json.loads(told)["findings"][-1]["said"]
        [(kept,)] = sqlite3.connect(folder / "punches.sqlite").execute("SELECT count(*) FROM punches")
        self.assertIn(f" {kept} punches ", said)

    def test_javascript(self) -> None:
        """The one in JavaScript passes."""
        node = shutil.which("node")
        if node is None:
            raise SkipTest("there is no node on this machine")
        status, told, _ = self.try_out(self.example("javascript"), node)
        self.assertEqual(status, 0, told)

    def test_forgetful(self) -> None:
        """A receiver that forgets to look at the signature does not pass."""
        program = self.example("python").replace("return fits and", "return True or")
        self.assertNotEqual(program, self.example("python"))
        self.assertEqual(self.try_out(program, sys.executable)[0], 1)
