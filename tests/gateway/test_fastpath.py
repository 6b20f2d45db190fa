"""The short cuts: the same tests without them, and the same answers with them as without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway import (
    test_factory,
    test_forwarded,
    test_holding,
    test_pacing,
    test_stalls,
    test_websocket,
    test_websocket_errors,
    test_websocket_frames,
    test_websocket_handshake,
)
from tests.gateway.raw_frames import frame, handshake
from tests.gateway.raw_peer import ClockTimer, WireCase
from tfserver.config import Fast, Settings
from tfserver.gateway import fastframes, fastopen, fastpath
from tfserver.gateway.factory import TerminalFactory
from tfserver.metrics import Metrics

NONE = Fast(receive=False, send=False, direct=False, handshake=False, lean=False, dispatch=False, plain=False)
MODULES = (
    test_factory,
    test_forwarded,
    test_holding,
    test_pacing,
    test_stalls,
    test_websocket,
    test_websocket_errors,
    test_websocket_frames,
    test_websocket_handshake,
)


def plain_factory(reactor: Any, given: Settings, *rest: Any) -> TerminalFactory:
    """A factory without any short cut."""
    return TerminalFactory(reactor, msgspec.structs.replace(given, fast=NONE), *rest)


def without_shortcuts() -> dict[str, type[WireCase]]:
    """All test classes on raw bytes again, on Autobahn's own path."""
    found = {}
    for module in MODULES:
        for name, case in vars(module).items():
            if isinstance(case, type) and issubclass(case, WireCase) and case.__module__ == module.__name__:
                slow = f"Plain{name}In{module.__name__.rpartition('_')[2].title()}"
                found[slow] = type(slow, (case,), {"factory_maker": staticmethod(plain_factory)})
    return found


globals().update(without_shortcuts())

payloads = st.one_of(st.binary(max_size=130), st.sampled_from([125, 126, 3000, 66_000]).map(b"x".__mul__))
frames = st.builds(
    frame,
    st.sampled_from([1, 1, 2, 9, 10, 0, 3, 8]),
    payloads,
    fin=st.sampled_from([True, True, True, False]),
    rsv=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1]),
    mask=st.sampled_from([b"abcd", b"abcd", b"\x00\x00\x00\x00", b"abcd", b"\xff\x00\xee\x01", None]),
)


class SameTests(WireCase):
    """With and without short cuts, bytes mean the same."""

    def test_all_are_repeated(self) -> None:
        """The plain twins exist: a module that is renamed does not drop out in silence."""
        self.assertGreater(len(without_shortcuts()), 10)

    def test_any_bytes(self) -> None:
        """Whatever frames come in whatever pieces, messages, answers and the end are the same."""

        @settings(max_examples=60, deadline=None, derandomize=True, database=None)
        @given(st.lists(frames, max_size=6), st.integers(1, 5000), st.binary(max_size=6))
        def compare(parts: list[bytes], step: int, junk: bytes) -> None:
            data = b"".join(parts) + junk
            self.assertEqual(self.conversation(TerminalFactory, data, step), self.plain(data, step))

        compare()

    def plain(self, data: bytes, step: int) -> Any:
        """What happens without short cuts."""
        return self.conversation(plain_factory, data, step)

    def conversation(self, make: Callable[..., TerminalFactory], data: bytes, step: int) -> Any:
        """What came of these bytes in pieces of this size: messages, answers, and whether it ended."""
        factory = make(self.clock, Settings(), Metrics(), self.echo)
        factory._batched_timer = ClockTimer(self.clock)
        peer = self.connected(factory=factory)
        for start in range(0, len(data), step):
            peer.send(data[start : start + step])
        return self.links[-1].messages, self.links[-1].heard_times, peer.taken(), peer.is_closed


class SwitchTests(WireCase):
    """Each short cut has a switch, and says when it does not apply."""

    def test_each_alone(self) -> None:
        """Every combination of one short cut switched off makes a class without its mixin."""
        for name, mixin in fastpath._MIXINS.items():
            chosen = msgspec.structs.replace(Fast(), **{name: False})
            if name == "send":
                chosen = msgspec.structs.replace(chosen, direct=False)
            factory = TerminalFactory(self.clock, Settings(fast=chosen), self.metrics, lambda _: None)
            self.assertFalse(issubclass(factory.protocol, mixin), name)
            self.assertNotIn(name, factory.shortcuts)

    def test_other_autobahn(self) -> None:
        """With an Autobahn they were not checked with, none applies, and the reason names it."""
        with mock.patch.object(fastpath.metadata, "version", return_value="27.1.1"):
            self.assertEqual(fastpath.applies(Fast()), ([], "not checked with Autobahn 27.1.1"))


class Torn:
    """A connection whose sending fails."""

    def flush(self) -> None:
        """Fail."""
        raise ZeroDivisionError


class Whole:
    """A connection that sends."""

    def __init__(self) -> None:
        self.is_flushed = False

    def flush(self) -> None:
        """Send."""
        self.is_flushed = True


class TurnTests(WireCase):
    """All answers of a turn are sent at its end."""

    def test_one_mistake(self) -> None:
        """A connection whose sending goes wrong does not keep the others' answers back."""
        turn, whole = fastframes._Turn(), Whole()
        torn: Any = [Torn(), whole]
        turn.waiting = torn
        turn.flush()
        self.assertTrue(whole.is_flushed)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(turn.waiting, [])


class HandshakeTests(SynchronousTestCase):
    """What decides about the short handshake."""

    def test_no_time_without_end(self) -> None:
        """Blanks without end in a header take time in proportion: quadratic, these would take minutes."""
        request = b" HTTP/1.1\r\nHost: a\r\nPragma:" + b" " * 400_000 + b"\x01\r\n\r\n"
        self.assertFalse(fastopen._is_plain.__wrapped__(request))

    def test_balancers_are_quick(self) -> None:
        """What a balancer adds, and what differs between terminals, is no reason to look twice."""
        fastopen._is_plain.cache_clear()
        for n in range(10):
            request = handshake(f"/secret{n}", X_Forwarded_For=f"192.0.2.{n}", X_Forwarded_Proto="http")
            if n % 2:
                request = request.replace(b"X-Forwarded-For", b"x-forwarded-for")
            found = fastopen._opening(request)
            assert found is not None
            self.assertEqual([text.strip() for text in found[1]], [f"192.0.2.{n}"])
            self.assertEqual(found[2], f"/secret{n}")
        self.assertEqual(fastopen._is_plain.cache_info().misses, 1)

    def test_doubled_headers(self) -> None:
        """A header that comes twice is Autobahn's to judge."""
        request = handshake(X_Forwarded_For="192.0.2.7")
        twice = request.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n")
        self.assertIsNotNone(fastopen._opening(request))
        self.assertIsNone(fastopen._opening(twice))
