"""The WebSocket connections, against a real server on 127.0.0.1."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.simulator.tiny_server import TinyServer, good_answer
from tfserver.simulator.client import Dialler
from tfserver.simulator.fleet import Fleet
from tfserver.simulator.making import Plan, make_terminals
from tfserver.simulator.push import Timers
from tfserver.simulator.report import Report


class ClientTests(TestCase):
    """Fleet, Autobahn and a server that answers by the page."""

    timeout = 20

    async def serve(
        self, answer: Callable[[dict[str, Any]], dict[str, Any] | None] = good_answer
    ) -> TinyServer:
        """A server that ends with the test."""
        server = TinyServer(answer)
        await server.start(reactor)
        self.addCleanup(lambda: Deferred.fromCoroutine(server.stop()))
        return server

    def connect(self, url: str, **plan: Any) -> Fleet:
        """A started fleet that ends with the test, before the server does."""
        self.report = Report()
        now = reactor.seconds()
        terminals = make_terminals(Plan(**plan), now, 0, Random(1))
        fleet = Fleet(terminals, Dialler(reactor, url), reactor, Random(1), self.report)
        fleet.start()
        self.addCleanup(fleet.stop)
        return fleet

    async def test_backlog(self) -> None:
        """Three dialects deliver their backlog and, AiFace, their people, over the path of real terminals."""
        server = await self.serve()
        fleet = self.connect(server.url, terminals=3, dialect="mixed", backlog=25)
        await server.until(
            lambda: server.words().count("senduser") == 6 and server.words().count("sendlog") == 6
        )
        self.assertEqual(server.paths, ["/pub/chat"] * 3)
        self.assertEqual(server.words().count("reg"), 3)
        records = sum(len(message["record"]) for message in server.heard if message["cmd"] == "sendlog")
        self.assertEqual(records, 75)
        await fleet.stop()
        self.assertEqual(self.report.counts["acked"], 75)
        self.assertEqual(self.report.complaints, {})

    async def test_command(self) -> None:
        """A command is answered over the same connection."""
        server = await self.serve()
        self.connect(server.url, dialect="documented")
        await server.until(lambda: bool(server.heard))
        server.connections[0].say({"cmd": "getusername", "enrollid": 2})
        await server.until(lambda: "getusername" in server.words("ret"))
        self.assertEqual(server.heard[-1], {"ret": "getusername", "result": True, "record": "李娜 2"})

    async def test_lost_connection(self) -> None:
        """A server that drops the connection without a word gets the same batch on the next one."""

        def only_reg(request: dict[str, Any]) -> dict[str, Any] | None:
            return good_answer(request) if request["cmd"] == "reg" else None

        server = await self.serve(only_reg)
        self.connect(server.url, dialect="documented", backlog=3)
        await server.until(lambda: "sendlog" in server.words())
        server.answer = good_answer
        server.connections[0].cut()
        await server.until(lambda: server.words().count("sendlog") == 2)
        batches = [message for message in server.heard if message.get("cmd") == "sendlog"]
        self.assertEqual(batches[0], batches[1])
        self.assertEqual(server.words().count("reg"), 2)

    async def test_reboot(self) -> None:
        """``reboot`` is not answered: the terminal goes and registers again."""
        server = await self.serve()
        self.connect(server.url, dialect="documented")
        await server.until(lambda: bool(server.heard))
        server.connections[0].say({"cmd": "reboot"})
        await server.until(lambda: server.words() == ["reg", "reg"])
        self.assertEqual(server.words("ret"), [])

    async def test_reboot_with_an_answer(self) -> None:
        """AiFace answers ``reboot`` before it goes, and the answer arrives."""
        server = await self.serve()
        self.connect(server.url, dialect="aiface", users=0)
        await server.until(lambda: bool(server.heard))
        server.connections[0].say({"cmd": "reboot"})
        await server.until(lambda: server.words() == ["reg", "reg"])
        self.assertEqual(server.words("ret"), ["reboot"])
        self.assertEqual(self.report.obeyed, {"reboot": 1})

    async def test_heartbeat(self) -> None:
        """The terminals ping."""
        server = await self.serve()
        self.connect(server.url, timers=Timers(heartbeat=0.05))
        await server.until(lambda: server.pings >= 3)

    async def test_ping_of_the_server(self) -> None:
        """The terminals answer pings with the same payload."""
        server = await self.serve()
        self.connect(server.url)
        await server.until(lambda: bool(server.heard))
        server.connections[0].sendPing(b"alive?")
        await server.until(lambda: server.pongs == [b"alive?"])

    async def test_nobody_listens(self) -> None:
        """A server that is not there is counted as such, and no connection as lost."""
        server = await self.serve()
        await server.stop()
        told: Deferred[str] = Deferred()

        class Lonely:
            def closed(self, why: str) -> None:
                told.callback(why)

        Dialler(reactor, server.url)(Lonely())  # type: ignore[arg-type]
        self.assertIn("refused", await told)

    async def test_own_mistake(self) -> None:
        """An error of the simulator cuts the connection and is logged, not hidden."""
        server = await self.serve()
        ended: Deferred[str] = Deferred()

        class Broken:
            def opened(self, link: object) -> None:
                raise ZeroDivisionError

            def closed(self, why: str) -> None:
                ended.callback(why)

        Dialler(reactor, server.url)(Broken())  # type: ignore[arg-type]
        await ended
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class ImportTests(SynchronousTestCase):
    """What importing costs."""

    def test_no_reactor(self) -> None:
        """Importing installs no reactor, and loads nothing of the house but the simulator."""
        program = (
            "import sys, tfserver.simulator.command, tfserver.simulator.client\n"
            "assert 'twisted.internet.reactor' not in sys.modules\n"
            "ours = [name for name in sys.modules if name.startswith('tfserver.')]\n"
            "assert all(name.startswith('tfserver.simulator') for name in ours), ours\n"
        )
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", program], env=env, check=True, timeout=60)

    def test_url(self) -> None:
        """What is no WebSocket URL is refused at once."""
        for url in ("http://127.0.0.1/", "127.0.0.1:7788", "ws://127.0.0.1:99999/"):
            self.assertRaises(ValueError, Dialler, reactor, url)
