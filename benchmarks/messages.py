"""What simulated terminals say, and whether they were answered rightly."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from benchmarks import frames

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


class SendLogs:
    """All ``sendlog`` of ``records`` records each as masked frames, and the replies to them.

    A terminal's are numbered from 1 to ``most``, then from 1 again. In between no two records agree in person
    and time, so that a server which drops what it knows keeps every one: a person's enrollid is the number
    with the record's place behind it.
    """

    def __init__(self, records: int, mask: frames.Mask) -> None:
        self._records = records
        self._mask = mask
        self._width = len(str(records - 1)) if records > 1 else 0
        self.most = MOST_ENROLLED // 10**self._width - 1
        self._number = mask.masked(b"#")
        self._begin = mask.masked(b'{"cmd":"sendlog","sn":"')
        self._rest = b""

    def tell_time(self, now: str) -> None:
        """From now on records bear this time. All but sn and number is written and masked here, once."""
        places = range(self._records)
        persons = [f"#{place:0{self._width}d}" if self._width else "#" for place in places]
        body = ",".join(
            f'{{"enrollid":{person},"time":"{now}","mode":8,"inout":{place & 1},"event":0}}'
            for place, person in zip(places, persons, strict=True)
        )
        rest = f'","count":{self._records},"logindex":#,"record":[{body}]}}'
        self._rest = self._mask.masked(rest.encode())

    def frame(self, sn: bytes, number: bytes) -> bytes:
        """The ``sendlog`` with this number in decimal, of the terminal with this masked serial number."""
        said = self._begin + sn + self._rest.replace(self._number, self._mask.masked(number))
        return self._mask.head(len(said)) + said


def acknowledgement(records: int, number: bytes) -> bytes:
    """How every compact writer begins the positive reply to a ``sendlog``; what else it says comes behind."""
    return b'{"ret":"sendlog","result":true,"count":%d,"logindex":%s,' % (records, number)


def acknowledges(payload: bytes, records: int, number: int) -> bool:
    """Whether this is, in whatever way of writing, the positive reply to the ``sendlog`` of that number."""
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
