"""Photos before they are sent: which way is up, light, bombs; and how one is made to fit."""

from __future__ import annotations

import io
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.pictures import base64_of, picture
from tfserver.commands import photos
from tfserver.commands.photos import look_at, mend, photo_problem

MOST: Final = 150_000
EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=100)
MOST_SCANS: Final = 100


def saved(image: Image.Image, **options: Any) -> bytes:
    """As a JPEG."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def shaded(width: int, height: int, darkest: int = 0, lightest: int = 255, **options: Any) -> bytes:
    """From dark at the top to light at the bottom."""
    gradient = Image.linear_gradient("L").resize((width, height))
    return saved(gradient.point(lambda tone: darkest + tone * (lightest - darkest) / 255), **options)


def turned(orientation: int) -> dict[str, Any]:
    """EXIF that says which way is up."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


def wrong(jpeg: bytes, most: int = MOST) -> list[str]:
    """What is wrong with it."""
    return [fault.what for fault in look_at(jpeg, most).faults]


GOOD: Final = shaded(480, 640)


class LookTests(SynchronousTestCase):
    """What is wrong with one."""

    def test_upright(self) -> None:
        """What is upright only by its EXIF is refused, in orders too; what says that it is upright is not."""
        for orientation in (2, 3, 6, 8):
            jpeg = shaded(480, 640, **turned(orientation))
            self.assertEqual(wrong(jpeg), ["turned"])
            self.assertIn("EXIF", photo_problem(base64_of(jpeg), MOST) or "")
        self.assertEqual(wrong(shaded(480, 640, **turned(1))), [])

    def test_light(self) -> None:
        """Too dark, too light, of one tone; orders are not judged by that."""
        for jpeg, what in (
            (shaded(480, 640, 0, 70), "dark"),
            (shaded(480, 640, 190, 255), "light"),
            (shaded(480, 640, 100, 120), "flat"),
        ):
            self.assertEqual(wrong(jpeg), [what])
            self.assertIsNone(photo_problem(base64_of(jpeg), MOST))
        self.assertEqual(wrong(shaded(480, 640, 20, 140)), [])

    def test_many_pixels(self) -> None:
        """Of a picture with too many pixels nothing is decoded, nor of a progressive one with fewer."""
        decoded: list[str] = []
        self.patch(Image.Image, "load", lambda *_: decoded.append("load"))
        self.patch(photos, "MOST_PIXELS", 480 * 640 - 1)
        self.assertEqual(wrong(GOOD), ["huge"])
        self.assertIsNone(mend(GOOD, MOST))
        self.patch(photos, "MOST_PIXELS", 480 * 640)
        self.patch(photos, "MOST_PROGRESSIVE", 480 * 640 - 1)
        progressive = shaded(480, 640, progressive=True)
        decoded.clear()
        self.assertEqual(wrong(progressive), ["huge"])
        self.assertIsNone(mend(progressive, MOST))
        self.assertIsNotNone(photo_problem(base64_of(progressive), MOST))
        self.assertEqual(decoded, [])

    def test_many_scans(self) -> None:
        """A small file of very many passes over the picture is not decoded."""
        bomb = GOOD[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00" * (MOST_SCANS + 1) + GOOD[-2:]
        self.assertEqual(wrong(bomb), ["scans"])
        self.assertIsNone(mend(bomb, MOST))
        self.assertIn("scans", photo_problem(base64_of(bomb), MOST) or "")


class MendTests(SynchronousTestCase):
    """How one is made to fit."""

    def size(self, jpeg: bytes) -> tuple[int, int]:
        """Of what it became; it fits."""
        found = mend(jpeg, MOST)
        assert found is not None
        self.assertEqual(found.seen.faults, ())
        self.assertEqual(found.seen, look_at(found.jpeg, MOST))
        return found.seen.width, found.seen.height

    def test_sizes(self) -> None:
        """As near the best size as it comes; never cut, stretched or made larger."""
        for before, after in (
            ((480, 640), (480, 640)),
            ((3000, 4000), (480, 640)),
            ((2160, 3840), (360, 640)),
            ((1600, 1200), (480, 360)),
            ((1920, 1080), (800, 450)),
            ((300, 400), (300, 400)),
        ):
            self.assertEqual(self.size(shaded(*before)), after)

    def test_too_small(self) -> None:
        """What is too small, or too long and thin, stays wrong."""
        for size in ((100, 100), (4000, 300)):
            found = mend(shaded(*size), MOST)
            assert found is not None
            self.assertEqual([fault.what for fault in found.seen.faults], ["pixels"])

    def test_turned(self) -> None:
        """It is turned as its EXIF says: what was light at the bottom is light where that is."""
        found = mend(shaded(1600, 1200, **turned(6)), MOST)
        assert found is not None
        self.assertEqual((found.seen.width, found.seen.height, found.seen.faults), (480, 640, ()))
        with Image.open(io.BytesIO(found.jpeg)) as upright:
            grey = upright.convert("L")
            left, right = grey.getpixel((5, 300)), grey.getpixel((475, 300))
        self.assertGreater(left, right)  # type: ignore[arg-type, misc]

    def test_bytes(self) -> None:
        """Quality goes down until it is small enough, and no further."""
        noisy = Image.blend(
            Image.linear_gradient("L").resize((480, 640)), Image.effect_noise((480, 640), 200), 0.5
        )
        jpeg = saved(noisy, quality=100)
        self.assertGreater(len(jpeg), MOST)
        sizes = []
        for most in (MOST, 110_000):
            found = mend(jpeg, most)
            assert found is not None
            self.assertEqual(found.seen.faults, ())
            sizes.append(len(found.jpeg))
        self.assertGreater(sizes[0], 110_000)
        found = mend(jpeg, 1000)
        assert found is not None
        self.assertEqual([fault.what for fault in found.seen.faults], ["bytes"])

    def test_nothing_beside(self) -> None:
        """Nothing that stood beside the picture is in it any more: no place, no camera, no words."""
        exif = Image.Exif()
        exif[0x010E] = "in the garden"
        found = mend(shaded(480, 640, exif=exif, comment=b"at home", icc_profile=b"colours"), MOST)
        assert found is not None
        for trace in (b"garden", b"at home", b"colours", b"Exif"):
            self.assertNotIn(trace, found.jpeg)

    def test_colours(self) -> None:
        """Grey pictures, and those for printing, become ordinary ones."""
        for mode in ("L", "CMYK"):
            file = io.BytesIO()
            Image.linear_gradient("L").resize((480, 640)).convert(mode).save(file, "JPEG")
            self.assertEqual(self.size(file.getvalue()), (480, 640))

    def test_unreadable(self) -> None:
        """What is no JPEG, or not a whole one, can't be mended."""
        for jpeg in (b"", b"\xff\xd8", GOOD[:3000], picture(kind="PNG"), picture(kind="GIF")):
            self.assertIsNone(mend(jpeg, MOST))
            self.assertIn("unreadable", wrong(jpeg))

    @EXAMPLES
    @given(st.integers(0, len(GOOD) - 1), st.binary(max_size=40), st.integers(0, 40))
    def test_any_bytes(self, at: int, put: bytes, cut: int) -> None:
        """Whatever happened to the bytes, it becomes a photo of bounded size, or nothing."""
        jpeg = GOOD[:at] + put + GOOD[at + cut :]
        look_at(jpeg, MOST)
        found = mend(jpeg, MOST)
        if found is not None:
            self.assertLessEqual(found.seen.width * found.seen.height, 800 * 1280)
