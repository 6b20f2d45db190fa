"""The one sentence at the top of ``doctor SN``: each of them from what the server knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.stub import punch, terminal
from tfserver.cli.cause import Seen, cause, visits
from tfserver.cli.findings import ATTENTION, OK, WRONG, Finding
from tfserver.commands import device

NOW = datetime(2026, 4, 2, 8, 0, tzinfo=UTC)
SN = "ZXDM26010042"
Row = dict[str, Any]


def at(seconds: float) -> str:
    """So many seconds ago."""
    return (NOW - timedelta(seconds=seconds)).isoformat()


def frame(direction: str, word: str, ago: float = 60, connection: str = "c1", **more: Any) -> Row:
    """A message as the flight recorder tells it."""
    result = more.pop("result", None)
    places = {"connection": connection, "address": "192.0.2.7", "process": "one"}
    told = {"direction": direction, "word": word, "size": 10, "result": result, "content": more}
    return {"at": at(ago), **told, **places}


def visit(ago: float, lasted: float, connection: str, by: str = "terminal", why: str = "") -> list[Row]:
    """A connection that has ended."""
    return [
        frame("event", "connected", ago, connection),
        frame("event", "closed", ago - lasted, connection, by=by, why=why),
    ]


def handshake(address: str, why: str, ago: float = 60) -> Row:
    """A failed one."""
    return {"address": address, "why": why, "times": 3, "first": at(ago), "last": at(ago), "process": "one"}


class CauseTests(SynchronousTestCase):
    """One cause each, of a terminal that is approved, online and well but for this."""

    def found(self, frames: Sequence[Row] = (), **known: Any) -> Finding:
        """The sentence."""
        given: Row = {"terminal": terminal(sn=SN, last_frame=at(2), last_punch=at(200_000)), **known}
        return cause(Seen(SN, NOW, frames=frames, **given))

    def assert_said(self, found: Finding, state: str, *words: str) -> None:
        """It says this, and tells what to do."""
        self.assertEqual((found.about, found.state), ("cause", state), found)
        for word in words:
            self.assertIn(word, f"{found.said} → {found.advice}")

    def test_waits(self) -> None:
        """It registers and waits for approval."""
        frames = [frame("in", "reg"), frame("out", "reg", result=False, reason="Waiting for approval")]
        told = ("waits for approval", f"terminals approve {SN}")
        self.assert_said(self.found(frames), WRONG, *told)
        pending = terminal(sn=SN, admission="pending", online=False)
        self.assert_said(self.found(terminal=pending), WRONG, *told)

    def test_refused(self) -> None:
        """It registers and is refused, in the words that stand on its screen, with what to do about each."""
        for reason, advice in (
            ("Denied by the server", "approve"),
            ("Not on the allow list", "allowlist"),
            ("Not from this network", "admission.networks"),
            ("Wrong path", "terminals path"),
            ("Serial number in use by another terminal", "main board"),
            ("Server busy, try again later", "store"),
            ("something new", "server's log"),
        ):
            for known in (terminal(sn=SN, online=False), None):
                frames = [frame("in", "reg"), frame("out", "reg", result=False, reason=reason)]
                self.assert_said(self.found(frames, terminal=known), WRONG, f"'{reason}'", advice)

    def test_admitted_since(self) -> None:
        """A refusal before it was admitted is over."""
        frames = [
            frame("out", "reg", result=False, reason="Waiting for approval"),
            frame("out", "reg", result=True),
        ]
        self.assertNotIn("refused", self.found(frames).said)

    def test_twins(self) -> None:
        """Two devices have its number."""
        twins = {"sources": ["192.0.2.7", "192.0.2.8"], "seconds": 60, "until": at(-60)}
        found = self.found(terminal=terminal(sn=SN, twins=twins))
        self.assert_said(found, WRONG, "two devices", "192.0.2.7 and 192.0.2.8")

    def test_unknown(self) -> None:
        """It never came; perhaps it is the one whose handshakes fail."""
        self.assert_said(self.found(terminal=None), WRONG, "has never said here", "Server request = Yes")
        tried = [handshake("192.0.2.9", "it speaks TLS (wss:) to a port without")]
        self.assert_said(self.found(terminal=None, handshakes=tried), WRONG, "192.0.2.9", "it speaks TLS")
        old = [handshake("192.0.2.9", "it speaks TLS", 100_000)]
        self.assert_said(self.found(terminal=None, handshakes=old), WRONG, "has never said here")

    def test_leaves(self) -> None:
        """It comes and leaves after seconds, or is cut off, again and again."""
        away = terminal(sn=SN, online=False)
        frames = [*visit(30, 5, "c1"), *visit(20, 5, "c2")]
        self.assert_said(self.found(frames, terminal=away), WRONG, "leaves again after 5 s, 2 times")
        frames = [*visit(30, 5, "c1"), *visit(20, 5, "c2", "server", "a newer connection")]
        self.assert_said(self.found(frames, terminal=away), WRONG, "cut off after 5 s: a newer connection")
        once = visit(30, 5, "c1")
        self.assert_said(self.found(once, terminal=away), WRONG, "it is offline")

    def test_offline(self) -> None:
        """It is offline; perhaps handshakes from its address fail."""
        away = terminal(sn=SN, online=False, last_frame=at(7200))
        self.assert_said(self.found(terminal=away), WRONG, "offline, heard last 2 hours ago")
        failed = [handshake("192.0.2.7", "plain HTTP"), handshake("192.0.2.1", "x")]
        found = self.found(visit(9000, 1800, "c1"), terminal=away, handshakes=failed)
        self.assert_said(found, WRONG, "its address, 192.0.2.7", "plain HTTP")

    def test_not_kept(self) -> None:
        """It pushes, and is not acknowledged; once it is, that is over."""
        frames = [frame("out", "sendlog", result=True), *[frame("out", "sendlog", result=False)] * 3]
        self.assert_said(self.found(frames), WRONG, "3 of the last 4 batches were refused")
        frames.append(frame("out", "sendlog", result=True))
        self.assertNotIn("refused", self.found(frames).said)

    def test_clock(self) -> None:
        """Its clock is hours off, so its punches stand elsewhere."""
        behind = terminal(sn=SN, clock_offset_ms=-3 * 3_600_000)
        came = [punch(1, received=at(60))]
        self.assert_said(self.found(terminal=behind, punches=came), ATTENTION, "3 h behind", "yesterday")
        ahead = terminal(sn=SN, clock_offset_ms=180_000)
        self.assert_said(self.found(terminal=ahead), ATTENTION, "3 min ahead", "later than they were")
        years = terminal(sn=SN, clock_offset_ms=-86_400_000 * 3000)
        self.assert_said(self.found(terminal=years), ATTENTION, "3000 days behind", "on other days")

    def test_quarantined(self) -> None:
        """All that comes is unreadable."""
        bad = [{"kind": "bad", "why": "no time", "sn": SN}] * 2 + [{"kind": "repeat", "why": "x", "sn": SN}]
        self.assert_said(self.found(quarantined=bad), WRONG, "2 of its records", "quarantine: no time")
        found = self.found(quarantined=bad, punches=[punch(1, received=at(60))])
        self.assert_said(found, OK, "1 record of it", "2 more are in the quarantine")
        self.assertNotIn("quarantine", self.found(quarantined=bad[2:]).said)

    def test_well(self) -> None:
        """Punches come: how many, and the newest."""
        came = [punch(1, received=at(7200)), punch(2, received=at(60)), punch(3, received=at(100_000))]
        found = self.found(punches=came)
        self.assert_said(found, OK, "2 records", "2026-04-02 08:15:00", "1 minute ago")

    def test_silent(self) -> None:
        """It is connected, and dead."""
        found = self.found(terminal=terminal(sn=SN, last_frame=at(3600), last_punch=at(200_000)))
        self.assert_said(found, ATTENTION, "nothing has come", "1 hour ago")

    def test_only_alive(self) -> None:
        """It talks, but of no punches."""
        alive = [frame("in", "reg"), frame("out", "reg", result=True), frame("in", "heartbeat")]
        self.assert_said(self.found(alive), ATTENTION, "only signs of life", "upload off", "backfill")
        users = [*alive, frame("in", "senduser")]
        self.assert_said(self.found(users), ATTENTION, "sends no punches")
        known = [*alive, frame("in", "sendlog"), frame("out", "sendlog", result=True)]
        self.assert_said(self.found(known), ATTENTION, "known here already")

    def test_nothing_wrong(self) -> None:
        """A server that tells nothing but the terminal, as an older one does."""
        found = self.found(terminal=terminal(sn=SN, last_frame=at(2), last_punch=at(3600)))
        self.assert_said(found, OK, "nothing is wrong", "1 hour ago")

    def test_every_refusal_is_known(self) -> None:
        """What terminals are told on their screens has advice here."""
        for reason in (*device._REFUSALS.values(), *device._STRAYS.values()):
            frames = [frame("out", "reg", result=False, reason=reason)]
            self.assertNotIn("server's log", self.found(frames).advice, reason)

    def test_visits(self) -> None:
        """A connection whose beginning is forgotten is no visit."""
        [found] = visits([*visit(30, 5, "c1"), frame("event", "closed", 1, "c0", by="terminal")])
        self.assertEqual((found.lasted, found.by), (timedelta(seconds=5), "terminal"))
