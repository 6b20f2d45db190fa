"""A punch as JSON and as a row."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.store.archive.archives import punch
from tfserver.store.archive.rows import Place, Unreadable, body_of, place_of, row_of
from tfserver.store.archive.tables import COLUMNS

PLACE = Place(1_775_000_000_000, 3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from([*punch(1), "direction", "repeat_of", "newer"]), JSON, max_size=4)


class ThereAndBackTests(SynchronousTestCase):
    """What is archived says the same when it comes back."""

    def back(self, told: dict[str, Any]) -> Any:
        """The JSON of a punch after it was a row."""
        row = row_of(PLACE, json.dumps(told))
        self.assertEqual(len(row), len(COLUMNS))
        self.assertEqual(row[:2], PLACE)
        return json.loads(body_of(row))

    @given(CHANGES)
    @settings(max_examples=500, deadline=None)
    def test_any(self, changes: dict[str, Any]) -> None:
        """Whatever stands in a punch that has a uid and a sn comes back, also what no column can hold."""
        told = {**punch(1), **changes}
        told["uid"], told["sn"] = "ab" * 16, "T1"
        self.assertEqual(self.back(told), told)

    def test_plain(self) -> None:
        """An ordinary punch stands in the columns alone, and comes back letter by letter."""
        told = msgspec.json.encode(punch(1, extra={"a": [1, 2.50]}, temp=36.5)).decode()
        row = row_of(PLACE, told)
        self.assertIsNone(row[COLUMNS.index("body")])
        self.assertEqual(body_of(row), told)

    def test_marks(self) -> None:
        """Direction and repeat are columns, absent when nothing is known of them."""
        self.assertNotIn("direction", self.back(punch(1)))
        told = punch(1, direction="in", repeat_of="cd" * 16)
        row = row_of(PLACE, json.dumps(told))
        self.assertEqual(
            [row[COLUMNS.index(n)] for n in ("direction", "repeat_of", "body")], ["in", "cd" * 16, None]
        )
        self.assertEqual(self.back(told), told)

    def test_serial_number(self) -> None:
        """The column has the serial number as terminals are looked up by it, the JSON as it was told."""
        row = row_of(PLACE, json.dumps(punch(1, sn=" zx1")))
        self.assertEqual(row[COLUMNS.index("sn")], "ZX1")
        self.assertEqual(json.loads(body_of(row))["sn"], " zx1")

    def test_found_all_the_same(self) -> None:
        """What fits stands in its column although something else does not."""
        row = row_of(PLACE, json.dumps(punch(1, mode=2**80, verify="a\0b", newer=1)))
        named = dict(zip(COLUMNS, row, strict=True))
        self.assertEqual((named["mode"], named["verify"], named["enrollid"]), (None, None, 5))
        self.assertEqual(named["utc"], "2026-04-01T00:00:01.000Z")

    def test_unreadable(self) -> None:
        """No JSON, no object, no uid, no sn: that is no punch."""
        for text in ("", "{", "[]", "7", "{}", '{"uid":"a"}', '{"sn":"a"}', '{"uid":7,"sn":"a"}'):
            self.assertRaises(Unreadable, row_of, PLACE, text)

    def test_places(self) -> None:
        """Places compare as punches arrived."""
        self.assertLess(place_of("9-5"), place_of("10-2"))
        self.assertLess(place_of("10-2"), place_of("10-10"))
        self.assertEqual((place_of("0"), str(place_of("5-6"))), (Place(0, 0), "5-6"))
        self.assertLess(place_of("9" * 19 + "-" + "9" * 19).seq, 2**63)
