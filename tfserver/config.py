"""Settings: YAML decoded into typed classes, which also are their documentation (design §2.1).

Every setting has a default; ``etc/tfserver.yaml`` and the reference page are written from these classes.
"""

from __future__ import annotations

import enum
import os
import socket
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.model import Kind


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
    cors_origins: Annotated[
        list[Annotated[str, Meta(pattern=r"^https?://[^/\s]+$")]],
        Meta(
            description="Origins whose pages may use the API from a browser, exactly as browsers write them, "
            "e.g. https://hr.example. Empty: none. Never with cookies."
        ),
    ] = msgspec.field(default_factory=list)


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
    repeat_seconds: Annotated[
        int,
        Meta(
            description="A punch of a person within so many seconds after one at the same terminal is marked "
            "with repeat_of, and kept. 0: none is marked.",
            ge=0,
            le=3600,
        ),
    ] = 0
    quarantine: Annotated[
        Count, Meta(description="How many unreadable records are kept; beyond it nothing is acknowledged.")
    ] = 10_000


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


class Webhooks(Section, frozen=True):
    """Punches and events sent to other systems (docs/webhooks.md)."""

    allow_private: Annotated[
        bool,
        Meta(
            description="Whether webhooks may lead to loopback, private and link-local addresses, and go "
            "over plain http."
        ),
    ] = False
    most: Annotated[Count, Meta(description="How many webhooks there may be.")] = 100
    seconds: Annotated[
        Seconds, Meta(description="A delivery that is not answered within this long counts as failed.")
    ] = 15.0
    dead_letters: Annotated[
        Count, Meta(description="How many refused messages are kept of one webhook; the oldest go first.")
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


class Orders(Section, frozen=True):
    """Commands on their way to terminals."""

    most_open: Annotated[
        Count, Meta(description="Orders that may wait for one terminal, and 10 more for doors.")
    ] = 1000
    most_ended: Annotated[Count, Meta(description="Ended orders that are kept of one terminal.")] = 200
    days: Annotated[Count, Meta(description="How long an ended order is kept.")] = 30
    disabled_seconds: Annotated[
        Seconds,
        Meta(description="A terminal that was disabled is enabled again after this long, or on reconnect."),
    ] = 600.0


class CatchUp(Section, frozen=True):
    """Fetching what terminals did not push."""

    enabled: Annotated[
        bool, Meta(description="Whether missed punches are fetched after a reg and on a timer.")
    ] = True
    after_seconds: Annotated[
        Seconds, Meta(description="How long after its reg, and its last push, a terminal is asked.")
    ] = 15.0
    every_seconds: Annotated[Seconds, Meta(description="How often a connected terminal is asked.")] = 3600.0
    at_once: Annotated[Count, Meta(description="How many terminals are asked at the same time.")] = 20
    first_days: Annotated[
        Count, Meta(description="How many days back a terminal is read that was never read before.")
    ] = 7
    drift_seconds: Annotated[
        Seconds, Meta(description="A clock that is found further off than this is set.")
    ] = 5.0


class ModelProfile(Section, frozen=True):
    """What a kind of terminal can do, where that is not what the documents say."""

    allow: frozenset[str] = frozenset()
    """Experimental commands that may be sent."""
    most_photo_bytes: Annotated[int, Meta(ge=1, le=4_000_000)] = 150_000
    sn_in_commands: bool = False
    silent: frozenset[str] = frozenset()
    """Commands that are never answered, so that nobody waits for them."""
    verify: dict[int, str] = {}
    """What each ``mode`` of its log records means, in the place of what the documents say."""


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
    archive: Archive = Archive()
    webhooks: Webhooks = Webhooks()
    vault: Vault = Vault()
    limits: LimitSettings = LimitSettings()
    orders: Orders = Orders()
    catchup: CatchUp = CatchUp()
    profiles: Annotated[
        dict[str, ModelProfile],
        Meta(
            description="Kinds of terminals by the name that a terminal's model_profile gives: allow "
            "(experimental commands that may be sent), most_photo_bytes (150000), sn_in_commands (false), "
            "silent (commands it never answers), verify (what each mode of a log record means)."
        ),
    ] = msgspec.field(default_factory=dict)
    fast: Fast = Fast()

    def profile(self, name: str) -> ModelProfile:
        """What a kind of terminal can do; for one without a name, or an unknown one, what documents say."""
        return self.profiles.get(name, _DOCUMENTED)

    def instance_name(self) -> str:
        """The name of this process as people see it."""
        return self.instance or f"{socket.gethostname()}-{os.getpid()}"


_DOCUMENTED = ModelProfile()
