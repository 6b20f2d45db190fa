"""Every sample of the protocol page, read and written again (protocol §1, §4, §5, appendix A)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
from twisted.trial.unittest import SynchronousTestCase

import tfserver.commands
from tfserver.wire import codec
from tfserver.wire.codec import Frame
from tfserver.wire.message import Response
from tfserver.wire.session import Ask, Send, Session
from tfserver.wire.table import table

assert tfserver.commands, "fills the handler table"

SAMPLES: Final = 105
FROM_TERMINALS: Final = frozenset({"reg", "sendlog", "senduser", "sendqrcode", "sendpin"})
"""The words whose samples with ``cmd`` are a terminal's requests; all other ``cmd`` are our commands."""
_LINES: Final = Path(__file__).with_name("samples.jsonl").read_text(encoding="utf-8").splitlines()


def samples() -> list[dict[str, Any]]:
    """All samples as any JSON reader sees them."""
    return [json.loads(line) for line in _LINES]


class SampleTests(SynchronousTestCase):
    """The page's own words."""

    def test_all_are_here(self) -> None:
        """No sample was lost, and none stands here twice."""
        self.assertEqual(len(_LINES), SAMPLES)
        self.assertEqual(len(set(_LINES)), SAMPLES)

    def test_both_directions(self) -> None:
        """There are requests, responses, commands and replies among them."""
        found = samples()
        asked = [sample for sample in found if "cmd" in sample]
        ours = [sample for sample in asked if sample["cmd"] not in FROM_TERMINALS]
        self.assertEqual(len(asked) - len(ours), 5)
        self.assertGreaterEqual(len(ours), 40)
        self.assertGreaterEqual(len(found) - len(asked), 45)

    def test_read(self) -> None:
        """Each is read as it stands: its word, whether it asks, every field, nothing mended."""
        for line, sample in zip(_LINES, samples(), strict=True):
            frame = codec.decode(line.encode())
            word = sample.get("cmd") or sample["ret"]
            self.assertEqual(frame, Frame(word, "cmd" in sample, sample), line)

    def test_commands_written(self) -> None:
        """Each command is written as the page writes it, down to the order of its keys."""
        for line, sample in zip(_LINES, samples(), strict=True):
            if "cmd" in sample and sample["cmd"] not in FROM_TERMINALS:
                fields = {key: value for key, value in sample.items() if key != "cmd"}
                self.assertEqual(codec.encode_command(sample["cmd"], fields).decode(), line)

    def test_responses_written(self) -> None:
        """Each answer is written to equal JSON, ``ret`` and ``result`` first."""
        for sample in samples():
            if "ret" in sample and "result" in sample:
                written = codec.encode_response(sample["ret"], *_response_of(sample))
                self.assertEqual(json.loads(written), sample)
                self.assertEqual(list(json.loads(written))[:2], ["ret", "result"])

    def test_replies_read(self) -> None:
        """Each reply tells its word, whether it succeeded, and everything else it brought."""
        for line, sample in zip(_LINES, samples(), strict=True):
            if "ret" in sample:
                frame = codec.decode(line.encode())
                assert isinstance(frame, Frame)
                reply = codec.reply_of(frame)
                rest = {key: value for key, value in sample.items() if key not in ("ret", "result")}
                self.assertEqual((reply.ret, reply.result), (sample["ret"], sample.get("result", True)))
                self.assertEqual(reply.fields, rest)
                again = {"ret": reply.ret, "result": reply.result, **reply.fields}
                self.assertEqual(again, {"result": True, **sample})


class RequestSampleTests(SynchronousTestCase):
    """What the page's terminals ask."""

    def _requests(self) -> list[tuple[dict[str, Any], Frame]]:
        asked = [sample for sample in samples() if sample.get("cmd") in FROM_TERMINALS]
        frames = [codec.decode(msgspec.json.encode(sample)) for sample in asked]
        return list(zip(asked, frames, strict=True))  # type: ignore[arg-type]

    def test_classes_read_them(self) -> None:
        """Each request with a class is read without an unreadable field, and nothing of it is lost."""
        for sample, frame in self._requests():
            request, unreadable = codec.read(table.type_of(frame.word), frame)
            self.assertEqual(unreadable, ())
            found = {**msgspec.structs.asdict(request), **request.rest}
            for key in sample.keys() - {"cmd"}:
                self.assertEqual(found[key], sample[key], key)

    def test_answered(self) -> None:
        """On a registered connection each request is asked of its handler or answered at once."""
        for _, frame in self._requests():
            if frame.word != "reg":
                session = registered(frame.fields["sn"])
                tells = session.receive(msgspec.json.encode(frame.fields), 1.0)
                self.assertEqual([type(tell) for tell in tells], [Send if frame.word == "sendpin" else Ask])


def registered(sn: str) -> Session:
    """A session that was just admitted under a serial number."""
    session = Session(table, 0.0)
    session.receive(msgspec.json.encode({"cmd": "reg", "sn": sn}), 0.0)
    session.answer(Response(), 0.0, None)
    return session


def _response_of(sample: dict[str, Any]) -> tuple[Response, dict[str, Any], str | None]:
    """The parts from which encode_response has to make this sample."""
    fields = {key: value for key, value in sample.items() if key not in ("ret", "result", "reason")}
    if not sample["result"]:
        return Response(False, sample.get("reason", 1), fields), {}, None
    cloudtime = fields.pop("cloudtime", None)
    echo = {key: fields.pop(key) for key in ("count", "logindex") if key in fields}
    return Response(fields=fields), echo, cloudtime
