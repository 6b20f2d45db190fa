"""Whatever a terminal says in whatever order: what always holds of a conversation."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.conversation import SN, Conversation
from tests.wire.exchanging import asking
from tfserver.wire import codec
from tfserver.wire.exchange import Finished
from tfserver.wire.message import Response
from tfserver.wire.session import Ask, Close, Hold, Resume, Send, State, Tell

WORDS = ("reg", "sendlog", "senduser", "sendqrcode", "heartbeat", "sendpin", "otacheck", "dance", " reg ")
NUMBERS = (None, SN, SN, SN.lower(), f" {SN}", "OTHER1", "no number")


class Terminal(RuleBasedStateMachine):
    """A terminal that says anything, and a handler that answers when it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.conversation = Conversation(waiting_frames=4, waiting_bytes=600, bad_frames=5)
        self.owed: list[str] = []
        """The words of requests that wait for their answer, in the order they came."""
        self.asking: Ask | bytes | None = None
        """The request that is being answered."""
        self.short: bytes | None = None
        """The one that goes the short way; it may outlive the connection."""
        self.admitted_once = False
        self.held = False
        self.lost = False
        self.is_ordered = False
        """Whether a command is in flight."""

    @initialize(admitted=st.booleans())
    def begin(self, admitted: bool) -> None:
        """Some conversations begin with an admitted terminal: more can happen there."""
        if admitted:
            self.request("reg", SN, 0)
            self.answer(True)

    @rule(word=st.sampled_from(WORDS), sn=st.sampled_from(NUMBERS), size=st.integers(0, 300))
    def request(self, word: str, sn: str | None, size: int) -> None:
        """A request."""
        self._says({"cmd": word, "sn": sn, "filler": "x" * size}, word)

    @rule(sn=st.sampled_from(NUMBERS))
    def plain_log(self, sn: str | None) -> None:
        """A batch as the documents have it, which may go the short way."""
        message = {"cmd": "sendlog", **({} if sn is None else {"sn": sn}), "record": []}
        payload = json.dumps(message, separators=(",", ":")).encode()
        if self.conversation.session.take_plain(payload) is None:
            self._says(payload, "sendlog")
            return
        assert self.asking is None and not self.owed and self.admitted_once and not self.lost
        self.owed.append("sendlog")
        self.asking = self.short = payload

    @precondition(lambda self: self.short is not None)
    @rule(is_odd=st.booleans())
    def short_way_ends(self, is_odd: bool) -> None:
        """What went the short way is answered there, or goes the common way after all."""
        payload, self.short, self.asking = self.short, None, None
        session = self.conversation.session
        assert payload is not None
        if is_odd:
            self._told(session.leave_plain(payload))
            assert self.lost or self.asking is not None, "it is asked before all that waits"
            return
        tells = session.served()
        if self.lost:
            assert not tells
            return
        self._sent({"ret": "sendlog", "result": True})
        self._told(tells)

    @rule(word=st.text(max_size=70), more=st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
    def odd_request(self, word: str, more: dict[str, Any]) -> None:
        """A request with any word and any keys."""
        message = json.dumps({**more, "cmd": word})
        frame = codec.decode(message.encode())
        self._says({**more, "cmd": word}, frame.word if isinstance(frame, codec.Frame) else None)

    @precondition(lambda self: self.conversation.session.is_free)
    @rule(word=st.sampled_from(("opendoor", "gettime")))
    def order(self, word: str) -> None:
        """A command is given."""
        assert not self.is_ordered and not self.lost and self.admitted_once
        self.is_ordered = True
        self._told(self.conversation.session.submit(asking(word), self.conversation.now))

    @rule(seconds=st.floats(0, 30))
    def command_takes(self, seconds: float) -> None:
        """Time passes for the command in flight."""
        self.conversation.now += seconds
        self._told(self.conversation.session.tick_command(self.conversation.now))

    @rule(
        payload=st.sampled_from((b'{"ret":"opendoor","result":true}', b"v\x00", b"{,}", b"\xff" * 40, b"[1]"))
    )
    def no_request(self, payload: bytes) -> None:
        """Something that asks nothing."""
        self._told(self.conversation.says(payload))

    @precondition(lambda self: self.short is None)
    @rule(result=st.booleans())
    def answer(self, result: bool) -> None:
        """The handler answers, also when nobody asked."""
        asked = self.asking
        assert not isinstance(asked, bytes)
        self.asking = None
        if asked is not None and asked.request.word() == "reg" and result and not self.lost:
            self.admitted_once = True
        tells = self.conversation.answer(Response(result))
        if asked is None or self.lost:
            assert tells == []
        self._told(tells)

    @rule(seconds=st.floats(0, 100))
    def time_passes(self, seconds: float) -> None:
        """The clock goes on; that never answers anything."""
        tells = self.conversation.at(self.conversation.now + seconds)
        assert all(isinstance(tell, Close) for tell in tells)

    @precondition(lambda self: not self.lost)
    @rule(chance=st.integers(0, 9))
    def connection_is_lost(self, chance: int) -> None:
        """The connection may be lost at any time."""
        if chance == 9:
            if self.conversation.session.is_free:
                self.order("opendoor")
            self._told(self.conversation.session.lost())
            assert not self.is_ordered, "a lost command is told"
            self.lost, self.asking, self.owed = True, None, []

    def _says(self, message: dict[str, Any] | bytes, word: str | None) -> None:
        if word is not None and not self.lost:
            self.owed.append(word.strip())
        self._told(self.conversation.says(message))

    def _told(self, tells: list[Tell]) -> None:
        assert not (self.lost and tells)
        for tell in tells:
            if isinstance(tell, Send):
                self._sent(json.loads(tell.payload))
            elif isinstance(tell, Ask):
                assert self.asking is None, "two questions at once"
                assert tell.request.word() == self.owed[0]
                self.asking = tell
            elif isinstance(tell, Finished):
                assert self.is_ordered, "one end each"
                self.is_ordered = False
            elif isinstance(tell, Hold | Resume):
                assert self.held is isinstance(tell, Resume)
                self.held = isinstance(tell, Hold)

    def _sent(self, message: dict[str, Any]) -> None:
        assert message["ret"] == self.owed.pop(0), "each request is answered once, in its turn"
        if message["result"]:
            assert self.admitted_once, "nothing is answered true before a reg was"

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What is owed waits behind a question, and without a question nothing is owed."""
        assert bool(self.owed) is (self.asking is not None)

    @invariant()
    def states_fit(self) -> None:
        """A lost conversation is closed, and a number belongs to an admitted terminal."""
        conversation = self.conversation
        assert (conversation.state is State.CLOSED) is self.lost
        assert bool(conversation.session.sn) <= self.admitted_once


class SessionPropertyTests(SynchronousTestCase):
    """The machine above, many times."""

    def test_any_conversation(self) -> None:
        """One answer to each request, in its turn; one question at a time; none true before ``reg``."""
        bounds = settings(
            derandomize=True, deadline=None, database=None, max_examples=100, stateful_step_count=40
        )
        run_state_machine_as_test(Terminal, settings=bounds)
