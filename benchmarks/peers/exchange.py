"""The exchange as a user of a WebSocket library would write it in an afternoon: json and dicts."""

from __future__ import annotations

import json
import time
from typing import Any


def cloudtime() -> str:
    """The present in UTC, as terminals want it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


def answer_to(message: dict[str, Any]) -> str:
    """The reply to a ``reg`` or a ``sendlog``."""
    if message["cmd"] == "reg":
        return json.dumps({"ret": "reg", "result": True, "cloudtime": cloudtime(), "nosenduser": True})
    return json.dumps(
        {
            "ret": "sendlog",
            "result": True,
            "count": message["count"],
            "logindex": message["logindex"],
            "cloudtime": cloudtime(),
        }
    )
