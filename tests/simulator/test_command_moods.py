"""The options about commands, in whole runs as other programs start them."""

from __future__ import annotations

import time

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.real.simulator import RealSimulator
from tests.simulator.tiny_server import TinyServer


class CommandsTests(TestCase):
    """``--mood``, ``--history``, ``--obeyed-file``."""

    timeout = 60

    async def test_run(self) -> None:
        """Old logs are not pushed but can be read; a mood is heeded; what was done is in file and report."""
        server = TinyServer()
        await server.start(reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        options = ("--history", "70", "--rate", "0", "--dialect", "documented", "--mood", "silent:gettime")
        simulator = RealSimulator(server.url, *options).write_obeyed()
        self.addCleanup(simulator.remove)
        began = time.monotonic()
        simulator.start()
        await server.until(lambda: "reg" in server.words())
        for command in ({"cmd": "gettime"}, {"cmd": "getalllog", "stn": True}, {"cmd": "opendoor"}):
            server.connections[0].say(command)
        await server.until(lambda: "opendoor" in server.words("ret"))
        self.assertEqual(server.words("ret"), ["getalllog", "opendoor"])
        self.assertEqual([reply["count"] for reply in server.heard if "from" in reply], [70])
        await server.until(lambda: "sendlog" in server.words())
        [opened] = simulator.obeyed("opendoor")
        self.assertEqual([line["cmd"] for line in simulator.obeyed()], ["getalllog", "opendoor"])
        self.assertTrue(began < opened["at"] < time.monotonic())
