"""Photos: what terminals take, and that everything else is refused in words (protocol §2.2)."""

from __future__ import annotations

from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.pictures import base64_of, picture
from tfserver.commands.photos import photo_problem, plain_photo

MOST: Final = 150_000
GOOD: Final = picture()
EXAMPLES: Final = settings(derandomize=True, deadline=None, database=None, max_examples=150)


class PhotoTests(SynchronousTestCase):
    """Right and wrong ones."""

    def refused(self, record: str, *words: str, most: int = MOST) -> None:
        """This is no photo, for this reason; nothing of it is told again."""
        problem = photo_problem(record, most)
        assert problem is not None
        for word in ("expected", *words):
            self.assertIn(word, problem)
        self.assertNotIn(record[:20] or "nothing", problem)

    def test_good(self) -> None:
        """A JPEG is taken bare, between spaces and with the prefix of browsers."""
        text = base64_of(GOOD)
        for record in (
            text,
            f" {text}\n",
            f"data:image/jpeg;base64,{text}",
            f" DATA:image/jpg;BASE64,{text} ",
        ):
            self.assertIsNone(photo_problem(record, MOST))
            self.assertEqual(plain_photo(record), text)

    def test_forms(self) -> None:
        """Grey and progressive JPEGs are JPEGs."""
        self.assertIsNone(photo_problem(base64_of(picture(progressive=True)), MOST))

    def test_sizes(self) -> None:
        """240x320 to 800x1280 pixels, both ends included."""
        for size in ((240, 320), (800, 1280), (480, 640)):
            self.assertIsNone(photo_problem(base64_of(picture(*size)), MOST), size)
        for size in ((239, 320), (240, 319), (801, 1280), (800, 1281), (640, 300), (1, 1), (1280, 800)):
            self.refused(base64_of(picture(*size)), "240x320", "800x1280")

    def test_bytes(self) -> None:
        """The limit is that of the model, and counts bytes of the picture, not of its text."""
        for raw in (GOOD, GOOD + b"\x00", GOOD + b"\x00\x00"):
            self.assertIsNone(photo_problem(base64_of(raw), len(raw)))
            self.refused(base64_of(raw), f"at most {len(raw) - 1} bytes", most=len(raw) - 1)
        # told before it is looked at
        self.refused("!" * 400_000, "at most 150000 bytes")
        noise = picture(800, 1280, noise=1, quality=95)
        self.assertGreater(len(noise), MOST)
        self.refused(base64_of(noise), "at most 150000 bytes")

    def test_other_pictures(self) -> None:
        """A PNG, or something that only says it is a JPEG, is none."""
        for kind in ("PNG", "GIF", "BMP", "WEBP"):
            self.refused(base64_of(picture(kind=kind)), "JPEG")
            self.refused("data:image/jpeg;base64," + base64_of(picture(kind=kind)), "JPEG")

    def test_truncated(self) -> None:
        """A JPEG whose end is missing is refused, wherever it was cut."""
        for share in (0.1, 0.5, 0.9):
            self.refused(base64_of(GOOD[: int(len(GOOD) * share)]), "JPEG")

    def test_no_base64(self) -> None:
        """Text that is no base64, nothing at all, or other letters."""
        text = base64_of(GOOD)
        for record in (
            "hello world",
            f"{text[:8]}!{text[8:]}",
            f"{text[:76]}\n{text[76:]}",
            "",
            "/9j/4AAQSkZJRg==",
            "张伟",
            base64_of(GOOD)[:-1] + "!",
            "12345",
        ):
            self.refused(record, "JPEG")

    @EXAMPLES
    @given(st.integers(0, len(GOOD) - 1), st.binary(max_size=40), st.integers(0, 40))
    def test_any_bytes(self, at: int, put: bytes, cut: int) -> None:
        """Whatever happened to the bytes of a JPEG, the answer is yes or a sentence."""
        problem = photo_problem(base64_of(GOOD[:at] + put + GOOD[at + cut :]), MOST)
        self.assertTrue(problem is None or problem.startswith("expected"))
