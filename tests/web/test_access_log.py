"""The access log: who asked what, and nothing that opens anything."""

from __future__ import annotations

from io import StringIO

from tests.web.in_memory import READER, PagesCase
from tfserver.config import LimitSettings
from tfserver.web.request import MOST_SHOWN


class AccessLogTests(PagesCase):
    """Lines of the log."""

    limits = LimitSettings(trusted_proxies=["192.168.0.0/16"], exempt=[])

    def setUp(self) -> None:
        """A log that can be read."""
        super().setUp()
        self.log = StringIO()
        self.site._logFile = self.log

    def lines(self) -> list[str]:
        """What was written."""
        return self.log.getvalue().splitlines()

    def test_line(self) -> None:
        """A line has the address, through proxies too, the method, the path and the status."""
        self.get("/api/v1/terminals")
        self.ask("DELETE", "/api/v1/tokens/x", b"", None, X_Forwarded_For="203.0.113.9")
        expected = ["192.168.1.1 GET /api/v1/terminals 200", "203.0.113.9 DELETE /api/v1/tokens/x 401"]
        self.assertEqual(self.lines(), expected)

    def test_no_secret(self) -> None:
        """Neither queries nor what looks like a token stand in it, however long the path is."""
        self.get(f"/api/v1/punches?access_token={READER}")
        self.get(f"/api/v1/{READER}/x")
        self.get(f"/{'a' * 3 * MOST_SHOWN}")
        self.get("/", None, Authorization=f"Bearer {READER}", Cookie=f"tfs={READER}")
        self.assertNotIn("reader-secret", self.log.getvalue())
        self.assertIn("192.168.1.1 GET /api/v1/tfs_***/x 404", self.lines())
        self.assertTrue(all(len(line) < MOST_SHOWN + 60 for line in self.lines()))

    def test_one_line(self) -> None:
        """Nobody writes a second line into it."""
        self.get("/a%0d%0ab")
        self.get("/a\x85b")
        self.assertEqual(len(self.lines()), 2)

    def test_probes(self) -> None:
        """Probes that find all well are not worth a line each second; others are."""
        for path in ("/healthz", "/readyz", "/metrics"):
            self.get(path, None)
        self.assertEqual(self.lines(), [])
        self.draining = True
        self.get("/healthz", None)
        self.assertEqual(self.lines(), ["192.168.1.1 GET /healthz 503"])
