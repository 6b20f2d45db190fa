"""A terminal's settings (protocol §5.3)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from tfserver.commands.fields import END
from tfserver.commands.records import Integer
from tfserver.privacy import is_private, redacted, without_logins
from tfserver.wire.message import Command, Problems, Profile, Reply
from tfserver.wire.ordering import MORE, OpenCommand
from tfserver.wire.table import command

CUTTING: Final = frozenset(
    {"serverip", "serverport", "usebs", "domainname", "bsdomainname", "usedomainname", "dnsip"}
)
"""Settings without which the terminal does not find the server, written without ``_``; spellings differ."""
_NETWORK: Final = ("net", "wlan", "wifi")
"""So the names of its network settings begin."""
_SECRET: Final = re.compile("pwd|passw|psk|secret", re.IGNORECASE)

Setting = Annotated[
    bool | Integer | float | Annotated[str, Meta(max_length=200)],
    Meta(
        description="A setting.",
        extra={"expected": "a number, true or false, or text of at most 200 characters"},
    ),
]
SettingName = Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}" + END)]
Seconds = Annotated[int, Meta(ge=0, le=255, description="Seconds until the screen rests; 0 is never.")]
OnOff = Annotated[
    bool | Annotated[int, Meta(ge=0, le=1)],
    Meta(description="On or off.", extra={"expected": "1 or 0, or true or false"}),
]


class DevInfo(Reply):
    """The terminal's settings, in its own spelling; newer ones have many more than these."""

    deviceid: int | None = None
    language: int | None = None
    volume: int | None = None
    screensaver: int | None = None
    verifymode: int | None = None
    sleep: int | None = None
    userfpnum: int | None = None
    loghint: int | None = None
    reverifytime: int | None = None
    disablemenu: int | None = None

    def shown(self) -> dict[str, Any]:
        """The settings without passwords, however they are called."""
        return {
            name: redacted(value) if _is_secret(name) and not isinstance(value, dict) else value
            for name, value in super().shown().items()
        }


@command
class GetDevInfo(Command[DevInfo]):
    """Ask for the terminal's settings."""

    def subject(self) -> str:
        """It changes nothing."""
        return ""


@command
class SetDevInfo(OpenCommand[Reply]):
    """Change settings of the terminal: any that it listed itself, in its own spelling."""

    more: dict[SettingName, Setting] = msgspec.field(default_factory=dict, name=MORE)
    deviceid: Annotated[int, Meta(ge=0, le=2**32 - 1, description="Number of the terminal.")] | UnsetType = (
        UNSET
    )
    language: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=18,
                description="0 English, 1 simplified and 2 traditional Chinese, 3 Japanese, 4 and 5 Korean, "
                "6 Thai, 7 Indonesian, 8 Vietnamese, 9 Spanish, 10 French, 11 Portuguese, 12 German, "
                "13 Russian, 14 Turkish, 15 Italian, 16 Czech, 17 Arabic, 18 Farsi.",
            ),
        ]
        | UnsetType
    ) = UNSET
    volume: Annotated[int, Meta(ge=0, le=10, description="Loudness.")] | UnsetType = UNSET
    screensaver: Seconds | UnsetType = UNSET
    verifymode: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=4,
                description="0 any one of card, finger, password; 1 card and finger; 2 password and finger; "
                "3 all three; 4 card and password.",
            ),
        ]
        | UnsetType
    ) = UNSET
    sleep: Annotated[OnOff, Meta(description="Whether the terminal sleeps.")] | UnsetType = UNSET
    userfpnum: (
        Annotated[int, Meta(ge=1, le=10, description="Fingerprints a person may have.")] | UnsetType
    ) = UNSET
    loghint: (
        Annotated[
            int, Meta(ge=0, le=2**31 - 1, description="Warn when there is room for fewer logs; 0 is never.")
        ]
        | UnsetType
    ) = UNSET
    reverifytime: (
        Annotated[int, Meta(ge=0, le=255, description="Minutes in which a repeated punch is ignored.")]
        | UnsetType
    ) = UNSET
    disablemenu: Annotated[OnOff, Meta(description="Whether the menu is locked.")] | UnsetType = UNSET

    def subject(self) -> str:
        """It changes the settings."""
        return "device"

    def problems(self, profile: Profile) -> Problems:
        """What would cut the terminal off, or lie open."""
        found = super().problems(profile)
        found += [
            (name, problem) for name, value in self.more.items() if (problem := _problem_with(name, value))
        ]
        return found if self.fields() else [("cmd", "expected at least one setting beside it")]


def _problem_with(name: str, value: Any) -> str | None:
    plain = name.replace("_", "").lower()
    if plain in CUTTING or plain.startswith(_NETWORK):
        return "can't be set from here: a wrong value cuts the terminal off for good; use its own menu"
    if _is_secret(name) or without_logins(value) != value:
        return "can't be set from here: a password would lie open; use the terminal's own menu"
    return None


def _is_secret(name: str) -> bool:
    return is_private(name) or _SECRET.search(name) is not None
