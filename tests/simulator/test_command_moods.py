"""The options about commands, in whole runs as other programs start them."""

from __future__ import annotations

import time

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
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


class PeopleTests(TestCase):
    """``--people``, ``--credentials``, ``--capacity``, ``--holds``; signals."""

    timeout = 60

    async def test_holds(self) -> None:
        """What the terminals keep is written when asked for, also after a change; they go and come back."""
        server = TinyServer()
        await server.start(reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        options = ("--people", "3", "--credentials", "11", "--capacity", "user=3", "--rate", "0")
        simulator = RealSimulator(server.url, *options).write_holds()
        self.addCleanup(simulator.remove)
        simulator.start()
        await server.until(lambda: "reg" in server.words())
        before = await deferToThread(simulator.holds)
        self.assertEqual([list(people) for people in before.values()], [["1", "2", "3"]])
        for enrollid, slot in ((4, 11), (1, 10)):
            fields = {"enrollid": enrollid, "backupnum": slot, "name": "Ines", "record": 123}
            server.connections[0].say({"cmd": "setuserinfo", **fields})
        await server.until(lambda: len(server.words("ret")) == 2)
        (after,) = (await deferToThread(simulator.holds)).values()
        self.assertEqual(
            (list(after), after["1"]["name"], after["1"]["credentials"]["10"]),
            (["1", "2", "3"], "Ines", "123"),
        )
        simulator.leave_or_return()
        await server.until(lambda: server.closed == 1)
        simulator.leave_or_return()
        await server.until(lambda: server.words().count("reg") == 2)
