"""Pages of other origins."""

from __future__ import annotations

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tests.web.in_memory import PagesCase
from tfserver.config import Web

PATH = "/api/v1/terminals"
ASKED = {"Access_Control_Request_Method": "PATCH", "Access_Control_Request_Headers": "authorization"}
HR = "https://hr.example"


class OffTests(PagesCase):
    """Nothing is listed, which is the default."""

    def test_off(self) -> None:
        """No origin is told anything, asked before or not."""
        for answer in (
            self.get(PATH, Origin=HR),
            self.ask("OPTIONS", PATH, b"", None, Origin=HR, **ASKED),
        ):
            told = [name for name in answer.headers if name.startswith("access-control")]
            self.assertEqual((told, answer.headers.get("vary")), ([], None))
            self.assertLess(answer.status, 300)


class SettingTests(SynchronousTestCase):
    """``http.cors_origins``."""

    def test_origins(self) -> None:
        """An origin has a scheme and a host, perhaps a port, and nothing else; there is none for all."""
        for right in ([], [HR], ["http://localhost:3000", HR]):
            self.assertEqual(msgspec.convert({"cors_origins": right}, Web).cors_origins, right)
        for wrong in ("*", "hr.example", f"{HR}/", f"{HR}/app", "https://a b", "", "null"):
            with self.assertRaises(msgspec.ValidationError):
                msgspec.convert({"cors_origins": [wrong]}, Web)


class OnTests(PagesCase):
    """One origin is listed."""

    web = Web(cors_origins=[HR, "http://localhost:3000"])

    def test_listed(self) -> None:
        """Pages of a listed origin may read answers, and errors; never with cookies."""
        for path, token in ((PATH, "tfs_reader-secret"), (PATH, None), ("/nothing", None)):
            headers = self.get(path, token, Origin=HR).headers
            self.assertEqual(headers["access-control-allow-origin"], HR)
            self.assertEqual(headers["vary"], "Origin")
            self.assertIn("Location", headers["access-control-expose-headers"])
            self.assertNotIn("access-control-allow-credentials", headers)

    def test_others(self) -> None:
        """An origin that is not exactly one of those listed is told nothing."""
        for origin in (
            "https://evil.example",
            f"{HR}.evil.example",
            f"{HR}:444",
            HR.upper(),
            "null",
            f"{HR}/",
        ):
            for answer in (
                self.get(PATH, Origin=origin),
                self.ask("OPTIONS", PATH, b"", None, Origin=origin, **ASKED),
            ):
                self.assertEqual([name for name in answer.headers if name.startswith("access-control")], [])
                self.assertEqual(answer.headers["vary"], "Origin")

    def test_preflight(self) -> None:
        """A browser that asks before is answered without a token, with what the path knows."""
        answer = self.ask("OPTIONS", f"{PATH}/ZXDM26010042", b"", None, Origin=HR, **ASKED)
        self.assertEqual((answer.status, answer.body), (204, ""))
        self.assertEqual(answer.headers["access-control-allow-origin"], HR)
        self.assertIn("PATCH", answer.headers["access-control-allow-methods"])
        self.assertNotIn("POST", answer.headers["access-control-allow-methods"])
        for name in ("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"):
            self.assertIn(name, answer.headers["access-control-allow-headers"])
        self.assertEqual(self.terminals.calls, [])
