"""Which master key seals: the store says it, so that all processes change to another in the same moment.

In ``meta`` stand ``master_key``, the one that seals; ``next_key``, to which a change was begun;
``leaving_keys``, under which something may still be sealed; ``retired_keys``, under which nothing is; and,
once there was a change, ``versions_key`` and ``pictures_key``. Scripts take no new data key under another
than ``master_key``. What changes it is ``store/rotation.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from tfserver.config import Settings
from tfserver.errors import StartError, StoreError
from tfserver.store.blocking import Blocking
from tfserver.store.client import Client
from tfserver.store.datafolder import DataFolder
from tfserver.store.sealedunder import Sealed, in_words, sealed_by_key
from tfserver.store.secrets import master_keys
from tfserver.store.terminals import Terminals
from tfserver.store.vault import Vault

KEYS_CHANGED: Final = "keys"
"""The wake-up that tells every process to look again."""
_FIELDS: Final = ("master_key", "next_key", "leaving_keys", "retired_keys", "versions_key", "pictures_key")
_KNOWN: Final = "keys "
_log: Final = Logger()


class Standing(NamedTuple):
    """How the master keys of a store stand, by their ids; empty where there is none. ``versions`` and
    ``pictures`` are keys of their own, wrapped."""

    seals: str
    following: str
    leaving: tuple[str, ...]
    retired: tuple[str, ...]
    versions: str
    pictures: str


def standing_fields(key: str) -> tuple[str, ...]:
    """The command that reads how they stand from the hash ``meta``."""
    return "HMGET", key, *_FIELDS


def standing_of(answer: Sequence[str | bytes | None]) -> Standing:
    """What it answers."""
    texts = [one.decode() if isinstance(one, bytes) else one or "" for one in answer]
    seals, following, leaving, retired, versions, pictures = texts
    return Standing(seals, following, tuple(leaving.split()), tuple(retired.split()), versions, pictures)


def told_known(vault: Vault) -> str:
    """What a heartbeat says of the master keys that a process has."""
    return _KNOWN + " ".join(vault.known)


def heard_known(heartbeat: str) -> tuple[str, ...] | None:
    """Which those are; None when a process of an older release says nothing of them."""
    return tuple(heartbeat.removeprefix(_KNOWN).split()) if heartbeat.startswith(_KNOWN) else None


async def check_key(client: Client, vault: Vault) -> None:
    """Learn which master key seals; StartError says which is missing, what needs it, and what to do."""
    stands = await _read(client)
    if not stands.seals:
        await client.write("HSETNX", client.keys.meta, "master_key", vault.key_id)
        stands = await _read(client)
    if not vault.has(stands.seals):
        raise StartError(
            f"this is master key {', '.join(vault.known)}: {await _needed(client, stands.seals)}"
        )
    try:
        vault.follow(stands.seals, stands.versions, stands.pictures)
    except StoreError as wrong:
        raise StartError(f"the key of versions: {wrong}") from wrong
    for key_id in stands.leaving:
        if not vault.has(key_id):
            told = "something may be sealed with master key {id}, which is not here: see 'tfserver key list'"
            _log.warn(told, id=key_id)


async def open_vault(client: Client, settings: Settings, folder: DataFolder | None) -> Vault:
    """The vault of a server with these settings. Raises StartError, ConfigError."""
    try:
        ring = master_keys(settings, folder)
    except StartError as wrong:
        stands = await _read(client)
        if not stands.seals:
            raise
        raise StartError(f"{wrong}. But {await _needed(client, stands.seals)}") from wrong
    vault = Vault(*ring.keys, more=ring.again)
    await check_key(client, vault)
    return vault


class KeyWatch:
    """Looks again when somebody changed the master keys, and tells in the heartbeat which are here."""

    def __init__(self, client: Client, vault: Vault, terminals: Terminals) -> None:
        self._client = client
        self._vault = vault
        self._terminals = terminals
        terminals.tells = functools.partial(told_known, vault)

    def heard(self, message: str) -> bool:
        """Whether a wake-up was about master keys; then they are looked at, and the heartbeat tells."""
        if message != KEYS_CHANGED:
            return False
        looking = Deferred.fromCoroutine(self._look())
        looking.addErrback(lambda failure: failure.trap(StoreError) and None)
        looking.addErrback(lambda failure: _log.failure("our own mistake", failure=failure))
        return True

    async def _look(self) -> None:
        await learn(self._client, self._vault)
        await self._terminals.beat({})


async def learn(client: Client, vault: Vault) -> None:
    """Look again which master key seals, and which are here."""
    vault.look_again()
    stands = await _read(client)
    if stands.seals:
        vault.follow(stands.seals, stands.versions, stands.pictures)
    if not vault.has(stands.seals or vault.key_id):
        _log.error("master key {id} seals now, and is not here: no new person can be kept", id=vault.key_id)


async def _read(client: Client) -> Standing:
    found: list[Any] = await client.write(*standing_fields(client.keys.meta))
    return standing_of(found)


async def _needed(client: Client, key_id: str) -> str:
    found = await deferToThread(_counted, client)
    return (
        f"the credentials were sealed with master key {key_id}, without which {in_words(found.get(key_id))} "
        "can't be opened. Give it back: it stands in a backup that was made --with-keys, or with another "
        f"server of this store. If it is lost, 'tfserver key lost {key_id}' goes on without it (docs/keys.md)"
    )


def _counted(client: Client) -> dict[str, Sealed]:
    """Nothing else goes on at a start that fails, so it may take its time."""
    try:
        with Blocking(client.address) as store:
            return sealed_by_key(store, client.keys.prefix)
    except StoreError:
        return {}
