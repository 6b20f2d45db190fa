"""What of one terminal's settings may be written to another (docs/people.md).

Never who it is, never how it reaches the server or the network, and nothing that it only tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tfserver.commands.calendar import Holiday, SetQuestionnaire
from tfserver.commands.doors import SetDevLock
from tfserver.commands.settings import CUTTING

IDENTITY: Final = frozenset(
    {"deviceid", "sn", "cpusn", "mac", "modelname", "firmware", "fpalgo", "manufacturer", "time"}
)
NETWORK: Final = (
    *("net", "wlan", "wifi", "eth", "ip", "mask", "gateway", "dhcp", "dns", "mac", "apn", "gprs", "simcard"),
    *("usb4g", "vpn", "proxy", "port", "domain", "bs", "cloud", "mqtt"),
)
"""So names begin that are about the network, or where the server is."""
SERVER: Final = "server"
BEHAVIOUR: Final = frozenset({"serververify", "serveradduser", "servertimeout", "serverresponsetime"})
"""What begins with ``server`` and says what is asked of it, not where it is."""
TOLD: Final = re.compile("used(user|fp|card|pwd|face|palm|(new|rt)?log)|cur(ip|mac|time).*|.*size")
"""What a terminal only tells: counts, and how things are just now."""

Fields = dict[str, Any]


def is_kept(name: str) -> bool:
    """Whether a setting stays what it is, on whatever terminal."""
    plain = name.replace("_", "").lower()
    if plain in BEHAVIOUR:
        return False
    return (
        plain in CUTTING
        or plain in IDENTITY
        or plain.startswith((*NETWORK, SERVER))
        or TOLD.fullmatch(plain) is not None
    )


def settings_for(theirs: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Fields, list[str]]:
    """Settings to be written: those that the target itself has, may be written, and differ. And the names of
    those that it does not have."""
    plain = {name: value for name, value in theirs.items() if not is_kept(name) and _is_plain(value)}
    wanted = {name: value for name, value in plain.items() if name in own and own[name] != value}
    return wanted, sorted(name for name in plain if name not in own)


def locks_for(theirs: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[Fields, list[str]]:
    """The same of how doors are guarded, as far as it can be set at all."""
    settable = {field.encode_name for field in msgspec.structs.fields(SetDevLock)}
    known = {name: value for name, value in theirs.items() if name in settable}
    wanted = {name: value for name, value in known.items() if name in own and not _is_so(value, own[name])}
    return wanted, sorted(name for name in known if name not in own)


def holidays_of(answer: Mapping[str, Any]) -> list[Fields] | None:
    """All holidays as they can be set; None for a terminal that numbers them."""
    listed = answer.get("holidays")
    if not isinstance(listed, list):
        return None
    names = {field.encode_name for field in msgspec.structs.fields(Holiday)}
    return [
        {name: value for name, value in one.items() if name in names}
        for one in listed
        if isinstance(one, dict)
    ]


def questions_of(answer: Mapping[str, Any]) -> Fields | None:
    """A questionnaire as it can be set; None for one that asks nothing."""
    names = {field.encode_name for field in msgspec.structs.fields(SetQuestionnaire)}
    return {name: value for name, value in answer.items() if name in names} if answer.get("items") else None


def _is_so(wanted: Any, own: Any) -> bool:
    """Whether nothing is to be done; of a list only as much is written as there is of it."""
    if isinstance(wanted, list) and isinstance(own, list):
        return own[: len(wanted)] == wanted
    return bool(wanted == own)


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | int | float | str)
