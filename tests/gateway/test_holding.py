"""What connections hold in memory, and who goes when there is too little of it."""

from __future__ import annotations

from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.raw_frames import TEXT, frame, text
from tests.gateway.test_stalls import StallCase
from tfserver.gateway.holding import LEAST_BYTES, cut_largest, unsent_bytes

KILOBYTE = 1024


class Holder:
    """A connection that holds so much."""

    def __init__(self, held_bytes: int, closing: bool = False) -> None:
        self.held_bytes = held_bytes
        self.closing = closing
        self.whys: list[str] = []

    def cut_off(self, why: str) -> None:
        """It is ended."""
        self.whys.append(why)


class CutTests(SynchronousTestCase):
    """Who goes."""

    def cut(self, count: int, *holders: Holder) -> list[bool]:
        """Which of these go when so many bytes are needed."""
        self.freed = cut_largest(holders, count)
        return [bool(holder.whys) for holder in holders]

    def test_largest_first(self) -> None:
        """Those who hold most go, and no more of them than needed."""
        holders = [Holder(size * KILOBYTE) for size in (100, 4000, 50, 3000)]
        self.assertEqual(self.cut(6000 * KILOBYTE, *holders), [False, True, False, True])
        self.assertEqual(self.freed, 7000 * KILOBYTE)

    def test_one_is_enough(self) -> None:
        """Where one is enough only one goes."""
        holders = [Holder(4000 * KILOBYTE), Holder(4000 * KILOBYTE)]
        self.assertEqual(sum(self.cut(1, *holders)), 1)

    def test_nobody_for_little(self) -> None:
        """Those who hold little stay, even if it does not suffice."""
        self.assertEqual(self.cut(1 << 40, Holder(LEAST_BYTES - 1), Holder(LEAST_BYTES)), [False, True])

    def test_gone_already(self) -> None:
        """Those who are being ended are not counted again."""
        self.assertEqual(self.cut(KILOBYTE, Holder(1 << 30, closing=True), Holder(1 << 20)), [False, True])

    def test_why(self) -> None:
        """It is told why."""
        holder = Holder(1 << 20)
        self.cut(1, holder)
        self.assertEqual(holder.whys, ["memory"])


class Socket:
    """A transport of TCP with unsent bytes."""

    dataBuffer = b"x" * 100
    _tempDataLen = 20


class Encrypted:
    """One of TLS over it, with bytes that are not encrypted yet."""

    transport = Socket()
    _appSendBuffer = (b"x" * 3, b"x" * 4)


class UnsentTests(SynchronousTestCase):
    """What waits to be written."""

    def test_plain(self) -> None:
        """What the socket did not take."""
        self.assertEqual(unsent_bytes(Socket()), 120)

    def test_encrypted(self) -> None:
        """Behind TLS both what is encrypted and what is not."""
        self.assertEqual(unsent_bytes(Encrypted()), 127)

    def test_nothing(self) -> None:
        """A transport that tells nothing holds nothing."""
        self.assertEqual(unsent_bytes(object()), 0)


class HeldTests(StallCase):
    """What a connection holds, from the bytes that came to the end."""

    @property
    def held(self) -> int:
        """What the last one holds."""
        return self.made[-1].held_bytes

    def test_unfinished(self) -> None:
        """Bytes of a message that is not whole, in one frame or in many."""
        peer = self.connected()
        self.assertEqual(self.held, 0)
        peer.send(text(b"x" * 100_000)[:90_000])
        self.assertGreater(self.held, 89_000)
        self.assertLess(self.held, 92_000)
        peer = self.connected()
        for _ in range(100):
            peer.send(frame(TEXT if not self.held else 0, b"x" * 500, fin=False))
        self.assertGreater(self.held, 50_000)

    def test_small_pieces(self) -> None:
        """Pieces of a byte weigh more than their bytes."""
        peer = self.connected()
        peer.send(frame(TEXT, b"x", fin=False) + frame(0, b"x", fin=False) * 999)
        self.assertGreater(self.held, 40_000)

    def test_waiting(self) -> None:
        """Messages that wait for the answer to the one before."""
        self.connected()
        self.made[-1].session._waiting_bytes = 5000
        self.assertEqual(self.held, 5000)

    def test_let_go(self) -> None:
        """When memory is short the largest is cut, holds nothing from that moment on, and is counted."""
        self.connected("192.0.2.1").send(text(b"x" * 50_000)[:-1])
        self.connected("192.0.2.2").send(text(b"x" * 500_000)[:-1])
        self.stand.services.pressure.relieve(1000)
        small, large = self.made
        self.assertEqual([small.closing, large.closing], [False, True])
        self.assertEqual(large.held_bytes, 0)
        self.assertEqual(self.cut("memory"), 1)

    def test_nothing_to_let_go(self) -> None:
        """Memory that nobody here holds is told once a minute, not each time it is looked for."""
        told: list[dict[str, Any]] = []
        globalLogPublisher.addObserver(told.append)
        self.addCleanup(globalLogPublisher.removeObserver, told.append)
        for _ in range(3):
            self.stand.services.pressure.relieve(1000)
        self.assertEqual(sum("memory is short" in str(event.get("log_format")) for event in told), 1)

    def test_growth_is_told(self) -> None:
        """Bytes of unfinished messages are told at once to whom watches the memory."""
        grown: list[int] = []
        self.stand.services.pressure.grew = grown.append  # type: ignore[method-assign]
        peer = self.connected()
        data = text(b"x" * 100_000)
        peer.send(data[:60_000])
        peer.send(data[60_000:80_000])
        self.assertEqual(grown, [60_000, 20_000])
        peer.send(data[80_000:])
        self.assertEqual(len(grown), 2)
