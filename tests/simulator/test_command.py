"""The command line: options, usage errors, and whole runs as other programs start them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any
from unittest import mock

import click
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.simulator.tiny_server import TinyServer
from tfserver.simulator.__main__ import main
from tfserver.simulator.command import Options, command, run


def parsed(*arguments: str) -> Options:
    """The options of a command line."""
    with command.make_context("simulate", list(arguments)) as context:
        return Options(**context.params)


class OptionTests(SynchronousTestCase):
    """Defaults and mistakes."""

    def test_defaults(self) -> None:
        """One terminal at the usual address, a punch a second, until interrupted."""
        options = parsed()
        self.assertEqual(options.url, "ws://127.0.0.1:7788/pub/chat")
        self.assertEqual((options.terminals, options.rate, options.seconds), (1, 1.0, None))
        self.assertEqual((options.timeout, options.heartbeat, options.reg_repeat), (60, 3, 20))
        self.assertEqual((options.dialect, options.users, options.batch), ("mixed", 5, 20))
        self.assertFalse(options.wait_ack or options.json or options.progress)

    def test_given(self) -> None:
        """Each option is taken, also with ``=``."""
        options = parsed("--terminals=3", "--rate", "0", "--seed", "-7", "--seconds", "1e1", "--wait-ack")
        self.assertEqual((options.terminals, options.rate, options.seed), (3, 0.0, -7))
        self.assertEqual((options.seconds, options.wait_ack), (10.0, True))
        options = parsed("--people", "9", "--credentials", "50,0,0", "--capacity", "user=9, fp=0")
        self.assertEqual((options.users, options.credentials), (9, (50, 0)))
        self.assertEqual(options.capacity, {"user": 9, "fp": 0})

    def test_usage_errors(self) -> None:
        """Mistakes are explained on stderr; the exit code is 2."""
        for arguments in (
            ("--sn-prefix", "a b"),
            ("--sn-prefix", "x" * 25),
            ("--users", "0"),
            ("--rate", "0", "--url", "http://example.invalid/"),
            ("--ack-file", "/nonexistent/folder/file"),
            ("--holds", "/nonexistent/folder/file"),
        ):
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                self.assertEqual(run(parsed(*arguments)), 2)
            self.assertTrue(said.getvalue().startswith("simulate: "), said.getvalue())

    def test_wrong_numbers(self) -> None:
        """The parser itself refuses what is no fitting number."""
        for arguments in (
            ("--terminals", "0"),
            ("--users", "-1"),
            ("--rate", "-1"),
            ("--rate", "nan"),
            ("--enrol-rate", "inf"),
            ("--seconds", "0"),
            ("--seconds", "soon"),
            ("--timeout", "inf"),
            ("--seed", "x"),
            ("--dialect", "klingon"),
            ("--credentials", "0,99"),
            ("--credentials", ""),
            ("--capacity", "user"),
            ("--capacity", "hand=3"),
            ("--capacity", "user=-1"),
            ("--nosuch",),
            ("word",),
        ):
            wrong = self.assertRaises(click.UsageError, parsed, *arguments)
            self.assertEqual(wrong.exit_code, 2)

    def test_as_a_module(self) -> None:
        """``python -m tfserver.simulator`` is the same: its help, and its status for mistakes."""
        for words, status, said in (
            (("--help",), 0, "exit code: 0 done"),
            (("--terminals", "0"), 2, "--terminals"),
            (("--sn-prefix", "a b"), 2, "simulate: --sn-prefix"),
        ):
            out, err = io.StringIO(), io.StringIO()
            with (
                mock.patch.object(sys, "argv", ["x", *words]),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                self.assertEqual(main(), status, words)
            self.assertIn(said, " ".join((out.getvalue() + err.getvalue()).split()))


class RunTests(TestCase):
    """``python -m tfserver.simulator`` against a real server."""

    timeout = 60

    async def simulate(self, *arguments: str) -> tuple[str, str, int]:
        """Output, error output and exit code of a run."""
        command = ["-m", "tfserver.simulator", *arguments]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        out, err, code = await getProcessOutputAndValue(sys.executable, command, env)
        return out.decode(), err.decode(), code

    async def serve(self, **changes: Any) -> TinyServer:
        """A server that ends with the test."""
        server = TinyServer(**changes)
        await server.start(reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    async def test_backlog_to_the_end(self) -> None:
        """All is acknowledged: exit code 0, a JSON report, and every record in the file."""
        server = await self.serve()
        path = self.mktemp()
        arguments = ("--terminals", "3", "--backlog", "40", "--rate", "0", "--wait-ack", "--json")
        out, err, code = await self.simulate("--url", server.url, *arguments, "--ack-file", path)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual((json.loads(out)["acked"], json.loads(out)["online"]), (120, 3))
        with open(path, encoding="utf-8") as lines:
            acked = {json.dumps(json.loads(line), sort_keys=True) for line in lines}
        self.assertEqual(len(acked), 120)

    async def test_refused(self) -> None:
        """Something stays unacknowledged: exit code 1, and the reason for people."""
        server = await self.serve(answer=lambda request: {"ret": "reg", "result": False, "reason": "wait"})
        arguments = ("--backlog", "1", "--rate", "0", "--wait-ack", "--timeout", "1.5")
        out, err, code = await self.simulate("--url", server.url, *arguments)
        self.assertEqual((code, err), (1, "terminals refused: 1; server answered: wait\n"))
        self.assertRegex(out, r"waiting +1\n")

    async def test_no_server(self) -> None:
        """Nobody there: exit code 3; progress is shown when asked for."""
        server = await self.serve()
        await server.stop()
        _, err, code = await self.simulate("--url", server.url, "--seconds", "1", "--progress")
        self.assertEqual(code, 3)
        self.assertIn("could not connect: ", err)
        self.assertIn("online 0/1", err)
