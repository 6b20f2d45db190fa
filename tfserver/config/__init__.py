"""Settings: YAML decoded into typed classes, which also are their documentation (design §2.1).

Every setting has a default; ``etc/tfserver.yaml`` and the reference page are written from these classes.
"""

from __future__ import annotations

import os
import socket
from typing import Annotated

import msgspec
from msgspec import Meta

from tfserver.config.basics import Section, Text
from tfserver.config.directory import People
from tfserver.config.people import Web, Webhooks
from tfserver.config.privacy import Privacy, StrangerImages
from tfserver.config.process import Fast, LimitSettings, Log, LogFormat
from tfserver.config.stores import Acknowledge, Archive, Durability, Store, Vault
from tfserver.config.terminals import (
    Access,
    Admission,
    AdmissionPolicy,
    CatchUp,
    Images,
    ModelProfile,
    Orders,
    Punches,
    Terminals,
)

__all__ = [
    "Access",
    "Acknowledge",
    "Admission",
    "AdmissionPolicy",
    "Archive",
    "CatchUp",
    "Durability",
    "Fast",
    "Images",
    "LimitSettings",
    "Log",
    "LogFormat",
    "ModelProfile",
    "Orders",
    "People",
    "Privacy",
    "Punches",
    "Section",
    "Settings",
    "Store",
    "StrangerImages",
    "Terminals",
    "Vault",
    "Web",
    "Webhooks",
]


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
    log: Log = Log()
    orders: Orders = Orders()
    people: People = People()
    privacy: Privacy = Privacy()
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
