"""Settings of what is kept."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Count, Seconds, Section, Text
from tfserver.model import Kind


class Durability(enum.StrEnum):
    """When a write counts as kept: after every fsync, after one a second, or never."""

    ALWAYS = "always"
    EVERYSEC = "everysec"
    NONE = "none"


class Acknowledge(enum.StrEnum):
    """Who has to have a punch before its terminal may forget it."""

    LOCAL = "local"
    REPLICA = "replica"


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
    acknowledge: Annotated[
        Acknowledge,
        Meta(
            description="local: what a terminal pushes is acknowledged when the primary has it; replica: "
            "when store.replicas replicas have it too, so that a failover loses none of it "
            "(docs/high-availability.md)."
        ),
    ] = Acknowledge.LOCAL
    replicas: Annotated[
        Count, Meta(description="How many replicas have to confirm, for acknowledge: replica.")
    ] = 1
    ca_file: Annotated[
        Text,
        Meta(
            description="Certificates (PEM) that those of store and sentinels are checked by; empty: those "
            "of this machine."
        ),
    ] = ""
    sentinel_user: Annotated[
        Text, Meta(description="Name to say to the sentinels; empty: only the password, if there is one.")
    ] = ""
    sentinel_password_file: Annotated[
        Text,
        Meta(
            description="File with the password of the sentinels; TFSERVER_SENTINEL_PASSWORD comes before it."
        ),
    ] = ""
    maxmemory_mb: Annotated[Count, Meta(description="Memory bound of the embedded store, in MiB.")] = 1024
    write_seconds: Annotated[
        Seconds, Meta(description="A write that is not confirmed within this long is not acknowledged.")
    ] = 1.5
    read_seconds: Annotated[Seconds, Meta(description="Deadline of a read.")] = 5.0


class Archive(Section, frozen=True):
    """Punches in SQL, for good (docs/archive.md)."""

    url: Annotated[
        Text,
        Meta(
            description="postgresql://user@host/database, or sqlite:///path. Empty: archive.sqlite in the "
            "data folder, which only processes on this machine can share."
        ),
    ] = ""
    password_file: Annotated[
        Text,
        Meta(description="File with the password of the archive; TFSERVER_ARCHIVE_PASSWORD comes before it."),
    ] = ""
    keep_days: Annotated[
        dict[Kind, Count],
        Meta(
            description="How many days after their arrival records are kept, by kind (punch, door, "
            "stranger); a kind that is not named is kept for ever."
        ),
    ] = msgspec.field(default_factory=dict)
    stream_hours: Annotated[
        Count,
        Meta(description="How long punches stay in the store as well, for those who read along quickly."),
    ] = 72
    stream_most: Annotated[
        Count, Meta(description="How many punches stay in the store after they were archived.")
    ] = 200_000
    seconds: Annotated[
        Seconds, Meta(description="Deadline of a question to the archive; exports have only their reader's.")
    ] = 10.0


class Vault(Section, frozen=True):
    """Credentials sealed at rest."""

    key_file: Annotated[
        Text,
        Meta(
            description="File with the master key, base64 of 32 bytes, or several, one a line: docs/keys.md. "
            "TFSERVER_MASTER_KEY comes before it. The embedded store makes one in the data folder."
        ),
    ] = ""
