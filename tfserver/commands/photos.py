"""Photos for terminals: what their cameras' software takes (protocol §2.2)."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Final

from tfserver.wire import codec

LEAST_SIZE: Final = (240, 320)
MOST_SIZE: Final = (800, 1280)


def plain_photo(record: str) -> str:
    """The base64 text alone, without spaces around it and a ``data:`` prefix."""
    return codec.without_data_url(record.strip())


def photo_problem(record: str, most_bytes: int) -> str | None:
    """Say why this can't be a photo for a terminal, or None when it can."""
    text = plain_photo(record)
    too_large = f"expected a JPEG of at most {most_bytes} bytes"
    if len(text) > (most_bytes + 2) // 3 * 4:
        return too_large
    try:
        jpeg = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "expected a JPEG as base64 text"
    return too_large if len(jpeg) > most_bytes else _picture_problem(jpeg)


def _picture_problem(jpeg: bytes) -> str | None:
    from PIL import Image  # only who sends photos pays for the import

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            if not _fits(picture.size):
                least, most = (f"{width}x{height}" for width, height in (LEAST_SIZE, MOST_SIZE))
                return f"expected a JPEG of {least} to {most} pixels, upright"
            # A small picture of it takes all of its bytes and little time.
            picture.draft("L", (picture.width // 8, picture.height // 8))
            picture.load()
    except Exception:
        # Hostile bytes make it raise nearly anything, and all of it means the same.
        return "expected a whole JPEG; this one can't be read"
    return None


def _fits(size: tuple[int, int]) -> bool:
    return all(
        least <= length <= most for least, length, most in zip(LEAST_SIZE, size, MOST_SIZE, strict=True)
    )
