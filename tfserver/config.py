"""Settings: YAML decoded into typed classes, which also are their documentation (design §2.1).

Every setting has a default; ``etc/tfserver.yaml`` and the reference page are written from these classes.
"""

from __future__ import annotations

import enum
import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
import yaml
from msgspec import Meta

from tfserver.errors import ConfigError


class Durability(enum.StrEnum):
    """When a write counts as kept: after every fsync, after one a second, or never."""

    ALWAYS = "always"
    EVERYSEC = "everysec"
    NONE = "none"


class AdmissionPolicy(enum.StrEnum):
    """Who decides about a terminal that is not known yet."""

    APPROVE = "approve"
    OPEN = "open"
    ALLOWLIST = "allowlist"


class Access(enum.StrEnum):
    """What a terminal in server-approval mode is told about a live punch."""

    NONE = "none"
    KNOWN = "known"
    DENY = "deny"


class Images(enum.StrEnum):
    """What happens to a picture that comes with a punch."""

    DROP = "drop"
    KEEP = "keep"


Text = Annotated[str, Meta(max_length=4096)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A part of the configuration."""


class Terminals(Section, frozen=True):
    """The terminals' side."""

    endpoints: Annotated[
        list[str],
        Meta(
            description="Where terminals connect: Twisted server endpoint strings. Without backlog= 4096 "
            "connections may wait to be taken, or what net.core.somaxconn allows if that is less.",
            min_length=1,
        ),
    ] = msgspec.field(default_factory=lambda: ["tcp:7788"])
    timezone: Annotated[
        Text,
        Meta(
            description="IANA zone of terminals without one of their own; empty is the zone of this machine."
        ),
    ] = ""
    nosenduser: Annotated[
        bool, Meta(description="Tell terminals not to push users that are enrolled at the keypad.")
    ] = False
    ping_seconds: Annotated[Seconds, Meta(description="A silent terminal is pinged after this long.")] = 30.0
    silence_seconds: Annotated[
        Seconds, Meta(description="A terminal that does not answer a ping for this long is cut off.")
    ] = 60.0
    access: Annotated[
        Access,
        Meta(
            description="What terminals in server-approval mode are told about a live punch: nothing, "
            "yes for users we know, or no. Never sent for a backlog."
        ),
    ] = Access.NONE


class Web(Section, frozen=True):
    """The people's side."""

    endpoint: Annotated[
        Text, Meta(description="Where the HTTP API listens: a Twisted server endpoint string.")
    ] = "tcp:7789:interface=127.0.0.1"


class Store(Section, frozen=True):
    """Redis or Valkey."""

    url: Annotated[
        Text,
        Meta(
            description="redis://, rediss://, unix://, sentinel://user@h1:26379,h2:26379/NAME or "
            "sentinels://. Empty: a server of our own in the data folder."
        ),
    ] = ""
    password_file: Annotated[
        Text,
        Meta(description="File with the password of the store; TFSERVER_REDIS_PASSWORD comes before it."),
    ] = ""
    prefix: Annotated[
        str, Meta(description="Every key begins with it.", pattern=r"^[A-Za-z0-9:_.{}-]{0,64}$")
    ] = "tf:"
    durability: Annotated[
        Durability, Meta(description="The weakest durability under which punches are acknowledged.")
    ] = Durability.ALWAYS
    assume_durability: Annotated[
        Durability | None,
        Meta(description="What the store's durability is where its CONFIG command is forbidden."),
    ] = None
    maxmemory_mb: Annotated[Count, Meta(description="Memory bound of the embedded store, in MiB.")] = 1024
    write_seconds: Annotated[
        Seconds, Meta(description="A write that is not confirmed within this long is not acknowledged.")
    ] = 1.5
    read_seconds: Annotated[Seconds, Meta(description="Deadline of a read.")] = 5.0


class Admission(Section, frozen=True):
    """Who may talk to us."""

    policy: Annotated[
        AdmissionPolicy,
        Meta(
            description="approve: unknown terminals wait for approval; open: they are approved at once; "
            "allowlist: only the listed serial numbers."
        ),
    ] = AdmissionPolicy.APPROVE
    allowlist: Annotated[list[str], Meta(description="Serial numbers for the policy allowlist.")] = (
        msgspec.field(default_factory=list)
    )
    most_pending: Annotated[
        Count, Meta(description="How many terminals may wait for approval; more are refused unremembered.")
    ] = 1000


class Punches(Section, frozen=True):
    """What is kept of punches."""

    dedupe_days: Annotated[Count, Meta(description="How long a punch is remembered as known.")] = 45
    images: Annotated[
        Images, Meta(description="Pictures that come with punches: dropped, or kept for image_hours.")
    ] = Images.DROP
    image_hours: Annotated[Count, Meta(description="Life of a kept picture, in hours.")] = 24
    quarantine: Annotated[
        Count, Meta(description="How many unreadable records are kept; beyond it nothing is acknowledged.")
    ] = 10_000


class Vault(Section, frozen=True):
    """Credentials sealed at rest."""

    key_file: Annotated[
        Text,
        Meta(
            description="File with the master key, base64 of 32 bytes; TFSERVER_MASTER_KEY comes before it. "
            "The embedded store makes one in the data folder."
        ),
    ] = ""


class LimitSettings(Section, frozen=True):
    """Bounds against floods."""

    connections: Annotated[
        Count,
        Meta(
            description="Connections of terminals in this process. Each needs an open file: the start raises "
            "the soft limit as far as the hard one allows, and warns where that is too low."
        ),
    ] = 50_000
    per_address: Annotated[Count, Meta(description="Connections of terminals from one address.")] = 10_000
    exempt: Annotated[
        list[str], Meta(description="Networks without a bound per address, e.g. the load balancer's.")
    ] = msgspec.field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    reg_seconds: Annotated[
        Seconds, Meta(description="A connection without a reg is closed after this long.")
    ] = 60.0
    refused_seconds: Annotated[
        Seconds, Meta(description="A refused terminal's connection is closed after this long.")
    ] = 60.0
    drain_seconds: Annotated[
        Seconds, Meta(description="How long a stop waits for answers that are under way.")
    ] = 10.0


class Fast(Section, frozen=True):
    """Short cuts through the libraries for what terminals really send (docs/performance.md)."""

    receive: Annotated[
        bool, Meta(description="Whole frames go straight to the message; others take Autobahn's way.")
    ] = True
    send: Annotated[bool, Meta(description="A message is one frame and one write.")] = True
    direct: Annotated[
        bool,
        Meta(
            description="What is read and sent passes by Twisted's buffers when they are empty (plain TCP)."
        ),
    ] = True
    handshake: Annotated[
        bool, Meta(description="The plain upgrade of terminals is answered in one step.")
    ] = True
    lean: Annotated[
        bool, Meta(description="Connections carry no statistics, futures and copied options (plain TCP).")
    ] = True
    dispatch: Annotated[
        bool, Meta(description="The epoll reactor makes no log context for each event of a socket.")
    ] = True
    plain: Annotated[
        bool,
        Meta(
            description="A ``sendlog`` exactly as documented is read and answered without a step in between."
        ),
    ] = True


class Settings(Section, frozen=True):
    """All of it."""

    instance: Annotated[
        str,
        Meta(description="Name of this process; empty is host-pid.", pattern=r"^[A-Za-z0-9._-]{0,64}$"),
    ] = ""
    data_dir: Annotated[
        Text, Meta(description="Folder of the embedded store, the first token and the master key.")
    ] = "./tfserver-data"
    terminals: Terminals = Terminals()
    http: Web = Web()
    store: Store = Store()
    admission: Admission = Admission()
    punches: Punches = Punches()
    vault: Vault = Vault()
    limits: LimitSettings = LimitSettings()
    fast: Fast = Fast()

    def instance_name(self) -> str:
        """The name of this process as people see it."""
        return self.instance or f"{socket.gethostname()}-{os.getpid()}"


def load(path: str | None, overrides: Mapping[str, Any]) -> Settings:
    """Read the configuration file, lay options over it and check it all.

    ``overrides`` maps dotted names to values, e.g. ``{"store.url": "redis://…"}``. Raises ConfigError with
    file, path and what was expected.
    """
    found = _read(path) if path else {}
    source = path or "options"
    for name, value in overrides.items():
        *sections, key = name.split(".")
        part = found
        for section in sections:
            part = part.setdefault(section, {})
            if not isinstance(part, dict):
                raise ConfigError(f"{source}: {section}: expected a section with settings below it")
        part[key] = value
    try:
        settings = msgspec.convert(found, Settings)
    except msgspec.ValidationError as wrong:
        told = _explained(str(wrong))
        blamed = "options" if told.partition(":")[0] in overrides else source
        raise ConfigError(f"{blamed}: {told}") from wrong
    _check_zone(settings, source)
    _check_networks(settings, source)
    return settings


def _read(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path}: can't be read: {wrong}") from wrong
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as wrong:
        raise ConfigError(f"{path}: is not YAML: {wrong}") from wrong
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: expected settings by name, e.g. 'data_dir: ./tfserver-data'")
    return {key: ({} if value is None else value) for key, value in found.items()}


def _explained(message: str) -> str:
    """Turn msgspec's words into ours: the setting by its dotted name, then what was expected there."""
    what, _, where = message.partition(" - at ")
    path = where.strip("`").removeprefix("key` in `").removeprefix("$").removeprefix(".")
    names = path.split(".") if path else []
    if what.startswith("Object contains unknown field"):
        wrong = what.split("`")[1]
        known = msgspec.structs.fields(_type_at(names))
        return f"{'.'.join([*names, wrong])}: unknown setting; known here: {', '.join(f.name for f in known)}"
    if what.startswith("Invalid enum value"):
        choices = [str(choice.value) for choice in _type_at(names)]
        what = f"{what}; expected one of {', '.join(choices)}"
    return f"{path or 'settings'}: {what.replace('`', chr(39))}"


def _type_at(names: list[str]) -> Any:
    found: Any = Settings
    for name in names:
        found = plain_type(next(f.type for f in msgspec.structs.fields(found) if f.name == name))
    return found


def plain_type(annotation: Any) -> Any:
    """The class behind ``Annotated[X | None, …]``."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    choices = [arg for arg in get_args(annotation) if arg is not type(None)]
    return choices[0] if get_origin(annotation) in (Union, UnionType) else annotation


def _check_networks(settings: Settings, source: str) -> None:
    for place, text in enumerate(settings.limits.exempt):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError as wrong:
            raise ConfigError(
                f"{source}: limits.exempt[{place}]: expected a network such as 10.0.0.0/8, got '{text}'"
            ) from wrong


def _check_zone(settings: Settings, source: str) -> None:
    if settings.terminals.timezone:
        try:
            ZoneInfo(settings.terminals.timezone)
        except (OSError, ValueError, KeyError) as wrong:
            raise ConfigError(
                f"{source}: terminals.timezone: expected an IANA zone such as Europe/Lisbon, "
                f"got '{settings.terminals.timezone}'"
            ) from wrong
