"""Photos made for tests."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image


def picture(width: int = 480, height: int = 640, kind: str = "JPEG", **options: Any) -> bytes:
    """A grey picture, or noise with ``noise``, which can't be made small."""
    if options.pop("noise", 0):
        image = Image.effect_noise((width, height), 120).convert("RGB")
    else:
        image = Image.new("RGB", (width, height), (120, 120, 120))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def base64_of(raw: bytes) -> str:
    """As it goes on the wire."""
    return base64.b64encode(raw).decode()
