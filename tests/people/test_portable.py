"""Which credentials can go to which terminal."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.config import ModelProfile
from tfserver.model import Capacity, Terminal
from tfserver.people.fitting import Target, target_of
from tfserver.people.portable import refusal
from tfserver.person import Credential, Made
from tfserver.plan import Reason

MADE = Made(fpalgo="thbio3.0", model="AiFace")


def target(fpalgo: str = "thbio3.0", model: str = "AiFace", **sizes: int) -> Target:
    """A terminal with room for these."""
    rooms = {kind: Capacity(size, 0, size) for kind, size in sizes.items()}
    return Target("T1", fpalgo, model, rooms, 150_000)


def sized(kind: str, size: int, fpalgo: str = "thbio3.0", model: str = "AiFace") -> Target:
    """A terminal with room for so many of a kind."""
    return Target("T1", fpalgo, model, {kind: Capacity(size, 0, size)}, 150_000)


def reason(where: Target, backupnum: int, made: Made = MADE, size: int = 100) -> Reason | None:
    """Why a credential can't be there."""
    found = refusal(where, Credential(backupnum, "v1", made, size))
    if found is not None:
        assert found[1]
    return None if found is None else found[0]


class PortableTests(SynchronousTestCase):
    """By what a terminal has told."""

    def test_numbers(self) -> None:
        """Passwords and cards go anywhere, but where it was said that none are taken."""
        for backupnum, kind in ((10, "pwd"), (11, "card")):
            self.assertIsNone(reason(target("", ""), backupnum, Made()))
            some, none = sized(kind, 5), sized(kind, 0)
            self.assertIsNone(reason(some, backupnum, Made()))
            self.assertIs(reason(none, backupnum), Reason.SENSOR)

    def test_fingers(self) -> None:
        """The algorithm has to be known on both sides and the same; the model does not matter."""
        self.assertIsNone(reason(target(model="tfs30"), 0))
        self.assertIs(reason(target("thbio1.0"), 0), Reason.ALGORITHM)
        self.assertIs(reason(target(""), 9), Reason.ALGORITHM)
        self.assertIs(reason(target(""), 9, Made()), Reason.ALGORITHM)
        self.assertIs(reason(target(), 0, Made(model="AiFace")), Reason.ALGORITHM)
        self.assertIs(reason(target(fp=0), 0), Reason.SENSOR)

    def test_faces_and_palms(self) -> None:
        """Their templates need the same model as well, and a terminal that has said that it takes them."""
        for backupnum, kind in ((20, "face"), (51, "face"), (30, "palm"), (41, "palm")):
            self.assertIsNone(reason(sized(kind, 5), backupnum))
            self.assertIs(reason(target(), backupnum), Reason.SENSOR)
            self.assertIs(reason(sized(kind, 0), backupnum), Reason.SENSOR)
            self.assertIs(reason(sized(kind, 5, model="X"), backupnum), Reason.MODEL)
            self.assertIs(reason(sized(kind, 5, "thbio1.0"), backupnum), Reason.ALGORITHM)
            nameless = Made(fpalgo="thbio3.0")
            self.assertIs(reason(sized(kind, 5, model=""), backupnum, nameless), Reason.MODEL)

    def test_photos(self) -> None:
        """They go wherever faces are, whatever made them, up to the size that the profile says."""
        self.assertIsNone(reason(target("", "", face=5), 50, Made(), 200_000))
        self.assertIs(reason(target("", "", face=5), 50, Made(), 200_004), Reason.PHOTO)
        self.assertIs(reason(target(), 50), Reason.SENSOR)

    def test_undefined(self) -> None:
        """A slot that nobody has defined is never sent."""
        self.assertIs(reason(target(), 19), Reason.SLOT)

    def test_target(self) -> None:
        """A terminal is what its last reg said, whatever it said, and what its profile allows."""
        told = {"fpalgo": " thbio3.0", "modelname": 5}
        room = {"user": Capacity(9, 1, 8), "log": Capacity(5, 0, 5)}
        terminal = Terminal("t1", devinfo=told, capacity=room, model_profile="big")
        found = target_of(terminal, {"big": ModelProfile(most_photo_bytes=99)})
        self.assertEqual(found, Target("T1", "thbio3.0", "", {"user": Capacity(9, 1, 8)}, 99))
        self.assertEqual(target_of(Terminal("T1"), {}).most_photo_bytes, 150_000)
