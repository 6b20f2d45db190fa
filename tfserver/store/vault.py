"""Credentials sealed at rest: AES-256-GCM under a data key per person, wrapped by a master key with an id.

Forgetting the data key forgets every credential of that person, also in backups. Of several master keys one
seals, which the store says (``store/masterkey.py``), and all open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Callable, Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tfserver.errors import ConfigError, StoreError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_VERSIONS: Final = "key of versions"
_PICTURES: Final = "key of pictures"


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


def key_id_of(master_key: bytes) -> str:
    """What a master key is called; it tells nothing of the key."""
    return hashlib.sha256(b"tfserver master key id" + master_key).hexdigest()[:8]


def sealed_under(wrapped: str) -> str:
    """The id of the master key that something is wrapped by."""
    return wrapped.partition(":")[0]


def _nothing_more() -> Iterable[bytes]:
    return ()


class Vault:
    """Seals under one master key, at first the one given first, and opens under all. ``random`` gives that
    many random bytes; ``more`` reads the keys again, and is asked when an unknown one is needed."""

    def __init__(
        self,
        master_key: bytes,
        *others: bytes,
        random: Callable[[int], bytes] = os.urandom,
        more: Callable[[], Iterable[bytes]] = _nothing_more,
    ) -> None:
        self.key_id = key_id_of(master_key)
        """The one that seals, whether or not it is here."""
        self._keys: dict[str, bytes] = {}
        self._random = random
        self._more = more
        self._learn((master_key, *others))
        self._versions = _derived("versions of credentials", master_key)
        self._pictures = _derived("pictures of punches", master_key)

    @property
    def known(self) -> tuple[str, ...]:
        """The ids of all master keys that are here, the one that seals first if it is."""
        return tuple(sorted(self._keys, key=lambda key_id: (key_id != self.key_id, key_id)))

    def has(self, key_id: str) -> bool:
        """Whether a master key is here; if not, its source is looked at again."""
        if key_id not in self._keys:
            self.look_again()
        return key_id in self._keys

    def look_again(self) -> None:
        """Learn what the source of the keys has by now. One that is there no more still opens."""
        self._learn(self._more())

    def follow(self, key_id: str, versions: str = "", pictures: str = "") -> None:
        """Seal under this master key from now on; ``versions`` and ``pictures`` are their keys, wrapped.

        Without them they are derived from the master key, as long as it is the first there ever was.
        """
        self.key_id = key_id
        if self.has(key_id):
            master = self._keys[key_id]
            self._versions = self._own(versions, _VERSIONS) or _derived("versions of credentials", master)
            self._pictures = self._own(pictures, _PICTURES) or _derived("pictures of punches", master)

    def own_keys(self, key_id: str) -> tuple[str, str]:
        """The keys for versions and for pictures as they are, wrapped by this master key: they stay when the
        one that seals now goes, so that no credential counts as another one than before."""
        return self._wrap(self._versions, _VERSIONS, key_id), self._wrap(self._pictures, _PICTURES, key_id)

    def version_of(self, record: str) -> str:
        """The same for the same credential, and nothing to guess a password by without the master key."""
        return hmac.new(self._versions, record.encode(), hashlib.sha256).hexdigest()[:24]

    def new_data_key(self, enrollid: int) -> str:
        """A person's data key, wrapped: ``key id:base64``. StoreError when what seals now is not here."""
        return self._wrap(self._random(KEY_BYTES), f"data key of {enrollid}", self.key_id)

    def wrapped_anew(self, wrapped: str, enrollid: int) -> str:
        """The same data key under the master key that seals now; what is sealed with it stays as it is."""
        return self._wrap(self._unwrap(wrapped, enrollid), f"data key of {enrollid}", self.key_id)

    def seal(self, wrapped: str, enrollid: int, backupnum: int, record: str) -> str:
        """Seal one credential under a person's wrapped data key; bound to person and slot."""
        data_key = AESGCM(self._unwrap(wrapped, enrollid))
        return self._seal(data_key, record.encode(), f"credential {enrollid}/{backupnum}")

    def open(self, wrapped: str, enrollid: int, backupnum: int, sealed: str) -> str:
        """The credential again; StoreError when it was tampered with or belongs elsewhere."""
        data_key = AESGCM(self._unwrap(wrapped, enrollid))
        return self._open(data_key, sealed, f"credential {enrollid}/{backupnum}").decode()

    def seal_picture(self, uid: str, picture: str) -> str:
        """Seal the picture that came with a punch."""
        return self._seal(AESGCM(self._pictures), picture.encode(), f"picture of {uid}")

    def open_picture(self, uid: str, sealed: str) -> str:
        """The picture again; StoreError when it belongs elsewhere."""
        return self._open(AESGCM(self._pictures), sealed, f"picture of {uid}").decode()

    def _learn(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._keys[key_id_of(key)] = key

    def _own(self, wrapped: str, bound_to: str) -> bytes | None:
        return self._unwrapped(wrapped, bound_to) if wrapped else None

    def _wrap(self, plain: bytes, bound_to: str, key_id: str) -> str:
        return f"{key_id}:{self._seal(self._master(key_id), plain, bound_to)}"

    def _unwrap(self, wrapped: str, enrollid: int) -> bytes:
        return self._unwrapped(wrapped, f"data key of {enrollid}")

    def _unwrapped(self, wrapped: str, bound_to: str) -> bytes:
        key_id, _, sealed = wrapped.partition(":")
        return self._open(self._master(key_id), sealed, bound_to)

    def _master(self, key_id: str) -> AESGCM:
        if not self.has(key_id):
            raise StoreError(_missing(key_id, self.known))
        return AESGCM(self._keys[key_id])

    def _seal(self, key: AESGCM, plain: bytes, bound_to: str) -> str:
        nonce = self._random(_NONCE_BYTES)
        return base64.b64encode(nonce + key.encrypt(nonce, plain, bound_to.encode())).decode()

    def _open(self, key: AESGCM, sealed: str, bound_to: str) -> bytes:
        try:
            raw = base64.b64decode(sealed, validate=True)
            return key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode())
        except (binascii.Error, InvalidTag, ValueError) as wrong:
            raise StoreError(f"{bound_to} can't be opened: damaged or sealed for something else") from wrong


def _derived(what: str, master_key: bytes) -> bytes:
    return hashlib.sha256(f"tfserver {what}".encode() + master_key).digest()


def _missing(key_id: str, known: tuple[str, ...]) -> str:
    return (
        f"sealed under master key {key_id}, which is not here (here: {', '.join(known)}): give it back, or "
        f"go on without it by 'tfserver key lost {key_id}'"
    )
