"""What may lie open and what may not: no template, password or picture leaves its sealed place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

import msgspec

MOST_OPEN: Final = 512
"""Bytes of a value nobody described. Templates and pictures are longer, and have no business in the open."""
MOST_NAME: Final = 4096
MOST_REMEMBERED: Final = 64
_MOST_ESCAPED: Final = 8
"""More bytes than any letter takes in JSON."""

PRIVATE: Final = frozenset(
    {
        "card",
        "pwd",
        "password",
        "pin",
        "image",
        "photo",
        "picture",
        "face",
        "fp",
        "palm",
        "template",
        "record",
    }
)
"""Keys, in lower case, whose values are never kept in the open, whatever firmware means by them."""


_SECRET: Final = re.compile("pwd|passw|pass_?(?:word|code|key|phrase)|psk|secret|token")
"""So passwords are called, whatever stands around it."""
_COUNTED: Final = re.compile(
    r"used|size|num(?!er|pad)|(?<!ac)count|max|(?:len|length|type|timeout|expires?|expiry)\Z"
)
"""How many there are of them, and how long, is no secret."""
_KEY: Final = re.compile(
    r"(?:comm?|communication|menu|admin|api|app|auth|access|private|session|master|sign|license|cloud|wifi|wlan"
    r"|wep|wpa|aes|des|rsa|crypt|encrypt|encryption)key(?![a-z])"
)
"""Keys that open something, and none to be pressed: ``commkey``, not ``hotkey`` or ``keypad``."""
_PIN: Final = re.compile(
    r"(?:\A|[^a-z]|user|admin|menu|door|duress|person|staff|sim|unlock|master)pin(?:_?code|(?![a-z]))"
)
"""``pin`` as a word, or behind whose it is: not ``pinyin`` or ``spin``."""
_HUMP: Final = re.compile("(?<=[a-z0-9])(?=[A-Z])")
_SEPARATOR: Final = re.compile(r"[\s_.-]+")
_LOGIN: Final = re.compile(r"(?<=://)[^/?#\s@:]*:[^/?#\s]*@")
"""Name and password in an address."""


def is_private(name: str) -> bool:
    """Whether the value of a field may never lie open."""
    return _is_private(name) if len(name) <= MOST_REMEMBERED else _judged(name)


def _judged(name: str) -> bool:
    plain = name.strip().lower()
    if plain in PRIVATE:
        return True
    parts = _SEPARATOR.sub("_", _HUMP.sub("_", name.strip()).lower())
    is_secret = _SECRET.search(plain) or _KEY.search(parts.replace("_", "")) or _PIN.search(parts)
    return is_secret is not None and _COUNTED.search(plain) is None


# Terminals say the same few names again and again.
_is_private: Final = lru_cache(4096)(_judged)


def redacted(value: Any) -> dict[str, Any]:
    """What stands in the place of a value: how many bytes it has as JSON."""
    return {"redacted": True, "bytes": len(msgspec.json.encode(value))}


def opened(fields: dict[str, Any]) -> dict[str, Any]:
    """An object as it may lie open, at every depth: what is private or long is told by its size."""
    return {
        name[:MOST_NAME]: redacted(value) if is_private(name) else short(value)
        for name, value in fields.items()
    }


def without_logins(value: Any) -> Any:
    """A value whose addresses, at any depth, don't say who may enter there with which password."""
    if isinstance(value, str):
        return _LOGIN.sub("***@", value) if "://" in value else value
    if isinstance(value, dict):
        return {name: without_logins(inner) for name, inner in value.items()}
    return [without_logins(inner) for inner in value] if isinstance(value, list) else value


def of_nobody(value: Any) -> Any:
    """A value in which, at any depth, of somebody who has an ``enrollid`` only numbers are told: each text
    (names, dates of birth, departments) by its size."""
    if isinstance(value, dict):
        if "enrollid" in value:
            return {name: redacted(v) if isinstance(v, str) else v for name, v in value.items()}
        return {name: of_nobody(inner) for name, inner in value.items()}
    return [of_nobody(inner) for inner in value] if isinstance(value, list) else value


def short(value: Any) -> Any:
    """A value without a private name: objects and lists are looked through, long ones told by their size, and
    addresses without passwords."""
    if isinstance(value, str):
        value = without_logins(value)
    if _is_surely_short(value):
        return value
    if isinstance(value, dict):
        value = opened(value)
    elif isinstance(value, list):
        value = [short(item) for item in value]
    return redacted(value) if len(msgspec.json.encode(value)) > MOST_OPEN else value


def _is_surely_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MOST_OPEN // _MOST_ESCAPED
    return value is None or isinstance(value, bool | int | float)
