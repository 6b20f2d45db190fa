"""What terminals keep, as a file: to be compared with what a server believes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

from tfserver.simulator.memory import User
from tfserver.simulator.terminal import Terminal

PLAIN_LENGTH = 20
"""Longer credentials are told by their digests: fifty terminals have megabytes of them."""


def digest_of(record: str | int) -> str:
    """A credential as the file has it: short ones as text, long ones as ``sha256:`` and 64 hex digits."""
    text = str(record)
    return text if len(text) <= PLAIN_LENGTH else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def people_of(terminal: Terminal) -> dict[str, dict[str, Any]]:
    """Everybody on a terminal, by ``enrollid``."""
    return {str(enrollid): _told(user) for enrollid, user in sorted(terminal.memory.users.items())}


class HoldsFile:
    """Writes what some terminals keep: ``{"writing": how often, "terminals": {sn: {enrollid: …}}}``."""

    def __init__(self, path: str, terminals: Iterable[Terminal]) -> None:
        self._path = path
        self._terminals = tuple(terminals)
        self._writings = 0

    def write(self) -> None:
        """Replace the file by what is kept now; whoever reads finds either the old one or the new one."""
        self._writings += 1
        terminals = {terminal.identity.sn: people_of(terminal) for terminal in self._terminals}
        beside = f"{self._path}.new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump({"writing": self._writings, "terminals": terminals}, file, ensure_ascii=False)
        os.replace(beside, self._path)


def _told(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "admin": user.admin,
        "enabled": user.enabled,
        "credentials": {str(slot): digest_of(record) for slot, record in sorted(user.credentials.items())},
        "unusable": sorted(user.unusable),
        "lock": user.lock,
    }
