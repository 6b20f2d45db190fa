"""Terminals of all kinds again, on a server whose short cuts are all switched off."""

from __future__ import annotations

from typing import Any

from tests.integration import test_dialects, test_odd_terminals, test_privacy, test_storm, test_time
from tests.real.client import RealClient
from tests.real.process import free_port
from tests.real.scene import OPEN, Scene
from tests.real.server import RealServer
from tfserver.config import Fast

NONE = "\n  ".join(["fast:", *(f"{name}: false" for name in Fast.__struct_fields__)])
MODULES = (test_dialects, test_odd_terminals, test_privacy, test_storm, test_time)


class WithoutShortcuts(Scene):
    """Each server of a test starts without any."""

    def setUp(self) -> Any:
        """Settings for all servers of this test."""
        self.patch(RealServer, "settings", NONE)
        return super().setUp()


def again() -> dict[str, type[Scene]]:
    """All scenes of those modules, without short cuts."""
    found = {}
    for module in MODULES:
        for name, scene in vars(module).items():
            if isinstance(scene, type) and issubclass(scene, Scene) and scene.__module__ == module.__name__:
                found[f"Plain{name}"] = type(f"Plain{name}", (WithoutShortcuts, scene), {})
    return found


globals().update(again())


class ToldTests(Scene):
    """Where they don't apply."""

    def test_proxy_and_socket(self) -> None:
        """The start says which endpoints are not plain TCP; terminals are served there all the same."""
        port = free_port()
        server = self.server("--terminals", f"haproxy:tcp:{port}:interface=127.0.0.1", *OPEN)
        self.assertRegex(server.said(), rf"haproxy:tcp:{port}\S* is not plain TCP: without direct, lean")
        client = RealClient(port, b"PROXY TCP4 192.0.2.7 127.0.0.1 40000 1\r\n")
        self.addCleanup(client.shut)
        self.assertTrue(client.register("ZX1")["result"])


class SwitchTests(WithoutShortcuts):
    """The switch itself."""

    def test_none(self) -> None:
        """The start says that no short cut applies; with the settings as they are, it names them all."""
        said = self.server(*OPEN).said()
        self.assertIn("short cuts: none", said)
        self.patch(RealServer, "settings", "")
        said = self.server(*OPEN).said()
        for name in Fast.__struct_fields__:
            self.assertRegex(said, rf"short cuts: [^\n]*\b{name}\b")
