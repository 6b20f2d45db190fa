"""Replies to the commands about people (protocol §5.1)."""

from __future__ import annotations

from typing import Any

from tfserver.simulator.answers import Answer, Asked, Done, Refused, ReplyFunction, whole
from tfserver.simulator.capacity import FINGERS, kind_of
from tfserver.simulator.memory import User
from tfserver.simulator.paging import USERS_A_PAGE, Cursor

NO_USER = Refused(1, "can not find the user")
NO_DATA = Refused(1, "have no data")
BAD_FORM = Refused(1, "parameter error")
NAMES_A_PACKET = 50
PROFILE_BYTES = 200


def getuserlist(asked: Asked) -> Answer:
    """One page of credentials, 40 at most (protocol §6.1)."""
    memory = asked.memory
    if asked.command.get("stn"):
        memory.cursor = Cursor("getuserlist", tuple(memory.credentials()), USERS_A_PAGE)
    cursor = memory.reading("getuserlist")
    if cursor is None:
        return Done({"count": 0, "from": 0, "to": 0, "record": []})
    start, found = cursor.turn()
    total = len(cursor.items)
    count = len(found) if asked.dialect.count_of_users == "page" or not found else total
    record = [_listed(asked, *credential) for credential in found]
    return Done({"count": count, **span(asked, start, len(found)), "record": record})


def getuserinfo(asked: Asked) -> Answer:
    """One credential of a person; AiFace answers a profile when no ``backupnum`` is given."""
    enrollid, backupnum = asked.number("enrollid"), asked.number("backupnum")
    user = asked.memory.users.get(enrollid or 0)
    if user is None:
        return NO_USER
    if backupnum is None:
        return _profile(asked, enrollid or 0, user)
    if backupnum not in user.credentials:
        return NO_DATA
    return Done(_whole_user(enrollid or 0, user, backupnum))


def setuserinfo(asked: Asked) -> Answer:
    """Store one credential, if there is room, and make the person when new; what is in a photo is not looked
    at."""
    enrollid, backupnum = asked.number("enrollid"), asked.number("backupnum")
    record = asked.command.get("record")
    if enrollid is None or enrollid < 1 or backupnum not in asked.dialect.storable or backupnum is None:
        return BAD_FORM
    if asked.memory.lacks_room(enrollid, backupnum):
        return no_room(backupnum)
    user = asked.memory.keep(enrollid, backupnum, record if isinstance(record, str | int) else "")
    user.name = str(asked.command.get("name", user.name))
    user.admin = asked.number("admin") or 0
    return Done(_echo(asked, enrollid, backupnum))


def deleteuser(asked: Asked) -> Answer:
    """Delete a credential, all fingers (12) or the person (13); without any credential the person goes."""
    enrollid, backupnum = asked.number("enrollid"), asked.number("backupnum")
    if enrollid is None or backupnum is None:
        return BAD_FORM
    user = asked.memory.users.get(enrollid)
    doomed = set() if user is None else _doomed(asked, user, backupnum)
    if user is None or (not doomed and backupnum != 13):
        return Done() if asked.dialect.deletes_missing else NO_USER
    asked.memory.forget(enrollid, doomed)
    return Done()


def getusername(asked: Asked) -> Answer:
    """The name, in ``record``."""
    user = asked.memory.users.get(asked.number("enrollid") or 0)
    return NO_USER if user is None else Done({"record": user.name})


def setusername(asked: Asked) -> Answer:
    """Name people that exist, at most 50 a packet (protocol §2.3)."""
    records = asked.records()
    if not records or len(records) > NAMES_A_PACKET or asked.number("count") != len(records):
        return BAD_FORM
    answer: Answer = Done()
    for record in records:
        user = asked.memory.users.get(whole(record.get("enrollid")) or 0)
        if user is None:
            answer = NO_USER
        else:
            user.name = str(record.get("name", ""))
    return answer


def enableuser(asked: Asked) -> Answer:
    """Let a person pass (``enflag`` 1) or not (0)."""
    enrollid, enflag = asked.number("enrollid") or 0, asked.number("enflag")
    user = asked.memory.users.get(enrollid)
    if enflag is None:
        return BAD_FORM
    if user is None:
        return NO_USER
    user.enabled = enflag == 1
    asked.memory.people_changed()
    return Done({"enrollid": enrollid, "aliasid": str(enrollid)} if asked.dialect.speaks else {})


def cleanuser(asked: Asked) -> Answer:
    """Delete everybody."""
    asked.memory.clean_users()
    return Done()


def cleanadmin(asked: Asked) -> Answer:
    """All administrators become normal users."""
    for user in asked.memory.users.values():
        user.admin = 0
    return Done()


