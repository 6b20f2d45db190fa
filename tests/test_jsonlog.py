"""The log as JSON: one object a line, whatever is logged."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path
from typing import Any

from twisted.application.service import Application
from twisted.logger import ILogObserver, Logger, LogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tfserver import jsonlog

HOSTILE = 'x\n{"level":"critical"}\r\u2028\u0085\x1b[31m\x00"\\\ud800'


class LineTests(SynchronousTestCase):
    """Events and their lines."""

    def setUp(self) -> None:
        self.stream = io.StringIO()
        self.log = Logger("tfserver.gateway.link", observer=LogPublisher(jsonlog.observer(self.stream)))

    def told(self) -> dict[str, Any]:
        """The one line there is."""
        text = self.stream.getvalue()
        self.assertTrue(text.endswith("\n"))
        [line] = text.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def test_fields(self) -> None:
        """Time, level, words, and what it is about; what is not known or has another name is left out."""
        about = {"sn": "ZX1", "connection": "c-1", "address": "", "order": None, "password": "c4n4ry"}
        self.log.warn("{sn}: cut off: {why}", why="silent", **about)
        told = self.told()
        self.assertRegex(told.pop("time"), r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
        self.assertEqual(
            told,
            {
                "level": "warn",
                "message": "ZX1: cut off: silent",
                "logger": "tfserver.gateway.link",
                "sn": "ZX1",
                "connection": "c-1",
            },
        )

    def test_injection(self) -> None:
        """Nothing that a terminal says makes a second line, or is lost."""
        self.log.info("{sn} said {what}", sn=HOSTILE, what=HOSTILE)
        told = self.told()
        self.assertEqual((told["level"], told["sn"]), ("info", HOSTILE))
        self.assertEqual(told["message"], f"{HOSTILE} said {HOSTILE}")

    def test_traceback(self) -> None:
        """A mistake of ours comes with its traceback as a field."""
        try:
            raise RuntimeError("broken\nin two")
        except RuntimeError:
            self.log.failure("our own mistake", order="5b2f")
        told = self.told()
        self.assertEqual((told["level"], told["order"]), ("critical", "5b2f"))
        self.assertIn("test_jsonlog.py", told["traceback"])
        self.assertIn("RuntimeError: broken\nin two", told["traceback"])

    def test_long(self) -> None:
        """A line has a bound."""
        self.log.info("{what}", what="y" * 1_000_000, sn="z" * 1_000_000)
        self.assertLess(len(self.stream.getvalue()), 20_000)

    def test_what_others_log(self) -> None:
        """An event without level, time or words is a line as well."""
        observe = jsonlog.observer(self.stream)
        for event in ({}, {"log_format": "{missing}"}, {"log_format": 7}, {"log_failure": None, "sn": [1]}):
            observe(event)
        self.assertEqual(len([json.loads(line) for line in self.stream.getvalue().splitlines()]), 4)


class TwistdTests(SynchronousTestCase):
    """Where the lines go is what twistd's options say."""

    def observed(self, **twistd: Any) -> Any:
        """The observer that an application has then."""
        application = Application("tfserver")
        jsonlog.use(application, twistd)
        return application.getComponent(ILogObserver, None)

    def test_file(self) -> None:
        """With a log file they go into it, and a signal begins a new one, as twistd does it."""
        before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGUSR1, before)
        path = Path(self.mktemp()).absolute()
        self.observed(logfile=str(path))({"log_format": "hello"})
        self.assertEqual(json.loads(path.read_text())["message"], "hello")
        self.assertTrue(callable(signal.getsignal(signal.SIGUSR1)))

    def test_told_otherwise(self) -> None:
        """What the administrator gave to twistd himself stays."""
        self.assertIsNone(self.observed(logger="my.observer"))
        self.assertIsNone(self.observed(syslog=True))
