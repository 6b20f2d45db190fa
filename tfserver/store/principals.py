"""Whoever asks over HTTP: the token of a program, or the account of a person."""

from __future__ import annotations

import enum
from typing import ClassVar, Final

import msgspec

REVOKED: Final = "tokens"
"""What every process is told when a token, an account or a session allows something else than it did."""


class Role(enum.StrEnum):
    """What a principal may do: everything, to act, or to look."""

    ADMIN = "admin"
    OPERATOR = "operator"
    READER = "reader"


class Kind(enum.StrEnum):
    """What a principal is."""

    TOKEN = "token"
    ACCOUNT = "account"


class Principal(msgspec.Struct, frozen=True):
    """Who asks, by an id that nobody else ever has. Without ``sites`` it reaches all of them, and what has
    none; with ``templates`` it may have what stands in credentials."""

    kind: ClassVar[Kind]

    id: str
    role: Role
    created_ms: int
    name: str = ""
    sites: tuple[str, ...] = ()
    created_by: str = ""
    """Who made it over HTTP; empty for those made on the command line and in the data folder."""
    templates: bool = False
