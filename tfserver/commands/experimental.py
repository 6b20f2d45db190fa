"""Commands that not every model knows (protocol §5, [V3] and [HTTP]), a row each.

Their names are sure and their fields are not, so they may be sent only where a model profile allows it. A row
without known fields takes any.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, cast, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.calendar import HOLIDAYS
from tfserver.commands.doors import DOOR
from tfserver.commands.fields import END, SLOW, USERS, Backupnum, Enrollid, person_problems, slot_problems
from tfserver.commands.reading import LOGS
from tfserver.commands.records import Integer
from tfserver.order import Danger
from tfserver.privacy import without_logins
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import MORE, OpenCommand
from tfserver.wire.table import vocabulary

READS: Final = ""
USER: Final = "user"
"""The subject of a row about the one person in ``enrollid``."""

Fields = dict[str, Any]
Plain = bool | Integer | float | Annotated[str, Meta(max_length=4096)]
Value = Annotated[
    Plain | Annotated[list[Plain | dict[str, Plain]], Meta(max_length=200)] | dict[str, Plain | list[Plain]],
    Meta(extra={"expected": "a number, true or false, text, or a flat list or object of these"}),
]
FieldName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}" + END)]
ANY: Final = "(any)"
"""In a row: it takes fields that nobody knows."""


def _number(told: str, most: int = 2**31 - 1, least: int = 0) -> Any:
    return Annotated[int, Meta(ge=least, le=most, description=told)]


def _text(told: str, most: int = 200) -> Any:
    return Annotated[str, Meta(max_length=most, description=told)]


_SLOT: Final[Fields] = {"enrollid": Enrollid, "backupnum": Backupnum}
_URL: Final = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s]+" + END,
        max_length=500,
        description="Where the terminal fetches it.",
        extra={"expected": "a URL"},
    ),
]
_DOORNUM: Final = _number("Which door.", 4, 1)
_UNKNOWN: Final[Fields] = {ANY: None}


class Row(NamedTuple):
    """One command: its word, what it does, its fields, how dangerous it is, what it changes, who may.

    ``subject`` None is the word itself. A field is optional if its type says so; of ``one_of`` one is given.
    """

    word: str
    told: str
    fields: Fields = {}
    danger: Danger = Danger.ORDINARY
    subject: str | None = None
    admin_only: bool = False
    one_of: tuple[str, ...] = ()


_ONCE, _DOOR, _CLEANS = Danger.ONCE, Danger.DOOR, Danger.DESTRUCTIVE

# fmt: off
ROWS: Final = (
    Row("getallusers", "Fetch one credential after the other.",
        {"stn": Annotated[bool, Meta(description="Whether to begin anew.")]}, subject=READS),
    Row("checkregstatus", "Ask how far an enrolment at the terminal is.", _SLOT, subject=READS),
    Row("canceladduser", "Stop an enrolment at the terminal.", _SLOT, _ONCE, USER),
    Row("getuserids", "List the numbers of all people.", subject=READS),
    Row("getunuserdid", "Ask for a number that nobody has.", subject=READS),
    Row("checkuserid", "Ask whether somebody has this number.", {"enrollid": Enrollid}, subject=READS),
    Row("deleteuserface", "Delete a person's face.", {"enrollid": Enrollid}, subject=USER),
    Row("cleaninactiveuser", "Delete people who did not come for some days.",
        {"days": _number("How many days.", 3650, 1)}, _CLEANS, USERS, True),
    Row("cleanlogphoto", "Delete the pictures of all punches.", {}, _CLEANS, LOGS, True),
    Row("getdevcap", "Ask how much room there is.", subject=READS),
    Row("checklive", "Ask for a sign of life.", subject=READS),
    Row("getreg", "Ask what the terminal says when it registers.", subject=READS),
    Row("initmenu", "Put all settings back to those of the factory; it may lose the server.",
        {}, _CLEANS, "device", True),
    Row("cleandatebase", "Delete everything.", {}, _CLEANS, USERS, True),
    Row("lockctrl", "Keep a door open or closed. Models disagree on the field: ctrl or fuc.", {
        "ctrl": _number("0 normal, 1 stay open, 2 stay closed.", 2) | UnsetType,
        "fuc": Annotated[Literal[1, 2, 3, 4, 6], Meta(
            description="1 forced open, 2 forced closed, 3 open once, 4 normal, 6 cancel alarm.",
        )] | UnsetType,
        "doornum": _DOORNUM | UnsetType,
    }, _DOOR, DOOR, one_of=("ctrl", "fuc")),
    Row("getdoorstatus", "Ask whether a door is open.", {"doornum": _DOORNUM | UnsetType}, subject=READS),
    Row("deleteholiday", "Delete a holiday.", {"index": _number("Which holiday.")}, subject=HOLIDAYS),
    Row("cleanholiday", "Delete all holidays.", {}, _CLEANS, HOLIDAYS, True),
    Row("cleanquestionnaire", "Forget the questionnaire.", {}, _CLEANS, "questionnaire", True),
    Row("getshift", "Ask for a shift.", {"shiftid": _number("Which shift.")}, subject=READS),
    Row("setshift", "Set a shift.", _UNKNOWN),
    Row("getbelltime", "Ask when the bell rings.", subject=READS),
    Row("setbelltime", "Set when the bell rings.", _UNKNOWN),
    Row("getdir", "List files of the terminal.",
        {"path": _text("Which folder.")}, subject=READS, admin_only=True),
    Row("getfile", "Fetch a piece of a file.", {
        "filename": _text("Which file."),
        "index": _number("Which piece."),
        "count": _number("How many pieces there are."),
    }, subject=READS, admin_only=True),
    Row("writefile", "Write a piece of a file.", {
        "filename": _text("Which file."),
        "index": _number("Which piece."),
        "count": _number("How many pieces there are."),
        "record": _text("The piece.", 1_000_000),
    }, _ONCE, "files", True),
    Row("upgrade", "Put other firmware on the terminal.",
        {"url": _URL, "md5": Annotated[str, Meta(
            pattern=r"^[0-9A-Fa-f]{32}" + END,
            description="Its checksum.",
            extra={"expected": "32 hex digits"},
        )]}, _ONCE, "firmware", True),
    Row("forceota", "Let the terminal look for firmware now.", _UNKNOWN, _ONCE, "firmware", True),
    Row("setotaserver", "Set where firmware comes from.", {"url": _URL}, _ONCE, "firmware", True),
    Row("getotaserver", "Ask where firmware comes from.", subject=READS),
    Row("setscreensaver", "Set the picture of the resting screen.",
        {"record": _text("The picture.", 2_000_000)}),
    Row("setvoice", "Set what the terminal says.", {
        "voiceindex": _number("Which of its phrases."),
        "record": _text("The sound.", 2_000_000),
    }),
    Row("keypad", "Show or hide the keypad.", {"show": Annotated[
        bool | Annotated[int, Meta(ge=0, le=1)],
        Meta(description="Whether it is shown.", extra={"expected": "1 or 0, or true or false"}),
    ]}),
    Row("setcompanyname", "Set the name of the company.", _UNKNOWN, subject="company"),
    Row("getcompanyname", "Ask for the name of the company.", subject=READS),
    Row("setdepartment", "Set the departments.", _UNKNOWN, subject="company"),
    Row("getdepartment", "Ask for the departments.", subject=READS),
    Row("verify", "Let the terminal verify a person now.",
        {"enrollid": Enrollid, "verifymode": _number("How to verify.", 255) | UnsetType}, _ONCE, USER),
    Row("enablewebrtc", "Switch the door phone's video on or off.", _UNKNOWN, subject="video"),
    Row("callaccept", "Take a call of the door phone.", _UNKNOWN, _ONCE, "video"),
    Row("viewready", "Say that the video is seen.", _UNKNOWN, _ONCE, "video"),
    Row("answer", "Answer an offer of video.", _UNKNOWN, _ONCE, "video"),
    Row("icecandidate", "Say how the video may reach us.", _UNKNOWN, _ONCE, "video"),
    Row("callcancel", "End a call of the door phone.", _UNKNOWN, _ONCE, "video"),
    Row("talklock", "Open the lock during a call.", _UNKNOWN, _DOOR, DOOR),
    Row("monitorcall", "Begin a call from our side.", _UNKNOWN, _ONCE, "video"),
    Row("setviselection", "Set who may be called.", _UNKNOWN, subject="video"),
)
# fmt: on


class Experimental(Command[Reply]):
    """A command made of a row."""

    core: ClassVar[bool] = False
    row: ClassVar[Row]

    def subject(self) -> str:
        """As the row says."""
        found = self.row.subject
        if found == USER:
            return f"user {self._enrollid()}"
        return self.word() if found is None else found

    def problems(self, profile: Profile) -> Problems:
        """People and slots that are none, and fields that exclude each other."""
        found = [
            *super().problems(profile),
            *person_problems("enrollid", self._enrollid()),
            *slot_problems("backupnum", getattr(self, "backupnum", 0)),
        ]
        either = self.row.one_of
        if either and len(self.fields().keys() & set(either)) != 1:
            found.append((either[0], f"expected just one of {' and '.join(either)}"))
        return found

    def secrets(self) -> dict[str, str]:
        """Also addresses with a password in them."""
        logins = {name: value for name, value in self.fields().items() if without_logins(value) != value}
        return {**super().secrets(), **{name: value for name, value in logins.items() if type(value) is str}}

    def shown(self) -> dict[str, Any]:
        """The same for people, without the passwords."""
        found: dict[str, Any] = without_logins(super().shown())
        return found

    def _enrollid(self) -> int:
        found: int = getattr(self, "enrollid", 0)
        return found


class OpenExperimental(Experimental, OpenCommand[Reply]):
    """One whose fields nobody knows."""

    more: dict[FieldName, Value] = msgspec.field(default_factory=dict, name=MORE)

    def problems(self, profile: Profile) -> Problems:
        """Also passwords where they can't be sealed."""
        told = "expected no address with a password inside it: only those beside cmd are sealed"
        inner = {name: value for name, value in self.more.items() if isinstance(value, list | dict)}
        hidden = [(name, told) for name, value in inner.items() if without_logins(value) != value]
        return [*super().problems(profile), *hidden]


def made_of(row: Row) -> type[Command[Any]]:
    """The class of a row, just as if somebody had written it."""
    fields = [
        (name, kind, UNSET) if UnsetType in get_args(kind) else (name, kind)
        for name, kind in row.fields.items()
        if name != ANY
    ]
    namespace = {
        "row": row,
        "danger": row.danger,
        "within": SLOW if row.danger is _CLEANS else Command.within,
        "admin_only": row.admin_only,
        "__doc__": row.told,
    }
    base = OpenExperimental if ANY in row.fields else Experimental
    made: Any = msgspec.defstruct(
        row.word, fields, bases=(base,), namespace=namespace, kw_only=True, module=__name__
    )
    return cast(type[Command[Any]], made)


for _row in ROWS:
    vocabulary.enter(made_of(_row))
