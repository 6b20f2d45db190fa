"""Photos for terminals: what is wrong with one before it is sent, and giving it to a person."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, ClassVar, Final, TypeVar

import msgspec

from tfserver.commands.fields import person_problems
from tfserver.commands.photos import Seen, decoded
from tfserver.config import ModelProfile
from tfserver.credentials import PHOTO
from tfserver.model import rfc3339
from tfserver.people.darkroom import Crowded, Darkroom
from tfserver.person import Made
from tfserver.web.body import MEDIA as JSON
from tfserver.web.body import JsonBody
from tfserver.web.call import Call
from tfserver.web.problem import Problem, bad_fields, bad_input
from tfserver.web.query import choices
from tfserver.web.shapes_people import ShownCredential, shown_credential
from tfserver.web.undone import told_why

MEDIA: Final = "image/jpeg"
MOST_BYTES: Final = 10 * 1024 * 1024
"""Of what telephones make; what terminals take is far less."""
MEND: Final = choices("mend", "true: turn it upright, scale it down and write it anew to fit", ("true",))
PARAMETERS: Final = (MEND,)

T = TypeVar("T")


class PhotoFault(msgspec.Struct, frozen=True):
    """Something that is wrong with a photo: a word for programs, and words for people."""

    what: str
    message: str


class PhotoSeen(msgspec.Struct, frozen=True):
    """A photo as it is: pixels (0: not known), bytes, and what is wrong with it."""

    fits: bool
    width: int
    height: int
    bytes: int
    problems: list[PhotoFault]


class PhotoChecked(PhotoSeen, frozen=True):
    """A photo, and what it would be when mended: null when that was not asked for, or can't be done."""

    mended: PhotoSeen | None = None


class PhotoRecord(msgspec.Struct, forbid_unknown_fields=True):
    """A JPEG as base64 text, as in ``record`` of a credential."""

    record: str


_JSON: Final = tuple(b"%c" % one for one in b'{["-0123456789')


class PhotoText(JsonBody[Any]):
    """An object with a JPEG as text."""

    most_bytes = MOST_BYTES

    def __init__(self) -> None:
        super().__init__(PhotoRecord)

    def read(self, data: bytes) -> bytes:
        """The picture, or what is none; Problem for what is no such object."""
        told: PhotoRecord = super().read(data)
        jpeg = decoded(told.record)
        if jpeg is None:
            raise bad_input("record", "expected a JPEG as base64 text")
        return jpeg


class PhotoBody(PhotoText):
    """A JPEG, or an object with one as text: what is said to be JSON has to be that."""

    media = (MEDIA, JSON)
    readers: ClassVar = {JSON: PhotoText()}

    def read(self, data: bytes) -> bytes:
        """The picture, or what is none; only what begins as JSON does is read as that."""
        if data.lstrip()[:1] not in _JSON and data.strip() not in (b"null", b"true", b"false"):
            return data
        return super().read(data)


async def check(call: Call) -> PhotoChecked:
    """What is wrong with a photo, and what would be if it were mended."""
    room, most = room_of(call), ModelProfile().most_photo_bytes
    seen = await _in_turn(room.look_at(call.body, most))
    mended = await _in_turn(room.mend(call.body, most)) if call.query["mend"] else None
    told = _told(seen)
    return PhotoChecked(
        fits=told.fits,
        width=told.width,
        height=told.height,
        bytes=told.bytes,
        problems=told.problems,
        mended=None if mended is None else _told(mended.seen),
    )


async def put(call: Call) -> ShownCredential:
    """Give a person a photo. Problem 404 without the person, 422 with all that is wrong with the photo."""
    enrollid = int(call.path["enrollid"])
    errors = person_problems("enrollid", enrollid)
    if errors:
        raise bad_fields(errors)
    record = base64.b64encode(await fitting(call, call.body)).decode("ascii")
    made = Made(at=rfc3339(datetime.fromtimestamp(call.desk.reactor.seconds(), UTC)))
    with told_why():
        credential = await call.sources.people.directory.put_credential(enrollid, PHOTO, record, made)
    await call.note("done", {"enrollid": enrollid, "backupnum": PHOTO, "bytes": credential.bytes})
    return shown_credential(credential)


async def fitting(call: Call, jpeg: bytes) -> bytes:
    """A photo as terminals take it, mended if that was asked for; Problem 422 with all that is wrong."""
    room, most = room_of(call), ModelProfile().most_photo_bytes
    seen = await _in_turn(room.look_at(jpeg, most))
    if seen.faults and call.query.get("mend"):
        mended = await _in_turn(room.mend(jpeg, most))
        if mended is not None:
            jpeg, seen = mended.jpeg, mended.seen
    if seen.faults:
        raise bad_fields([("record", fault.told) for fault in seen.faults])
    return jpeg


async def fitting_record(call: Call, record: str) -> str:
    """The same as base64 text."""
    jpeg = decoded(record)
    if jpeg is None:
        raise bad_input("record", "expected a JPEG as base64 text")
    return base64.b64encode(await fitting(call, jpeg)).decode("ascii")


def room_of(call: Call) -> Darkroom:
    """Who looks at photos."""
    found: Darkroom = call.sources.people.photos
    return found


async def _in_turn(looking: Awaitable[T]) -> T:
    try:
        return await looking
    except Crowded as crowded:
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, str(crowded)) from crowded


def _told(seen: Seen) -> PhotoSeen:
    problems = [PhotoFault(fault.what, fault.told) for fault in seen.faults]
    return PhotoSeen(not problems, seen.width, seen.height, seen.bytes, problems)
