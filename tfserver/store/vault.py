"""Credentials sealed at rest: AES-256-GCM under a data key per person, wrapped by a master key with an id.

Forgetting the data key forgets every credential of that person, also in backups.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tfserver.errors import ConfigError, StartError, StoreError
from tfserver.store.client import Client

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def new_master_key() -> str:
    """A fresh master key as text: base64 of 32 random bytes."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def read_master_key(text: str, source: str) -> bytes:
    """The 32 bytes of a master key; ConfigError names the source, never the key."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{source}: expected base64 of {KEY_BYTES} bytes; make one with 'tfserver key create'"
        )
    return key


async def check_key(client: Client, vault: Vault) -> None:
    """Refuse to start with another master key than the data was sealed with; StartError says which."""
    kept = await client.write("HGET", client.keys.meta, "master_key")
    if kept is None:
        await client.write("HSETNX", client.keys.meta, "master_key", vault.key_id)
        kept = await client.write("HGET", client.keys.meta, "master_key")
    if kept != vault.key_id:
        raise StartError(
            f"the credentials were sealed with master key {kept}, and this is master key {vault.key_id}: "
            "give back the old one"
        )


class Vault:
    """Seals and opens credentials. ``random`` gives that many random bytes."""

    def __init__(self, master_key: bytes, random: Callable[[int], bytes] = os.urandom) -> None:
        self.key_id = hashlib.sha256(b"tfserver master key id" + master_key).hexdigest()[:8]
        self._master = AESGCM(master_key)
        self._versions = hashlib.sha256(b"tfserver versions of credentials" + master_key).digest()
        self._random = random

    def version_of(self, record: str) -> str:
        """The same for the same credential, and nothing to guess a password by without the master key."""
        return hmac.new(self._versions, record.encode(), hashlib.sha256).hexdigest()[:24]

    def new_data_key(self, enrollid: int) -> str:
        """A person's data key, wrapped: ``key id:base64``."""
        sealed = self._seal(self._master, self._random(KEY_BYTES), f"data key of {enrollid}")
        return f"{self.key_id}:{sealed}"

    def seal(self, wrapped: str, enrollid: int, backupnum: int, record: str) -> str:
        """Seal one credential under a person's wrapped data key; bound to person and slot."""
        data_key = AESGCM(self._unwrap(wrapped, enrollid))
        return self._seal(data_key, record.encode(), f"credential {enrollid}/{backupnum}")

    def open(self, wrapped: str, enrollid: int, backupnum: int, sealed: str) -> str:
        """The credential again; StoreError when it was tampered with or belongs elsewhere."""
        data_key = AESGCM(self._unwrap(wrapped, enrollid))
        return self._open(data_key, sealed, f"credential {enrollid}/{backupnum}").decode()

    def _unwrap(self, wrapped: str, enrollid: int) -> bytes:
        key_id, _, sealed = wrapped.partition(":")
        if key_id != self.key_id:
            raise StoreError(f"sealed under master key {key_id}, but the present one is {self.key_id}")
        return self._open(self._master, sealed, f"data key of {enrollid}")

    def _seal(self, key: AESGCM, plain: bytes, bound_to: str) -> str:
        nonce = self._random(_NONCE_BYTES)
        return base64.b64encode(nonce + key.encrypt(nonce, plain, bound_to.encode())).decode()

    def _open(self, key: AESGCM, sealed: str, bound_to: str) -> bytes:
        try:
            raw = base64.b64decode(sealed, validate=True)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode())
        except (binascii.Error, InvalidTag, ValueError) as wrong:
            raise StoreError(f"{bound_to} can't be opened: damaged or sealed for something else") from wrong
