"""Photos for terminals: what their cameras' software takes (protocol §2.2), and how one is made to fit.

Pictures come from anybody, so nothing is decoded before its size is known, and no more of it than is needed.
"""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING, Final, NamedTuple

from tfserver.wire import codec

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LEAST_SIZE: Final = (240, 320)
MOST_SIZE: Final = (800, 1280)
BEST_SIZE: Final = (480, 640)
MOST_PIXELS: Final = 50_000_000
"""Of a picture that is made smaller: those of telephones."""
MOST_PROGRESSIVE: Final = 12_000_000
"""A progressive one is decoded as a whole, whatever size is wanted: 70 MB of memory."""
MOST_SCANS: Final = 100
"""Passes over the whole picture: usual are 10, and small files may have many thousands."""
DARKEST, LIGHTEST, FLATTEST = 45, 220, 12
"""Mean brightness, and how far it varies, in steps of 255: beyond them no camera finds a face."""
QUALITIES: Final = (90, 80, 70, 60, 50, 40)
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = 1
_SCAN: Final = b"\xff\xda"
UNREADABLE: Final = "expected a whole JPEG; this one can't be read"


class Fault(NamedTuple):
    """What is wrong with a photo: a word for programs, and words for people."""

    what: str
    told: str


class Seen(NamedTuple):
    """A photo as it is: width and height in pixels (0: not known), bytes, and everything that is wrong."""

    width: int
    height: int
    bytes: int
    faults: tuple[Fault, ...]


class Mended(NamedTuple):
    """A photo that was made to fit, and what is still wrong with it."""

    jpeg: bytes
    seen: Seen


def plain_photo(record: str) -> str:
    """The base64 text alone, without spaces around it and a ``data:`` prefix."""
    return codec.without_data_url(record.strip())


def decoded(record: str) -> bytes | None:
    """The picture itself, or None for what is no base64."""
    try:
        return base64.b64decode(plain_photo(record), validate=True)
    except (binascii.Error, ValueError):
        return None


def photo_problem(record: str, most_bytes: int) -> str | None:
    """Say why this can't be a photo for a terminal, or None when it can. How it looks is not judged here:
    what one terminal took in the dark another may have."""
    text = plain_photo(record)
    if len(text) > (most_bytes + 2) // 3 * 4:
        return _too_large(most_bytes).told
    jpeg = decoded(record)
    if jpeg is None:
        return "expected a JPEG as base64 text"
    faults = _head(jpeg, most_bytes).faults or _of_body(jpeg)
    return faults[0].told if faults else None


def look_at(jpeg: bytes, most_bytes: int) -> Seen:
    """Everything that is wrong with a photo before it is sent; also too dark, too light, or nothing to see in
    it. It may take a second."""
    found = _head(jpeg, most_bytes)
    if not _is_readable(found):
        return found
    broken = _of_body(jpeg)
    faults = broken or (*found.faults, *_of_light(jpeg))
    return found._replace(faults=faults)


def mend(jpeg: bytes, most_bytes: int) -> Mended | None:
    """Turn it upright as its EXIF says, scale it down, and write it anew within the limits, without anything
    that stood beside the picture. None for what can't be read, or is too large. It takes a second."""
    if not _is_readable(_head(jpeg, len(jpeg))):
        return None
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            # as much of it as is needed: a whole one may have gigabytes
            picture.draft("RGB", (2 * MOST_SIZE[0], 2 * MOST_SIZE[1]))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        written = _written(_scaled(upright), most_bytes)
    except Exception:
        # hostile bytes make it raise nearly anything
        return None
    return Mended(written, look_at(written, most_bytes))


def _head(jpeg: bytes, most_bytes: int) -> Seen:
    """Size, form, and which way is up: nothing is decoded for that."""
    faults = [] if len(jpeg) <= most_bytes else [_too_large(most_bytes)]
    from PIL import Image  # only who sends photos pays for the import

    if jpeg.count(_SCAN) > MOST_SCANS:
        told = "expected a JPEG of few scans: save it anew"
        return Seen(0, 0, len(jpeg), (Fault("scans", told), *faults))
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            width, height = picture.size
            faults += _of_form(picture)
    except Exception:
        # hostile bytes make it raise nearly anything, and all of it means the same
        return Seen(0, 0, len(jpeg), (Fault("unreadable", UNREADABLE), *faults))
    return Seen(width, height, len(jpeg), tuple(faults))


def _of_body(jpeg: bytes) -> tuple[Fault, ...]:
    """Whether it is whole."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            # a small picture of it takes all of its bytes and little time
            picture.draft("L", (max(1, picture.width // 8), max(1, picture.height // 8)))
            picture.load()
    except Exception:
        return (Fault("unreadable", UNREADABLE),)
    return ()


def _is_readable(found: Seen) -> bool:
    """Whether it can be decoded within bounds."""
    return not any(fault.what in ("unreadable", "scans", "huge") for fault in found.faults)


def _most_pixels(picture: Picture) -> int:
    return MOST_PROGRESSIVE if picture.info.get("progressive") else MOST_PIXELS


def _too_large(most_bytes: int) -> Fault:
    return Fault("bytes", f"expected a JPEG of at most {most_bytes} bytes")


def _of_form(picture: Picture) -> list[Fault]:
    found = []
    if picture.width * picture.height > _most_pixels(picture):
        found.append(Fault("huge", f"expected at most {_most_pixels(picture)} pixels"))
    if not _fits(picture.size):
        least, most = (f"{width}x{height}" for width, height in (LEAST_SIZE, MOST_SIZE))
        found.append(Fault("pixels", f"expected a JPEG of {least} to {most} pixels, upright"))
    if picture.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
        told = "expected a picture that is upright without its EXIF orientation, which no terminal heeds: "
        found.append(Fault("turned", told + "turn the picture itself, or let it be mended"))
    return found


def _of_light(jpeg: bytes) -> list[Fault]:
    """What a small grey picture of it says about the light."""
    from PIL import Image, ImageStat

    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        picture.draft("L", (160, 160))
        measured = ImageStat.Stat(picture.convert("L"))
    mean, varies = measured.mean[0], measured.stddev[0]
    if varies < FLATTEST:
        return [Fault("flat", "expected a picture with something to see: this one is of one tone only")]
    if mean < DARKEST:
        return [Fault("dark", "expected a lighter picture: hardly any face is found in the dark")]
    if mean > LIGHTEST:
        return [Fault("light", "expected a darker picture: hardly any face is found in so much light")]
    return []


def _fits(size: tuple[int, int]) -> bool:
    return all(
        least <= length <= most for least, length, most in zip(LEAST_SIZE, size, MOST_SIZE, strict=True)
    )


def _scaled(picture: Picture) -> Picture:
    """As near the best size as it comes without being cut, stretched or made larger."""
    for most in (BEST_SIZE, MOST_SIZE):
        share = min(1.0, most[0] / picture.width, most[1] / picture.height)
        size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
        if _fits(size) or most == MOST_SIZE:
            break
    return picture if size == picture.size else picture.resize(size)


def _written(picture: Picture, most_bytes: int) -> bytes:
    """The best quality that is not too large; the worst one if all are."""
    # comments and places where it was taken would be written along
    picture.info.clear()
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= most_bytes:
            break
    return file.getvalue()
