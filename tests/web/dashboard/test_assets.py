"""What pages load."""

from __future__ import annotations

import gzip

from tests.web.in_memory import PagesCase
from tfserver.web.dashboard.assets import MEDIA, assets

FOR_EVER = "public, max-age=31536000, immutable"


class AssetTests(PagesCase):
    """Files under the name of their version, for everybody."""

    def test_all(self) -> None:
        """Each is what it is, for good, and says what it is."""
        for name, data in assets().plain.items():
            answer = self.get(assets().place(name), None)
            self.assertEqual((answer.status, answer.headers["cache-control"]), (200, FOR_EVER), name)
            self.assertEqual(answer.headers["content-type"], MEDIA[name.rpartition(".")[2]])
            self.assertEqual(answer.raw.partition(b"\r\n\r\n")[2], data)
            self.assertNotIn("content-encoding", answer.headers)

    def test_packed(self) -> None:
        """Who can unpack it gets it small; what is small anyway stays as it is."""
        for name, data in assets().plain.items():
            answer = self.get(assets().place(name), None, Accept_Encoding="gzip, deflate, br")
            self.assertEqual(answer.headers["vary"], "Accept-Encoding")
            body = answer.raw.partition(b"\r\n\r\n")[2]
            is_packed = answer.headers.get("content-encoding") == "gzip"
            self.assertEqual(gzip.decompress(body) if is_packed else body, data)
            self.assertEqual(is_packed, name in assets().packed)
        self.assertIn("base.css", assets().packed)
        refusing = self.get(assets().place("base.css"), None, Accept_Encoding="br, gzip;q=0")
        self.assertNotIn("content-encoding", refusing.headers)

    def test_another_version(self) -> None:
        """Under the name of another version it is this one's, and nobody keeps it under that name."""
        answer = self.get(f"/assets/{'0' * 16}/base.css", None)
        self.assertEqual((answer.status, answer.headers["cache-control"]), (200, "no-store"))

    def test_nothing_else(self) -> None:
        """No other file can be had, also none that stands beside."""
        for name in ("nosuch.css", "__init__.py", "..%2fassets.py", "%2e%2e/assets.py", "base.css/", ""):
            self.assert_problem(self.get(f"/assets/{assets().version}/{name}", None), 404)
        with self.assertRaises(KeyError):
            assets().place("nosuch.css")

    def test_imports(self) -> None:
        """Scripts name each other beside themselves, and only those that there are."""
        for name, data in assets().plain.items():
            for line in data.decode().splitlines():
                if name.endswith(".js") and line.startswith("import "):
                    other = line.split('"')[1]
                    self.assertTrue(other.startswith("./"), line)
                    self.assertIn(other[2:], assets().plain, line)
