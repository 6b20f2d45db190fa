"""The file of what terminals keep, and pictures that are pictures."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import admitted, asked
from tfserver.simulator.dialects import AIFACE
from tfserver.simulator.holds import HoldsFile, digest_of
from tfserver.simulator.samples import credential_of, photo_of


class HoldsTests(SynchronousTestCase):
    """``--holds``."""

    def test_file(self) -> None:
        """Everybody with name, level and credentials, long ones as digests; each writing is a new file."""
        terminal = admitted(AIFACE, users=0)
        asked(terminal, {"cmd": "setuserinfo", "enrollid": 7, "name": "李", "backupnum": 11, "record": 42})
        asked(
            terminal,
            {"cmd": "setuserinfo", "enrollid": 7, "name": "李", "backupnum": 50, "record": photo_of(7)},
        )
        path = Path(self.mktemp())
        file = HoldsFile(str(path), [terminal])
        file.write()
        with path.open(encoding="utf-8") as old:
            file.write()
            self.assertEqual(json.load(old)["writing"], 1)
        person = {"name": "李", "admin": 0, "enabled": True, "unusable": [], "lock": None}
        credentials = {"11": "42", "50": digest_of(photo_of(7))}
        self.assertEqual(
            json.loads(path.read_text("utf-8")),
            {"writing": 2, "terminals": {"ZXDM00000001": {"7": {**person, "credentials": credentials}}}},
        )
        self.assertTrue(digest_of(credential_of(7, 0)).startswith("sha256:"))


class PictureTests(SynchronousTestCase):
    """Photos of invented people."""

    def test_readable(self) -> None:
        """Each is a whole upright JPEG with something to see, and no two are alike."""
        photos = {photo_of(enrollid) for enrollid in range(1, 200)}
        self.assertEqual(len(photos), 199)
        for text in sorted(photos)[:20]:
            with Image.open(io.BytesIO(base64.b64decode(text)), formats=("JPEG",)) as picture:
                picture.load()
                self.assertEqual(picture.size, (480, 640))
                darkest, lightest = picture.convert("L").getextrema()
                self.assertGreater(lightest - darkest, 60)  # type: ignore[operator]
