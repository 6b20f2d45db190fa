"""What is fed with anything, and what always has to hold."""

from __future__ import annotations

import itertools
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tests.gateway import raw_frames
from tests.gateway.raw_peer import WireCase
from tests.web.in_memory import OPERATOR, PagesCase
from tfserver import configfile
from tfserver.config import Settings
from tfserver.errors import ConfigError
from tfserver.wire import codec
from tfserver.wire.codec import Frame
from tfserver.wire.table import table

assert tfserver.commands, "fills the handler table"

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = (ROOT / "tests/wire/samples.jsonl").read_bytes().splitlines()
YAML: Final = (ROOT / "etc/tfserver.yaml").read_bytes()
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_NUMBER: Final = itertools.count()


class Target(Protocol):
    """Something to be fed: ``inputs`` makes what ``check`` takes, which raises for what may not be."""

    name: str
    inputs: st.SearchStrategy[bytes]

    def check(self, case: Any, data: bytes) -> None:
        """Feed it, and look at what came of it; ``case`` has what the test needs."""


def cut(samples: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Samples from which pieces were cut, and into which others were put."""
    bombs = (b"-1e999", b"9" * 5000, b"[" * 5000, b'{"a":' * 3000)
    piece = st.one_of(
        st.binary(max_size=8), st.sampled_from((b"{", b"[", b'"', b"\\u", b"\x00", b"\r\n", b":", *bombs))
    )
    cuts = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), piece), max_size=5)
    return st.builds(_changed, samples, cuts)


def _changed(sample: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, put in cuts:
        at %= len(sample) + 1
        sample = sample[:at] + put + sample[at + length :]
    return sample


class Words:
    """What a terminal says, as text: it is read or it is rubbish, and what is read can be written."""

    name = "wire"
    inputs = st.one_of(st.binary(max_size=400), cut(st.sampled_from(SAMPLES)))

    def check(self, case: SynchronousTestCase, data: bytes) -> None:
        """Decode it, and read it as the request that it says it is."""
        found = codec.decode(data)
        if isinstance(found, Frame):
            case.assertTrue(0 < len(found.word) <= codec.MAX_WORD)
            request, _ = codec.read(table.type_of(found.word), found)
            case.assertIs(type(request), table.type_of(found.word))
            codec.encode_command(found.word, found.fields)
            codec.reply_of(found)


_OPENINGS: Final = st.one_of(
    cut(st.just(raw_frames.handshake())),
    st.builds(
        lambda frames: raw_frames.handshake() + b"".join(frames),
        st.lists(
            st.one_of(
                st.binary(max_size=60),
                st.builds(raw_frames.frame, st.integers(0, 15), st.binary(max_size=200)),
                cut(st.builds(raw_frames.frame, st.just(raw_frames.TEXT), st.sampled_from(SAMPLES))),
            ),
            max_size=6,
        ),
    ),
)


class Frames:
    """Bytes on the terminals' port, in any pieces: frames come back, and nothing of ours breaks."""

    name = "frames"
    inputs = st.one_of(st.binary(max_size=300), _OPENINGS)

    def check(self, case: WireCase, data: bytes) -> None:
        """Say it on a new connection, in pieces that follow from what it is."""
        # from another address each: what one does must not close the door to the next
        peer = case.dial(f"192.0.2.{next(_NUMBER) % 250 + 1}")
        step = 1 + sum(data[:8]) % 400
        for at in range(0, len(data), step):
            if peer.is_closed:
                break
            peer.send(data[at : at + step])
        peer.lose()
        case.assertEqual(case.flushLoggedErrors(), [])


_REQUEST: Final = (
    b"POST /api/v1/terminals/ZX1/commands?wait=0 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\n"
    b"Content-Type: application/json\r\nContent-Length: 30\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n"
    b'{"cmd":"opendoor","doornum":1}'
) % OPERATOR.encode()
_CHUNKED: Final = (
    b"PATCH /api/v1/terminals/ZX1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\n"
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'b\r\n{"name":"a"\r\n1\r\n}\r\n0\r\n\r\n'
) % OPERATOR.encode()
_ASKED: Final = (
    b"GET /api/v1/punches?after=0&limit=10&since=2026-01-01T00:00:00Z&kind=punch HTTP/1.1\r\nHost: a\r\n"
    b"Authorization: Bearer %b\r\nAccept: text/csv\r\nCookie: a=b\r\n\r\n"
) % OPERATOR.encode()


class Requests:
    """Bytes on the people's port: whatever is answered is an answer, and never that we made a mistake."""

    name = "http"
    inputs = st.one_of(st.binary(max_size=200), cut(st.sampled_from((_REQUEST, _CHUNKED, _ASKED))))

    def check(self, case: PagesCase, data: bytes) -> None:
        """Ask, in two pieces that follow from what it is."""
        at = sum(data[:8]) % (len(data) + 1)
        found = case.exchange(data[:at], data[at:])
        if found:
            status = _STATUS.match(found)
            case.assertIsNotNone(status, found[:100])
            case.assertNotIn(b" 500 ", found.partition(b"\r\n")[0])
        case.assertEqual(case.flushLoggedErrors(), [])


class Files:
    """A configuration file: settings come of it, or one line that names the file and what is wrong there."""

    name = "config"
    inputs = st.one_of(st.binary(max_size=200), cut(st.just(YAML)))

    def check(self, case: SynchronousTestCase, data: bytes) -> None:
        """Load it."""
        folder = tempfile.mkdtemp(prefix="tff-")
        path = Path(folder, "settings.yaml")
        try:
            path.write_bytes(data)
            case.assertIsInstance(configfile.load(str(path), {}), Settings)
        except ConfigError as wrong:
            case.assertTrue(str(wrong).startswith(f"{path}: "), str(wrong)[:200])
        finally:
            shutil.rmtree(folder)


TARGETS: Final[dict[str, Callable[[], Target]]] = {
    each.name: each for each in (Words, Frames, Requests, Files)
}
