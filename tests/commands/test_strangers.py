"""Pictures of people whom a terminal did not recognise (protocol §7, quirk 22)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.test_logs_reading import GOOD, JPEG, batch

STRANGER = 99_999_999


class StrangerTests(SynchronousTestCase):
    """They are kept by a setting of their own, and by no other."""

    def kept(self, enrollid: int, images: str, strangers: str) -> str:
        """The picture that is kept of somebody."""
        told = {**GOOD, "enrollid": enrollid, "image": JPEG}
        settings = {"punches__images": images, "privacy__stranger_images": strangers}
        (record,) = batch(told, **settings).records
        return str(record.picture)

    def test_dropped_whatever_else_is_kept(self) -> None:
        """By default no picture of a stranger is kept, also where those of people are."""
        (record,) = batch({**GOOD, "enrollid": STRANGER, "image": JPEG}, punches__images="keep").records
        self.assertEqual(record.picture, "")

    def test_each_by_its_own(self) -> None:
        """Each setting decides about its own pictures only."""
        for images in ("drop", "keep"):
            for strangers in ("drop", "keep"):
                self.assertEqual(bool(self.kept(7, images, strangers)), images == "keep")
                self.assertEqual(bool(self.kept(STRANGER, images, strangers)), strangers == "keep")
