"""What is told about one terminal, from plain values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.stub import order, terminal
from tfserver.cli import diagnosis
from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding, ago

NOW = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)


def states(found: Iterable[Finding]) -> dict[str, str]:
    """What was looked at, and how it stands."""
    return {finding.about: finding.state for finding in found}


class KnownTests(SynchronousTestCase):
    """A terminal that the server knows."""

    def looked(self, **changed: Any) -> dict[str, Finding]:
        """Findings for a terminal that is well but for this."""
        return {found.about: found for found in diagnosis.known(terminal(**changed), NOW)}

    def test_well(self) -> None:
        """All is well."""
        found = self.looked().values()
        names = ("admission", "connection", "punches", "clock", "log memory")
        self.assertEqual(states(found), dict.fromkeys(names, OK))

    def test_admission(self) -> None:
        """Who is not approved is told how to be; its connection does not matter then."""
        for admission in ("pending", "denied", "quarantined"):
            found = self.looked(admission=admission, online=False)
            self.assertEqual(found["admission"].state, WRONG)
            self.assertIn("tfserver terminals approve ZXDM26010042", found["admission"].advice)
            self.assertNotIn("connection", found)

    def test_offline(self) -> None:
        """Since when it is offline."""
        found = self.looked(online=False, last_frame="2026-03-31T08:00:00.000Z")["connection"]
        self.assertEqual(found.state, WRONG)
        self.assertIn("2 days ago (2026-03-31T08:00:00.000Z)", found.said)
        self.assertIn("never heard", self.looked(online=False, last_frame=None)["connection"].said)

    def test_silent(self) -> None:
        """Connected, and nothing heard for five minutes."""
        self.assertEqual(self.looked(last_frame="2026-04-02T07:54:59.000Z")["connection"].state, ATTENTION)
        self.assertEqual(self.looked(last_frame="2026-04-02T07:55:01.000Z")["connection"].state, OK)

    def test_punches(self) -> None:
        """No punch ever, or none for a day."""
        self.assertEqual(self.looked(last_punch=None)["punches"].state, ATTENTION)
        self.assertEqual(self.looked(last_punch="2026-04-01T07:59:59.000Z")["punches"].state, ATTENTION)
        self.assertEqual(self.looked(last_punch="2026-04-01T08:00:01.000Z")["punches"].state, OK)

    def test_clock(self) -> None:
        """A wrong clock by how much; a zone that nobody confirmed."""
        self.assertEqual(self.looked(clock="suspect", clock_offset_ms=None)["clock"].state, ATTENTION)
        self.assertIn("-130 s", self.looked(clock_offset_ms=-130_000)["clock"].said)
        found = self.looked(clock="unknown", timezone=None)["clock"]
        self.assertEqual((found.state, "timezone" in found.advice), (ATTENTION, True))
        self.assertNotIn("clock", self.looked(clock="unknown"))

    def test_memory(self) -> None:
        """Above four fifths it deserves attention, full is wrong; without a size nothing is said."""
        for used, state in ((800, OK), (801, ATTENTION), (999, ATTENTION), (1000, WRONG), (1001, WRONG)):
            room = {"log": {"size": 1000, "used": used, "free": 0}}
            self.assertEqual(self.looked(capacity=room)["log memory"].state, state, used)
        for nothing in ({}, {"log": {"size": 0, "used": 0, "free": 0}}):
            self.assertNotIn("log memory", self.looked(capacity=nothing))


class OrdersTests(SynchronousTestCase):
    """Orders that have not ended."""

    def looked(self, *found: dict[str, Any], **changed: Any) -> Finding:
        """The finding about these orders."""
        [finding] = diagnosis.orders(terminal(**changed), found, NOW)
        return finding

    def test_orders(self) -> None:
        """Old ones of a terminal that is online are stuck; fresh ones are on their way."""
        old, fresh = "2026-04-02T07:58:59.000Z", "2026-04-02T07:59:30.000Z"
        self.assertEqual(self.looked(order("done", created=old)).state, OK)
        self.assertEqual(self.looked(order("queued", created=fresh)).state, OK)
        stuck = self.looked(order("sent", created=fresh), order("queued", created=old))
        self.assertEqual(stuck.state, ATTENTION)
        self.assertIn("2 not ended, the oldest from 1 minute ago", stuck.said)

    def test_offline(self) -> None:
        """Those of a terminal that is offline wait for it."""
        found = self.looked(order("queued", created="2026-04-02T07:59:30.000Z"), online=False)
        self.assertEqual(found.state, ATTENTION)
        self.assertIn("until it comes", found.said)


class UnknownTests(SynchronousTestCase):
    """A terminal that the server does not know."""

    def test_similar(self) -> None:
        """Misread letters, typing errors, a part of the number; not just any other."""
        known = ["ZXDM26010042", "AYTE20113344"]
        self.assertEqual(diagnosis.similar("2XDM26OIOO4Z", known), ["ZXDM26010042"])
        for sn in (
            "ZXDM26O10042",
            "zxdm-2601-0042",
            "ZXDM26010024",
            "ZXDM2601042",
            "26010042",
            "XDM26010042",
        ):
            self.assertEqual(diagnosis.similar(sn, known), ["ZXDM26010042"], sn)
        for sn in ("LF12345678", "ZX", ""):
            self.assertEqual(diagnosis.similar(sn, known), [], sn)

    def test_told(self) -> None:
        """What to set in the menu; what is no serial number is told as such."""
        self.assertEqual([found.state for found in diagnosis.not_known("LF12345678", [])], [WRONG])
        [found] = diagnosis.not_known("LF12345678", [])
        self.assertIn("Server port = 7788", found.advice)
        [found] = diagnosis.not_known("Front door", [])
        self.assertIn("is no serial number", found.said)

    def test_claimed(self) -> None:
        """Only devices under the same number, in any case, count."""
        rows = [terminal("zxdm26010042", devinfo={"mac": "m"}), terminal("OTHER")]
        [found] = diagnosis.claimed(rows, "ZXDM26010042")
        self.assertEqual(found.state, WRONG)
        self.assertIn("(mac m)", found.said)


class AgoTests(SynchronousTestCase):
    """How long ago, in words."""

    def test_ago(self) -> None:
        """The largest unit that fits; the future is now."""
        for when, words in (
            ("2026-04-02T08:00:05Z", "0 seconds ago"),
            ("2026-04-02T07:59:59Z", "1 second ago"),
            ("2026-04-02T07:58:01Z", "1 minute ago"),
            ("2026-04-02T06:00:00Z", "2 hours ago"),
            ("2026-03-31T07:59:59Z", "2 days ago"),
        ):
            self.assertEqual(ago(when, NOW), words)
