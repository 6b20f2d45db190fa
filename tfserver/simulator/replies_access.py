"""Replies to the commands about doors, access times, holidays and the questionnaire (protocol §5.4–5.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tfserver.simulator.answers import Answer, Asked, Done, Refused, ReplyFunction, whole
from tfserver.simulator.memory import User
from tfserver.simulator.replies_users import NO_USER

BAD_FORM = Refused(1, "parameter error")
LOCK_DEFAULTS: dict[str, Any] = {
    "opendelay": 5,
    "doorsensor": 0,
    "alarmdelay": 0,
    "threat": 0,
    "InputAlarm": 0,
    "antpass": 0,
    "interlock": 0,
    "mutiopen": 0,
    "tryalarm": 0,
    "tamper": 0,
    "wgformat": 0,
    "wgoutput": 0,
    "cardoutput": 0,
    "dayzone": [{"day": [{"section": "00:00~23:59"}]}],
    "weekzone": [{"week": [{"day": 1}] * 7}],
    "lockgroup": [{"group": 0}],
}
LIST_SIZES = {"dayzone": 8, "weekzone": 8, "lockgroup": 5}
"""How many entries each list of the lock can have (protocol §2.3)."""
DOORS = (1, 2, 3, 4)
USER_LOCKS_A_PACKET = 40
HOLIDAYS = 30
ITEMS = 16
SCHEDULES = 8
_DAY = re.compile(r"\d\d-\d\d")
_SCHEDULE = re.compile(r"\d\d:\d\d-\d\d:\d\d\*\d+")
QUESTIONNAIRE_DEFAULT: dict[str, Any] = {
    "title": "",
    "voice": "",
    "errmsg": "",
    "radio": True,
    "optionflag": 0,
    "usequestion": False,
    "useschedule": False,
    "card": 0,
    "items": [],
    "schedules": ["00:00-00:00*0"],
}


def opendoor(asked: Asked) -> Answer:
    """Open a door 1–4, or all; the door event 'opened by software' is logged (protocol §3.5)."""
    if asked.dialect.narrows and "doornum" in asked.command and asked.number("doornum") not in DOORS:
        return BAD_FORM
    asked.memory.door_event(asked.now)
    return Done()


def getdevlock(asked: Asked) -> Answer:
    """All settings of the lock."""
    return Done(_settings(asked, "lock", LOCK_DEFAULTS))


def setdevlock(asked: Asked) -> Answer:
    """Change some settings of the lock; a shorter list changes only its first entries."""
    lock = _settings(asked, "lock", LOCK_DEFAULTS)
    for key, size in LIST_SIZES.items():
        given = asked.command.get(key, [])
        if not isinstance(given, list) or len(given) > size:
            return BAD_FORM
        lock[key] = [*given, *lock[key][len(given) :]]
    for key in lock.keys() - LIST_SIZES.keys():
        lock[key] = asked.command.get(key, lock[key])
    asked.memory.settings["lock"] = lock
    return Done()


def getuserlock(asked: Asked) -> Answer:
    """When one person may pass."""
    enrollid = asked.number("enrollid") or 0
    user = asked.memory.users.get(enrollid)
    if user is None:
        return NO_USER
    extras = {"verifymode": 0, "aliasid": str(enrollid)} if asked.dialect.speaks else {}
    return Done({"enrollid": enrollid, **_lock_of(asked, user), **extras})


def setuserlock(asked: Asked) -> Answer:
    """When some people may pass; partial fields leave the rest as it was."""
    records = asked.records()
    if not records or len(records) > USER_LOCKS_A_PACKET or asked.number("count") != len(records):
        return BAD_FORM
    answer: Answer = Done()
    for record in records:
        user = asked.memory.users.get(whole(record.get("enrollid")) or 0)
        if user is None:
            answer = NO_USER
        else:
            changes = {key: record[key] for key in asked.dialect.lock_default if key in record}
            user.lock = {**_lock_of(asked, user), **changes}
    return answer


def deleteuserlock(asked: Asked) -> Answer:
    """One person's times go back to the default."""
    user = asked.memory.users.get(asked.number("enrollid") or 0)
    if user is None:
        return NO_USER
    user.lock = None
    return Done()


def cleanuserlock(asked: Asked) -> Answer:
    """Everybody's times go back to the default."""
    for user in asked.memory.users.values():
        user.lock = None
    return Done()


def getholiday(asked: Asked) -> Answer:
    """The holidays, in the list form."""
    return Done({"holidays": asked.memory.settings.get("holidays", [])})


def setholiday(asked: Asked) -> Answer:
    """Replace the holidays; list form only, 30 at most, days as ``MM-DD``."""
    holidays = asked.records("holidays")
    if asked.command.get("holidays") != holidays or len(holidays) > HOLIDAYS:
        return BAD_FORM
    if not all(_is_day(holiday.get(key)) for holiday in holidays for key in ("startday", "endday")):
        return BAD_FORM
    asked.memory.settings["holidays"] = holidays
    return Done()


def getquestionnaire(asked: Asked) -> Answer:
    """The questionnaire."""
    return Done(_settings(asked, "questionnaire", QUESTIONNAIRE_DEFAULT))


def setquestionnaire(asked: Asked) -> Answer:
    """Change the questionnaire: 16 items and 8 schedules at most (protocol §2.3)."""
    changes = {key: asked.command[key] for key in QUESTIONNAIRE_DEFAULT if key in asked.command}
    items, schedules = changes.get("items", []), changes.get("schedules", [])
    if not isinstance(items, list) or not isinstance(schedules, list):
        return BAD_FORM
    if len(items) > ITEMS or len(schedules) > SCHEDULES or not all(map(_is_schedule, schedules)):
        return BAD_FORM
    asked.memory.settings["questionnaire"] = {
        **_settings(asked, "questionnaire", QUESTIONNAIRE_DEFAULT),
        **changes,
    }
    return Done()


def _settings(asked: Asked, name: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a group of settings; terminals that were never changed share the defaults."""
    return dict(asked.memory.settings.get(name, defaults))


def _lock_of(asked: Asked, user: User) -> dict[str, Any]:
    return dict(asked.dialect.lock_default) if user.lock is None else user.lock


def _is_day(text: object) -> bool:
    return isinstance(text, str) and _DAY.fullmatch(text) is not None


def _is_schedule(text: object) -> bool:
    return isinstance(text, str) and _SCHEDULE.fullmatch(text) is not None


ACCESS_REPLIES: dict[str, ReplyFunction] = {
    "opendoor": opendoor,
    "getdevlock": getdevlock,
    "setdevlock": setdevlock,
    "getuserlock": getuserlock,
    "setuserlock": setuserlock,
    "deleteuserlock": deleteuserlock,
    "cleanuserlock": cleanuserlock,
    "getholiday": getholiday,
    "setholiday": setholiday,
    "getquestionnaire": getquestionnaire,
    "setquestionnaire": setquestionnaire,
}
