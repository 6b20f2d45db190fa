"""``/terminals/{sn}/frames`` and ``/handshakes``: what processes remember, as people see it."""

from __future__ import annotations

from typing import Any

from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, PagesCase
from tfserver.model import Admission, Terminal
from tfserver.store.inquiries import Found

SN = "ZXDM26010042"


def frame(at: str, word: str = "reg", **more: Any) -> dict[str, Any]:
    """A message as a process tells it."""
    told = {"direction": "in", "size": 9, "result": None, "content": {}, "connection": "c", "address": "a"}
    return {"at": at, "word": word, **told, "process": "one", **more}


class FramesTests(PagesCase):
    """What of it is shown to whom."""

    def setUp(self) -> None:
        super().setUp()
        self.with_terminals(Terminal(SN, site="north", admission=Admission.APPROVED))

    def test_in_order(self) -> None:
        """Messages of several processes come in the order in which they were said."""
        rows = [frame("2026-04-02T08:00:02Z"), frame("2026-04-02T08:00:01Z", process="two", later="unknown")]
        self.inquiries.given["ask"] = Found(rows, False)
        answer = self.ask("GET", f"/api/v1/terminals/{SN}/frames", b"", OPERATOR)
        self.assertEqual((answer.status, answer.body["whole"]), (200, False))
        self.assertEqual([row["process"] for row in answer.body["frames"]], ["two", "one"])
        self.assertEqual(self.inquiries.asked("ask"), [("frames", SN)])

    def test_whose(self) -> None:
        """An operator may ask, for terminals of his sites; a reader may not."""
        for token, sn, status in (
            (READER, SN, 403),
            (BOUND, SN, 200),
            (BOUND, "ELSEWHERE", 404),
            (ADMIN, "NOBODY", 404),
        ):
            answer = self.ask("GET", f"/api/v1/terminals/{sn}/frames", b"", token)
            self.assertEqual(answer.status, status, (token, sn))

    def test_refused_before_it_was_known(self) -> None:
        """Of a terminal that never was admitted is told what it said."""
        self.inquiries.given["ask"] = Found([frame("2026-04-02T08:00:02Z")], True)
        self.assertEqual(self.ask("GET", "/api/v1/terminals/NOBODY/frames", b"", ADMIN).status, 200)

    def test_handshakes(self) -> None:
        """Failed handshakes have no site: only who sees all sites sees them."""
        row = {"address": "a", "why": "w", "times": 2, "first": "1", "process": "one"}
        self.inquiries.given["ask"] = Found([{**row, "last": "1"}, {**row, "last": "2"}], True)
        answer = self.ask("GET", "/api/v1/handshakes", b"", OPERATOR)
        self.assertEqual([row["last"] for row in answer.body["handshakes"]], ["2", "1"])
        self.assertEqual(self.ask("GET", "/api/v1/handshakes", b"", BOUND).status, 403)
