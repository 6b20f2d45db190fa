"""The dialects of the terminals as data (protocol §10, end)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tfserver.simulator.capacity import SIZES, USUAL_SIZE

BARE_REPLIES = frozenset({"setuserinfo", "deleteuser", "getusername", "setusername"})
"""Replies whose official samples lack ``sn`` (protocol §1.6)."""

LATE_WORDS = frozenset(
    {"gettime", "enableuser", "setuserprofile", "getuserprofile", "adduser", "getallusers"}
    | {"getholiday", "setholiday", "getquestionnaire", "setquestionnaire"}
    | {"disabledevice", "enabledevice"}
)
"""Commands that document 1.5 does not have yet (protocol §0, §5)."""
ALL_CREDENTIALS = frozenset({*range(12), *range(20, 28), *range(30, 38), 50})
"""The ``backupnum`` that newer terminals store (protocol §3.1)."""
OLD_CREDENTIALS = frozenset(range(12))
"""What there was before faces and photos: fingers, password, card."""

AIFACE_DEVINFO: dict[str, Any] = {
    "usedrtlog": 0,
    "netinuse": 1,
    "usb4g": 0,
    "intercom": 0,
    "floors": 0,
    "charid": 0,
    "useosdp": 0,
    "dislanguage": 524417,
    "acces_stimes": 8,
    "facetemplate": 1,
    "ntp": 0,
    "timezone": 0,
    "manufacturer": "sample",
}
"""What AiFace adds to ``devinfo`` (protocol §4.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """How one generation of terminals differs from the others; every difference is a value here."""

    name: str
    modelname: str
    firmware: str
    fpalgo: str
    sn_in_replies: Literal["never", "mostly", "always"]
    """Whether replies carry ``sn`` (protocol §1.6)."""
    inclusive_to: bool
    """Whether ``to`` of a page is the last record's position or one more (protocol §6.1)."""
    count_of_users: Literal["page", "total"]
    """What ``count`` means in ``getuserlist`` (protocol §6.1)."""
    admin_in_list: Callable[[int], int | str]
    """Form of ``admin`` in ``getuserlist`` (protocol §3.2)."""
    modes: Mapping[str, int]
    """The ``mode`` of a punch by the kind of its credential (protocol §3.3)."""
    credentials: tuple[int, ...]
    """The ``backupnum`` of the credentials that its people have (protocol §3.1)."""
    sn_in_logs: Callable[[str], str | None] = str
    """The ``sn`` of ``sendlog`` and ``senduser``; None leaves it out (protocol §1.6)."""
    logindex: bool = True
    """Whether ``sendlog`` has a ``logindex``: since 1.9 (protocol §4.2)."""
    identity: bool = True
    """Whether ``reg`` has ``cpusn`` and ``mac``: since 2.x (protocol §4.1)."""
    ret_words: Mapping[str, str] = field(default_factory=dict)
    """Replies whose ``ret`` is spelled with spaces (protocol §1.3)."""
    failure_words: Mapping[str, str] = field(default_factory=dict)
    """Failures whose ``ret`` is another word (protocol §1.3)."""
    unknown_words: frozenset[str] = frozenset()
    """Commands that this generation does not know yet."""
    narrows: bool = True
    """Whether it heeds what came with document 1.8: dates in ``getalllog``, ``doornum`` (protocol §0)."""
    storable: frozenset[int] = ALL_CREDENTIALS
    """The ``backupnum`` that ``setuserinfo`` and ``adduser`` take."""
    beyond: frozenset[str] = frozenset()
    """Words it knows that are in no official document (protocol §5.1)."""
    scans: bool = False
    """Whether an enrolment at the device takes time; else the person obeys at once."""
    answers_reboot: bool = False
    """Whether it still answers ``reboot`` before it goes: some do (protocol §5.3)."""
    speaks: bool = False
    """AiFace manners: ``msg`` in refusals, also of unknown commands; ``aliasid``, ``note``; ids echoed."""
    photos: bool = False
    """Whether a live punch may bring an ``image`` (protocol §4.2)."""
    pushes_all_users: bool = False
    """Whether each ``reg`` is followed by a ``senduser`` for every credential (protocol §4.3)."""
    deletes_missing: bool = True
    """Whether deleting what is not there succeeds (protocol §5.1)."""
    twelve_deletes_all: bool = False
    """Whether ``backupnum`` 12 deletes the whole user instead of all fingers (protocol §3.1)."""
    sizes: Mapping[str, int] = field(default_factory=lambda: SIZES)
    """How many of each kind it takes, and says so."""
    devinfo: Mapping[str, Any] = field(default_factory=dict)
    """Extra fields of ``devinfo``."""
    lock_default: Mapping[str, Any] = field(default_factory=dict)
    """What ``getuserlock`` shows of an untouched user, and all that ``setuserlock`` takes (protocol §5.4)."""


NO_LIMIT = {
    "weekzone": 0,
    "weekzone2": 0,
    "weekzone3": 0,
    "weekzone4": 0,
    "group": 0,
    "starttime": "2000-01-01 00:00:00",
    "endtime": "2000-01-01 00:00:00",
}
OFFICIAL_LIMIT = {**NO_LIMIT, "weekzone": 1, "endtime": "2099-12-31 23:59:00"}
OLDEST_LIMIT = {key: OFFICIAL_LIMIT[key] for key in ("weekzone", "group", "starttime", "endtime")}
"""Without the three more week zones of document 1.8."""
SPACED = {"getuserinfo": " getuserinfo ", "getnewlog": "getnewlog ", "settime": " settime "}

CLASSIC = Dialect(
    name="classic",
    modelname="tfs30",
    firmware="th600w v6.4",
    fpalgo="thbio3.0",
    sn_in_replies="never",
    inclusive_to=False,
    count_of_users="total",
    admin_in_list=str,
    modes={"fp": 1, "card": 2, "pwd": 3, "face": 8},
    credentials=(0, 11),
    sn_in_logs=str.lower,
    ret_words=SPACED,
    lock_default=OFFICIAL_LIMIT,
)
OLDEST = Dialect(
    name="oldest",
    modelname="tm60",
    firmware="th900 v5.0",
    fpalgo="thbio1.0",
    sn_in_replies="never",
    inclusive_to=True,
    count_of_users="page",
    admin_in_list=int,
    modes={"fp": 0, "card": 1, "pwd": 2},
    credentials=(0, 10),
    sn_in_logs=lambda sn: None,
    logindex=False,
    identity=False,
    ret_words=SPACED,
    unknown_words=LATE_WORDS,
    narrows=False,
    storable=OLD_CREDENTIALS,
    lock_default=OLDEST_LIMIT,
)
DOCUMENTED = Dialect(
    name="documented",
    modelname="th900",
    firmware="th900 v7.2",
    fpalgo="thbio3.0",
    sn_in_replies="mostly",
    inclusive_to=True,
    count_of_users="page",
    admin_in_list=int,
    modes={"fp": 1, "pwd": 2, "card": 3, "face": 8, "palm": 8},
    credentials=(0, 11),
    deletes_missing=False,
    failure_words={"getdevlock": "setdevlock"},
    lock_default=OFFICIAL_LIMIT,
)
AIFACE = Dialect(
    name="aiface",
    modelname="AiFace",
    firmware="AiF43V_v4.40",
    fpalgo="thbio3.0",
    sn_in_replies="always",
    inclusive_to=False,
    count_of_users="total",
    admin_in_list=str,
    modes={"fp": 1, "pwd": 2, "card": 3, "face": 8, "palm": 5},
    credentials=(50, 11),
    speaks=True,
    photos=True,
    pushes_all_users=True,
    twelve_deletes_all=True,
    answers_reboot=True,
    sizes={**SIZES, "face": USUAL_SIZE, "palm": 0},
    devinfo=AIFACE_DEVINFO,
    lock_default=NO_LIMIT,
)
V3 = replace(
    AIFACE,
    name="v3",
    firmware="AiF45V_v5.10",
    beyond=frozenset({"checkregstatus", "canceladduser"}),
    scans=True,
    sizes={**SIZES, "face": USUAL_SIZE, "palm": USUAL_SIZE},
)
"""AiFace with a sensor for palms, that also tells how far an enrolment is."""

CHOICES: dict[str, tuple[Dialect, ...]] = {
    "classic": (CLASSIC,),
    "documented": (DOCUMENTED,),
    "aiface": (AIFACE,),
    "oldest": (OLDEST,),
    "v3": (V3,),
    "mixed": (CLASSIC, DOCUMENTED, AIFACE),
}
"""What ``--dialect`` may say, and the dialects given out in turn for it."""
