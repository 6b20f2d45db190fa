"""What a terminal says of itself in ``reg`` (protocol §4.1)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tfserver.simulator.capacity import kind_of
from tfserver.simulator.dialects import Dialect
from tfserver.simulator.memory import Memory
from tfserver.simulator.times import text_of


@dataclass(frozen=True, slots=True)
class Identity:
    """The three marks of one piece of hardware: serial number, processor number, network address."""

    sn: str
    cpusn: str
    mac: str


def identity_of(prefix: str, index: int) -> Identity:
    """The marks of the terminal number ``index`` (from 0): ``prefix`` and eight digits, all distinct."""
    number = index + 1
    digits = f"{number:012x}"
    mac = "-".join(["00", "01", *(digits[at : at + 2] for at in range(4, 12, 2))]).upper()
    return Identity(f"{prefix}{number:08d}", f"{88_000_000 + number}", mac)


def reg_message(identity: Identity, dialect: Dialect, memory: Memory, now: float) -> dict[str, Any]:
    """The whole ``reg`` of a terminal; the oldest firmware has no ``cpusn`` and no ``mac``."""
    message: dict[str, Any] = {"cmd": "reg", "sn": identity.sn}
    sizes = {f"{kind}size": size for kind, size in memory.room.sizes.items() if kind != "log"}
    devinfo = {
        "modelname": dialect.modelname,
        **sizes,
        "logsize": memory.logs.size,
        **_used(memory),
        "fpalgo": dialect.fpalgo,
        "firmware": dialect.firmware,
        "time": text_of(memory.second(now)),
        **dialect.devinfo,
    }
    if dialect.identity:
        message["cpusn"] = identity.cpusn
        devinfo["mac"] = identity.mac
    message["devinfo"] = devinfo
    return message


def _used(memory: Memory) -> dict[str, int]:
    """How many it has of each kind that it says the size of."""
    held = Counter(kind_of(backupnum) for _, backupnum in memory.credentials())
    held["user"] = len(memory.users)
    used = {f"used{kind}": held[kind] for kind in memory.room.sizes if kind != "log"}
    return {**used, "usedlog": len(memory.logs), "usednewlog": memory.logs.new}
