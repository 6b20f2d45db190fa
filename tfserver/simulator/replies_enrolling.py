"""Replies to the commands about enrolment at the device (protocol §5.1)."""

from __future__ import annotations

from tfserver.simulator.answers import Answer, Asked, Done, Refused, ReplyFunction
from tfserver.simulator.enrolment import Enrolment, usual_scans
from tfserver.simulator.replies_users import BAD_FORM, NO_DATA, no_room

BUSY = Refused(1, "device busy")
_WORDS = {-2: "memory full", -1: "bad quality", 0: "waiting", 100: "finished"}


def adduser(asked: Asked) -> Answer:
    """Begin an enrolment. Without scans in the dialect the person obeys at once, and ``senduser`` follows."""
    enrollid, backupnum = asked.number("enrollid"), asked.number("backupnum")
    if enrollid is None or enrollid < 1 or backupnum not in asked.dialect.storable or backupnum is None:
        return BAD_FORM
    told = Done({"enrollid": enrollid, "backupnum": backupnum})
    if asked.command.get("cancel"):
        _cancel(asked, enrollid, backupnum)
        return told
    going_on = asked.memory.enrolment
    if going_on is not None and going_on.goes_on:
        return BUSY
    if asked.memory.lacks_room(enrollid, backupnum):
        return no_room(backupnum)
    going_on = _begun(asked, enrollid, backupnum)
    asked.memory.enrolment = going_on
    if not asked.dialect.scans and asked.memory.next_scans is None:
        for _ in range(going_on.scans + 1):
            asked.memory.scan()
    return told


def _begun(asked: Asked, enrollid: int, backupnum: int) -> Enrolment:
    """The enrolment as it will go."""
    name, admin = str(asked.command.get("name", "")), asked.number("admin") or 0
    scans = asked.memory.next_scans
    found = Enrolment(enrollid, backupnum, name, admin, usual_scans(backupnum))
    if isinstance(scans, int):
        found.scans = scans
    elif scans is not None:
        found.ends = scans
    return found


def checkregstatus(asked: Asked) -> Answer:
    """How far the enrolment is; with each question the person scans once more."""
    going_on = asked.memory.enrolment
    slot = (asked.number("enrollid"), asked.number("backupnum"))
    if going_on is None or slot != (going_on.enrollid, going_on.backupnum):
        return NO_DATA
    going_on.asked = True
    words = _WORDS.get(going_on.status, f"scan {going_on.status}")
    status = going_on.status
    asked.memory.scan()
    return Done({"enrollid": slot[0], "backupnum": slot[1], "status": status, "msg": words})


def canceladduser(asked: Asked) -> Answer:
    """Stop an enrolment; one that is over, or another's, is left alone."""
    enrollid, backupnum = asked.number("enrollid") or 0, asked.number("backupnum") or 0
    return Done() if _cancel(asked, enrollid, backupnum) else NO_DATA


def _cancel(asked: Asked, enrollid: int, backupnum: int) -> bool:
    going_on = asked.memory.enrolment
    if going_on is None or not going_on.goes_on:
        return False
    if (going_on.enrollid, going_on.backupnum) != (enrollid, backupnum):
        return False
    asked.memory.enrolment = None
    return True


ENROLLING_REPLIES: dict[str, ReplyFunction] = {"adduser": adduser}
BEYOND_REPLIES: dict[str, ReplyFunction] = {"checkregstatus": checkregstatus, "canceladduser": canceladduser}
"""Words that are in no official document: known where the dialect says so (protocol §5.1)."""
