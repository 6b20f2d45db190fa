"""What the databases write of punches themselves is what we would write."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.store.archive.archives import BASE_MS, ArchiveCase, PostgresCase, punch
from tfserver.store.archive import engine, finding, writing
from tfserver.store.archive.filter import EVERYTHING
from tfserver.store.archive.forms import FORMULA, HEADINGS, Form, head_of, lines_of
from tfserver.store.archive.rows import Entry, Place, place_of, row_of
from tfserver.store.archive.schema import prepare
from tfserver.store.archive.tables import PUNCHES

END = Place(2**62, 0)
LETTERS = st.sampled_from(list("=+-@\t\r\n＝＋－＠'\",;[]^%:{}\\/\x01\x7f aéİ名\U0001f550"))
# a NUL is for the tests of rows: it makes a punch odd
PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS | PLAIN, max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
TEMPERATURES = st.none() | st.sampled_from([36.6, 36.0, -0.5, 0.0, 36.599999999999994])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "site": TEXTS,
    "external_id": st.none() | TEXTS,
    "device_time": TEXTS,
    "time": st.none() | TEXTS,
    "verify": st.none() | TEXTS,
    "enrollid": NUMBERS,
    "offset_ms": st.none() | NUMBERS,
    "temp": TEMPERATURES,
    "extra": st.dictionaries(TEXTS, JSON, max_size=3),
}
BESIDE = {"direction": st.sampled_from(["in", "out"]), "repeat_of": TEXTS}
ORDINARY = st.fixed_dictionaries(FIELDS, optional=BESIDE)
"""What has a place of its own in the columns."""
ANY = st.fixed_dictionaries(
    {**FIELDS, "temp": TEMPERATURES | st.floats(allow_nan=False, allow_infinity=False), "extra": JSON},
    optional={**BESIDE, "newer": JSON, "mode": st.just(2**70)},
)


class Lines:
    """In either database."""

    def connection(self: Any) -> sa.Connection:
        """One that is let go at the end of the test."""
        made = engine.writing(engine.read_url(self.url, ""), 20)
        self.addCleanup(made.dispose)
        connection = made.connect()
        self.addCleanup(connection.close)
        with connection.begin():
            prepare(connection)
        return connection

    def told(self, connection: sa.Connection, entries: list[Entry], form: Form) -> str:
        """What the database writes of these and nothing else."""
        with connection.begin():
            connection.execute(sa.delete(PUNCHES))
            writing.insert(connection, [row_of(place_of(place), text) for place, text in entries])
            made = finding.chunk(connection, Place(0, 0), END, len(entries) + 1, EVERYTHING, form)
        return made.data.decode()

    def test_ordinary(self: Any) -> None:
        """Whatever the columns can hold, one punch at a time: so the database writes it itself."""
        self.check(ORDINARY, 1)

    def test_any(self: Any) -> None:
        """Whatever stands in punches, several at a time."""
        self.check(ANY, 4)

    def check(self: Any, punches: st.SearchStrategy[dict[str, Any]], most: int) -> None:
        """JSON says what the punches say; CSV gives their texts back, and has no formula."""
        connection = self.connection()

        @settings(derandomize=True, max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(punches, min_size=1, max_size=most))
        def check(told: list[dict[str, Any]]) -> None:
            """One batch."""
            rows = [punch(number, **more) for number, more in enumerate(told)]
            entries = [
                (f"{BASE_MS + n}-{n}", msgspec.json.encode(row).decode()) for n, row in enumerate(rows)
            ]
            wanted = [{"id": place, **json.loads(text)} for place, text in entries]
            lines = self.told(connection, entries, Form.NDJSON).split("\n")
            self.assertEqual([json.loads(line) for line in lines[:-1]], wanted)
            self.assertEqual(lines[-1], "")
            text = self.told(connection, entries, Form.CSV)
            cells = list(csv.reader(io.StringIO(text, newline="")))
            ours = csv.reader(io.StringIO(lines_of(Form.CSV, entries).decode(), newline=""))
            for found, expected, row in zip(cells, ours, wanted, strict=True):
                self.assert_cells(dict(zip(HEADINGS, found, strict=True)), row)
                self.assertEqual(self.numbered(found), self.numbered(expected))

        check()

    def numbered(self, cells: list[str]) -> list[Any]:
        """A row of cells, with its temperature as a number: there are several ways to write one."""
        at = HEADINGS.index("temp")
        return [*cells[:at], float(cells[at]) if cells[at] else None, *cells[at + 1 :]]

    def assert_cells(self: Any, found: dict[str, str], row: dict[str, Any]) -> None:
        """The cells say what the row says, and none of its texts is a formula."""
        for name in ("site", "external_id", "device_time", "time", "verify", "direction", "repeat_of", "sn"):
            self.assertFalse(found[name].startswith(tuple(FORMULA)), found[name])
            value = row.get(name) or ""
            self.assertEqual(found[name], f"'{value}" if value.startswith(tuple(FORMULA)) else value)
        self.assertEqual(found["enrollid"], str(row["enrollid"]))
        self.assertEqual((found["utc"], found["received"]), (row["utc"], row["received"]))
        if isinstance(row["extra"], dict):
            self.assertEqual(json.loads(found["extra"] or "{}"), row["extra"])

    def test_order(self: Any) -> None:
        """Lines come in the order of arrival, in chunks that end where they say."""
        connection = self.connection()
        numbers = list(range(50))
        entries = [(f"{BASE_MS + n // 7}-{n % 7}", json.dumps(punch(n))) for n in numbers]
        self.told(connection, entries[::-1], Form.CSV)
        with connection.begin():
            for count in (1, 3, 7, 49, 50, 51):
                after, found = Place(0, 0), b""
                while after < END:
                    made = finding.chunk(connection, after, END, count, EVERYTHING, Form.CSV)
                    self.assertEqual(made.rows, made.data.count(b"\r\n"))
                    after, found = place_of(made.reached), found + made.data
                self.assertEqual(found, lines_of(Form.CSV, entries), count)

    def test_upto(self: Any) -> None:
        """Nothing behind the end comes."""
        connection = self.connection()
        entries = [(f"{BASE_MS}-{n}", json.dumps(punch(n))) for n in range(5)]
        self.told(connection, entries, Form.CSV)
        with connection.begin():
            made = finding.chunk(connection, Place(BASE_MS, 0), Place(BASE_MS, 3), 10, EVERYTHING, Form.CSV)
        self.assertEqual(made.data, lines_of(Form.CSV, entries[1:4]))

    def test_odd_only_where_needed(self: Any) -> None:
        """Plain punches never come to Python one by one."""
        connection = self.connection()
        self.patch(finding, "lines_of", lambda form, entries: b"by hand")
        plain = [(f"{BASE_MS}-{n}", json.dumps(punch(n, temp=36.6, extra={"a": "b"}))) for n in range(3)]
        self.assertNotIn("by hand", self.told(connection, plain, Form.CSV))
        self.assertNotIn("by hand", self.told(connection, plain, Form.NDJSON))
        odd = (f"{BASE_MS}-9", json.dumps(punch(9, newer=1)))
        self.assertEqual(self.told(connection, [*plain, odd], Form.CSV), "by hand")


class SqliteTests(Lines, ArchiveCase):
    """In a file."""


class PostgresTests(Lines, PostgresCase):
    """In PostgreSQL."""


class HeadTests(ArchiveCase):
    """What stands above."""

    def test_head(self) -> None:
        """CSV has its columns, NDJSON nothing."""
        self.assertEqual(head_of(Form.CSV).decode().strip().split(","), list(HEADINGS))
        self.assertEqual(head_of(Form.NDJSON), b"")
