"""Terminals of all kinds again, on a server whose short cuts are all switched off."""

from __future__ import annotations

import shutil
import socket
import tempfile
from typing import Any

from tests.gateway.raw_frames import handshake
from tests.integration import test_dialects, test_odd_terminals, test_privacy, test_storm, test_time
from tests.real.scene import OPEN, Scene
from tests.real.server import RealServer
from tests.real.store import SECONDS
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

    def test_socket(self) -> None:
        """The start says which endpoints are not plain TCP; terminals are served there all the same."""
        folder = tempfile.mkdtemp(prefix="tfu-")
        self.addCleanup(shutil.rmtree, folder)
        server = self.server("--terminals", f"unix:{folder}/s", *OPEN)
        self.assertRegex(server.said(), r"unix:\S* is not plain TCP: without direct, lean")
        with socket.socket(socket.AF_UNIX) as terminal:
            terminal.settimeout(SECONDS)
            terminal.connect(f"{folder}/s")
            terminal.sendall(handshake())
            self.assertIn(b" 101 ", terminal.recv(4096))


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
