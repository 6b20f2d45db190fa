"""Photos made for tests."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image


def picture(width: int = 480, height: int = 640, kind: str = "JPEG", **options: Any) -> bytes:
    """A picture from dark to light; with ``noise``, which can't be made small; or of one ``tone``."""
    tone = options.pop("tone", None)
    if options.pop("noise", 0):
        image = Image.effect_noise((width, height), 120).convert("RGB")
    elif tone is not None:
        image = Image.new("RGB", (width, height), (tone, tone, tone))
    else:
        image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def base64_of(raw: bytes) -> str:
    """As it goes on the wire."""
    return base64.b64encode(raw).decode()


def stripes(width: int = 480, height: int = 640) -> bytes:
    """A picture with something to see in it: from light to dark."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, "JPEG", quality=95)
    return file.getvalue()
