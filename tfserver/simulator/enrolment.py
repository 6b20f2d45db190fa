"""One enrolment at the device, which takes the person some scans (protocol §5.1, ``checkregstatus``)."""

from __future__ import annotations

from dataclasses import dataclass

from tfserver.simulator.capacity import FINGERS

FINGER_SCANS = 3
"""A finger is read three times, everything else once."""
FINISHED = 100
UNREADABLE = -1
NO_ROOM = -2
NEVER = "never"
FAILS = "fails"


def usual_scans(backupnum: int) -> int:
    """How many scans a credential of this slot takes."""
    return FINGER_SCANS if backupnum in FINGERS else 1


@dataclass(slots=True)
class Enrolment:
    """Whom the terminal waits for. ``status`` is that of ``checkregstatus``: 0 waiting, then the scans that
    are done, 100 finished, below 0 failed. ``ends``: how it goes, if not well."""

    enrollid: int
    backupnum: int
    name: str
    admin: int
    scans: int
    ends: str = ""
    status: int = 0
    asked: bool = False
    """Whether the server asks how far it is: then it goes on with the questions, and not with the time."""

    @property
    def goes_on(self) -> bool:
        """Whether the terminal still waits for the person."""
        return 0 <= self.status < FINISHED

    def scan(self) -> bool:
        """One more scan; True when that was the end, and all were good."""
        if not self.goes_on or self.ends == NEVER:
            return False
        if self.status < self.scans:
            self.status += 1
            return False
        self.status = UNREADABLE if self.ends == FAILS else FINISHED
        return self.status == FINISHED

    def fail(self) -> None:
        """It cannot be kept."""
        self.status = NO_ROOM
