"""Invented people and credentials; all terminals share them, so that thousands of terminals stay cheap."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache

from tfserver.simulator.capacity import CARD, PASSWORD, PHOTO
from tfserver.simulator.pictures import picture

NAMES = ("Ines M", "Tarik", "李娜", "Ömer Ç", "سارا", "สมชาย", "Lea", "José Ñ", "محمد", "Zoë")
TEMPLATE_LENGTH = 1170
"""Characters of a usual fingerprint template (protocol §2.2)."""


def name_of(enrollid: int) -> str:
    """The name of an invented person, in one of several scripts."""
    return f"{NAMES[enrollid % len(NAMES)]} {enrollid}"


@lru_cache(maxsize=4096)
def credential_of(enrollid: int, backupnum: int) -> str | int:
    """An invented credential: number for password and card, text for all others (protocol §3.1, §4.3)."""
    seed = _bytes(f"{enrollid}/{backupnum}", 4)
    if backupnum == PASSWORD:
        return 10_000_000 + int.from_bytes(seed) % 89_999_999
    if backupnum == CARD:
        return int.from_bytes(seed)
    if backupnum == PHOTO:
        return photo_of(enrollid)
    return "c51b(12)" + _bytes(f"{enrollid}/{backupnum}", TEMPLATE_LENGTH // 2).hex()


@lru_cache(maxsize=1024)
def photo_of(enrollid: int) -> str:
    """Base64 of an invented person's photo (protocol §2.2): a JPEG, upright, that every reader takes."""
    seed = _bytes(f"photo {enrollid}", 16)
    jpeg = picture(seed.hex().encode(), seed[0] % 21 - 10, seed[1] % 21 - 10)
    return base64.b64encode(jpeg).decode("ascii")


def _bytes(seed: str, length: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(length)
