"""The feed as CSV and as lines of JSON."""

from __future__ import annotations

import csv
import io
import json

from tests.web.in_memory import Answer, Feed, PagesCase, joined
from tests.web.samples import SN, a_row
from tfserver.model import Punch

PATH = "/api/v1/punches"
CSV, NDJSON = "text/csv", "application/x-ndjson"


def text_of(answer: Answer) -> str:
    """The body of an answer, which comes in chunks where its length was not known."""
    body = answer.raw.partition(b"\r\n\r\n")[2]
    return (joined(body) if answer.headers.get("transfer-encoding") == "chunked" else body).decode()


class AcceptTests(PagesCase):
    """Which format comes."""

    def media(self, accept: str) -> str:
        """What comes for this header."""
        answer = self.get(PATH, Accept=accept)
        self.assertEqual(answer.status, 200, answer.raw)
        return answer.headers["content-type"].partition(";")[0]

    def test_liked_best(self) -> None:
        """The format that is liked best comes, JSON when it does not matter."""
        for accept, media in (
            ("", "application/json"),
            ("*/*", "application/json"),
            (CSV, CSV),
            ("TEXT/CSV; charset=utf-8", CSV),
            ("text/*", CSV),
            (NDJSON, NDJSON),
            ("text/html, application/xhtml+xml, */*;q=0.8", "application/json"),
            ("application/json;q=0.5, text/csv", CSV),
            ("text/csv;q=0.5, application/json;q=0.4", CSV),
            ("application/json;q=0, */*", CSV),
            ("*/*;q=0.1, application/x-ndjson;q=0.2", NDJSON),
        ):
            self.assertEqual(self.media(accept), media, accept)

    def test_not_acceptable(self) -> None:
        """What there is not is 406; elsewhere everything is JSON, whatever is liked."""
        for accept in ("text/html", "application/xml;q=1", "text/csv;q=0", "text/csv;q=x"):
            self.assert_problem(self.get(PATH, Accept=accept), 406)
        self.assertEqual(self.get("/api/v1/terminals", Accept="text/html").status, 200)


class CsvTests(PagesCase):
    """Rows for spreadsheets."""

    def rows(self, answer: Answer) -> list[dict[str, str]]:
        """What a reader of CSV finds."""
        text = text_of(answer)
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_rows(self) -> None:
        """Each punch is a row, with a column for each of its fields and its place."""
        self.feed = Feed(a_row(offset_ms=-1500, temp=36.6, external_id=None, extra={"note": "a,b"}), a_row())
        first, second = self.rows(self.get(PATH, Accept=CSV))
        self.assertEqual(list(first), ["id", *Punch.__struct_fields__])
        self.assertEqual((first["id"], first["sn"], first["enrollid"]), ("1-0", SN, "17"))
        self.assertEqual((first["offset_ms"], first["temp"], first["external_id"]), ("-1500", "36.6", ""))
        self.assertEqual(json.loads(first["extra"]), {"note": "a,b"})
        self.assertEqual((second["id"], second["extra"]), ("2-0", ""))

    def test_formulas(self) -> None:
        """A text that a spreadsheet would calculate is told as text."""
        for text in ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1"):
            self.feed = Feed(a_row(device_time=text, verify=f"a{text}"))
            [row] = self.rows(self.get(PATH, Accept=CSV))
            self.assertEqual((row["device_time"], row["verify"]), (f"'{text}", f"a{text}"))

    def test_strange_texts(self) -> None:
        """Quotes, commas, line ends and all scripts survive."""
        text = 'a "b", c\nd\r\ne; Zoë 名'
        self.feed = Feed(a_row(device_time=text))
        self.assertEqual(self.rows(self.get(PATH, Accept=CSV))[0]["device_time"], text)

    def test_empty(self) -> None:
        """Without punches the columns stand alone."""
        answer = self.get(PATH, Accept=CSV)
        self.assertEqual(self.rows(answer), [])
        self.assertIn(b"id,uid,sn,", answer.raw)


class NdjsonTests(PagesCase):
    """A row a line."""

    def test_lines(self) -> None:
        """Each line is one punch, as it stands in a page."""
        self.feed = Feed(a_row(device_time="a\nb"), a_row(kind="door"))
        page = self.get(PATH).body["punches"]
        body = text_of(self.get(PATH, Accept=NDJSON))
        self.assertEqual([json.loads(line) for line in body.splitlines()], page)
        self.assertTrue(body.endswith("\n"))

    def test_empty(self) -> None:
        """Without punches there is no line."""
        self.assertEqual(text_of(self.get(PATH, Accept=NDJSON)), "")


class LinkTests(PagesCase):
    """How to go on where there is no ``next``."""

    def test_next(self) -> None:
        """The header ``Link`` has the next page, with the same filters."""
        self.feed = Feed(*(a_row(enrollid=n % 2) for n in range(10)))
        for media in (CSV, NDJSON):
            answer = self.get(f"{PATH}?enrollid=1&limit=2&since=2026-04-02T00:00:00%2B01:00", Accept=media)
            target, _, rest = answer.headers["link"].partition(">")
            self.assertEqual(rest, '; rel="next"')
            page = self.get(target.removeprefix("<")).body
            self.assertEqual([punch["id"] for punch in page["punches"]], ["6-0", "8-0"])