def getallusers(asked: Asked) -> Answer:
    """One credential in each reply, with its ``index``; an empty list has ``count`` 0."""
    memory = asked.memory
    if asked.command.get("stn"):
        memory.cursor = Cursor("getallusers", tuple(memory.credentials()), 1)
    cursor = memory.reading("getallusers")
    start, found = (0, ()) if cursor is None else cursor.turn()
    while cursor is not None and found and not memory.holds(*found[0]):
        start, found = cursor.turn()
    if cursor is None or not found:
        return Done({"index": 0, "count": 0})
    enrollid, backupnum = found[0]
    whole_user = _whole_user(enrollid, memory.users[enrollid], backupnum)
    return Done({"index": start, "count": len(cursor.items), **whole_user})


def setuserprofile(asked: Asked) -> Answer:
    """A text for a person or, with ``enrollid`` 0, for all; 200 bytes at most (protocol §2.3)."""
    enrollid, profile = asked.number("enrollid"), asked.command.get("profile")
    if enrollid is None or not isinstance(profile, str) or len(profile.encode()) > PROFILE_BYTES:
        return BAD_FORM
    user = asked.memory.users.get(enrollid)
    if enrollid == 0:
        asked.memory.settings["public profile"] = profile
    elif user is None:
        return NO_USER
    else:
        user.profile = profile
    return Done({"enrollid": enrollid})


def getuserprofile(asked: Asked) -> Answer:
    """The text of a person, in ``record``."""
    enrollid = asked.number("enrollid")
    user = asked.memory.users.get(enrollid or 0)
    if enrollid == 0:
        return Done({"enrollid": 0, "record": asked.memory.settings.get("public profile", "")})
    if user is None:
        return NO_USER
    return Done({"enrollid": enrollid, "record": user.profile})


def no_room(backupnum: int) -> Refused:
    """Not one more of the kind, or no more people (protocol §3.8: 1 is the only number there is for it)."""
    return Refused(1, f"memory full: {kind_of(backupnum) or 'user'}")


def span(asked: Asked, start: int, length: int) -> dict[str, int]:
    """``from`` and ``to`` of a page in the dialect's reading of ``to`` (protocol §6.1); 0, 0 when empty."""
    if length == 0:
        return {"from": 0, "to": 0}
    return {"from": start, "to": start + length - (1 if asked.dialect.inclusive_to else 0)}


def _listed(asked: Asked, enrollid: int, backupnum: int) -> dict[str, Any]:
    admin = asked.memory.users[enrollid].admin if enrollid in asked.memory.users else 0
    entry: dict[str, Any] = {"enrollid": enrollid, "admin": asked.dialect.admin_in_list(admin)}
    return {**entry, "backupnum": backupnum, **({"aliasid": str(enrollid)} if asked.dialect.speaks else {})}


def _whole_user(enrollid: int, user: User, backupnum: int) -> dict[str, Any]:
    return {
        "enrollid": enrollid,
        "name": user.name,
        "backupnum": backupnum,
        "admin": user.admin,
        "record": user.credentials[backupnum],
    }


def _profile(asked: Asked, enrollid: int, user: User) -> Answer:
    if not asked.dialect.speaks:
        return NO_DATA
    fingers = sum(1 for backupnum in user.credentials if backupnum in FINGERS)
    profile = {"name": user.name, "admin": user.admin, "enable": int(user.enabled), "fpflag": fingers}
    return Done({"enrollid": enrollid, "aliasid": str(enrollid), **profile, "department": 0, "shiftid": 0})


def _echo(asked: Asked, enrollid: int, backupnum: int) -> dict[str, Any]:
    """AiFace repeats whom and what it stored (protocol §5.1)."""
    if not asked.dialect.speaks:
        return {}
    return {"enrollid": enrollid, "aliasid": str(enrollid), "backupnum": backupnum}


def _doomed(asked: Asked, user: User, backupnum: int) -> set[int]:
    """Which credentials a ``backupnum`` of ``deleteuser`` means (protocol §3.1)."""
    if backupnum == 13 or (backupnum == 12 and asked.dialect.twelve_deletes_all):
        return set(user.credentials)
    meant = FINGERS if backupnum == 12 else (backupnum,)
    return {number for number in meant if number in user.credentials}


USER_REPLIES: dict[str, ReplyFunction] = {
    "getuserlist": getuserlist,
    "getuserinfo": getuserinfo,
    "setuserinfo": setuserinfo,
    "deleteuser": deleteuser,
    "getusername": getusername,
    "setusername": setusername,
    "enableuser": enableuser,
    "cleanuser": cleanuser,
    "cleanadmin": cleanadmin,
    "getallusers": getallusers,
    "setuserprofile": setuserprofile,
    "getuserprofile": getuserprofile,
}
