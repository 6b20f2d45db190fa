"""What simulated terminals say, and whether they were answered rightly."""

from __future__ import annotations

import json
import time
from typing import Any, Final

MOST_ENROLLED: Final = 1_000_000
_DEVINFO: Final = {
    "modelname": "tfs30",
    "usersize": 3000,
    "fpsize": 3000,
    "cardsize": 3000,
    "pwdsize": 3000,
    "logsize": 100000,
    "useduser": 1000,
    "usedfp": 1000,
    "usedcard": 2000,
    "usedpwd": 400,
    "usedlog": 100000,
    "usednewlog": 5000,
    "fpalgo": "thbio3.0",
    "firmware": "th600w v6.1",
}


def serial_number(place: int) -> str:
    """The serial number of the terminal at this place."""
    return f"ZXBM{place:08d}"


def local_time(seconds: float) -> str:
    """What the clock of a terminal in UTC shows at this Unix time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def reg(place: int, now: str) -> bytes:
    """A ``reg`` with the ``devinfo`` of a common model."""
    octets = place.to_bytes(3, "big")
    mac = "-".join(["00", "01", "A9", *(f"{octet:02X}" for octet in octets)])
    devinfo = {**_DEVINFO, "time": now, "mac": mac}
    message = {"cmd": "reg", "sn": serial_number(place), "cpusn": f"{place:09d}", "devinfo": devinfo}
    return json.dumps(message, separators=(",", ":")).encode()


def sendlog(sn: bytes, number: int, records: int, now: bytes) -> bytes:
    """The ``number``-th ``sendlog`` of a terminal.

    No two records of a terminal agree in person and time within MOST_ENROLLED records, so that a server
    which drops what it knows keeps every one.
    """
    first = number * records
    body = b",".join(
        [
            b'{"enrollid":%d,"time":"%s","mode":8,"inout":%d,"event":0}'
            % ((first + i) % MOST_ENROLLED + 1, now, number & 1)
            for i in range(records)
        ]
    )
    return b'{"cmd":"sendlog","sn":"%s","count":%d,"logindex":%d,"record":[%s]}' % (sn, records, number, body)


def acknowledges(payload: bytes, number: int, records: int) -> bool:
    """Whether this is the positive reply to the ``number``-th ``sendlog``, with its count and index."""
    # what every compact writer gives; anything else is read in full
    if payload.startswith(b'{"ret":"sendlog","result":true,"count":%d,"logindex":%d,' % (records, number)):
        return True
    expected = {"ret": "sendlog", "result": True, "count": records, "logindex": number}
    return _has(payload, expected)


def admits(payload: bytes) -> bool:
    """Whether this is the positive reply to a ``reg``."""
    return _has(payload, {"ret": "reg", "result": True})


def _has(payload: bytes, expected: dict[str, Any]) -> bool:
    try:
        found = json.loads(payload)
    except ValueError:
        return False
    if not isinstance(found, dict):
        return False
    return all(found.get(key) == value for key, value in expected.items()) and found["result"] is True
