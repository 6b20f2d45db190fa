"""What rows say of people, what is wrong with them, and that what is written is read again."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.people.test_tabular import rows_of
from tfserver.people.importing import (
    FIELDS,
    Change,
    Given,
    cell,
    flat,
    head_problems,
    merged,
    news,
    read_row,
)
from tfserver.people.tabular import Row
from tfserver.person import Access, Credential, Known, Made, Person, Validity
from tfserver.store.archive.forms import Form
from tfserver.web.api.people_export import head_of, lines_of

ANA = Person(
    enrollid=7,
    name="Ana",
    external_id="P-1",
    admin=1,
    validity=Validity("2026-01-01", "2026-12-31"),
    access=Access(weekzone=3),
    groups=("day",),
    note="x",
    version=4,
)
TEXTS = st.text(st.sampled_from("ab ='+-@\"\n\r\t;,é＝"), max_size=8)
ZONES = st.integers(0, 255)
PEOPLE = st.builds(
    Person,
    enrollid=st.integers(1, 10**15 - 1).filter(lambda number: number != 99_999_999),
    name=st.text(st.sampled_from("ab='+-@\",;é＝"), max_size=8),
    external_id=st.none() | st.text(st.sampled_from("0ab='+-@\",;"), min_size=1, max_size=8),
    admin=st.integers(0, 2),
    validity=st.sampled_from((Validity(), Validity("2026-01-01", "2026-01-01 08:00:00"))),
    access=st.none() | st.builds(Access, ZONES, ZONES, ZONES, ZONES, ZONES),
    groups=st.sampled_from(((), ("a",), ("-x", "b"))),
    note=TEXTS,
    source=st.just("import"),
)


class RowCase(SynchronousTestCase):
    """One row at a time."""

    def change(self, **values: Any) -> Change:
        """What a right row says."""
        found = read_row(Row(2, {"enrollid": "7", **values}))
        assert isinstance(found, Change), found
        return found

    def wrong(self, **values: Any) -> list[str]:
        """The fields of a wrong one."""
        found = read_row(Row(2, {"enrollid": "7", **values}))
        assert not isinstance(found, Change), found
        self.assertTrue(all(one.message and one.row == 2 for one in found))
        return [one.field for one in found]


class ReadTests(RowCase):
    """What a row says."""

    def test_numbers(self) -> None:
        """A person's number may have zeros before it, be a number or a text, and is always there."""
        for right in (7, "7", " 0007 "):
            self.assertEqual(self.change(enrollid=right).enrollid, 7)
        for said in (None, "", 0, -1, True, 7.0, "7a", "٧", 10**15, 99_999_999, "9" * 40):
            self.assertEqual(self.wrong(enrollid=said), ["enrollid"], said)

    def test_external_id(self) -> None:
        """Other systems' ids are texts: their zeros stay."""
        self.assertEqual(self.change(external_id=" 00042 ").fields, {"external_id": "00042"})
        self.assertEqual(self.change(external_id="").fields, {"external_id": None})
        self.assertEqual(self.wrong(external_id=42), ["external_id"])
        self.assertEqual(self.wrong(external_id="x" * 65), ["external_id"])

    def test_all(self) -> None:
        """All that is wrong is told, by its column."""
        wrong = self.wrong(
            name="x" * 65,
            external_id="a\tb",
            admin="3",
            valid_from="2026-02-30",
            valid_until="soon",
            groups="a b/c",
            weekzone="256",
            lock_group=-1,
            note="x" * 1001,
            card="x",
            password="0123",
            nobody=1,
        )
        expected = "nobody name note external_id valid_from valid_until admin weekzone lock_group groups"
        self.assertEqual(wrong, [*expected.split(), "password", "card"])

    def test_groups(self) -> None:
        """By blanks, semicolons, or as a list."""
        for said in ("a b", "a;b", " a ; b; ", ["a", "b"]):
            self.assertEqual(self.change(groups=said).fields, {"groups": ["a", "b"]}, said)
        self.assertEqual(self.change(groups="").fields, {"groups": []})
        self.assertEqual(self.wrong(groups=[1]), ["groups"])
        self.assertEqual(self.wrong(groups=[f"g{n}" for n in range(21)]), ["groups"])

    def test_credentials(self) -> None:
        """A card and a password from everywhere, templates and photos from JSON; an empty cell is none."""
        self.assertEqual(self.change(card="0001234", password=" 1234 ").credentials[0], Given(10, "1234"))
        self.assertEqual(self.change(card="0001234").credentials, (Given(11, "1234"),))
        self.assertEqual(self.change(card="", password=None).credentials, ())
        told = {"0": {"record": "abc", "fpalgo": "thbio3.0", "model": "M"}, "20": "def"}
        self.assertEqual(
            self.change(credentials=told).credentials,
            (Given(0, "abc", "thbio3.0", "M"), Given(20, "def")),
        )
        self.assertEqual(
            self.wrong(credentials={"14": "x", "50": "no photo"}), ["credentials", "credentials.50"]
        )
        self.assertEqual(self.wrong(card="5", credentials={"11": "6"}), ["credentials.11"])
        strange: tuple[Any, ...] = ([], {"0": {"record": "a", "fpalgo": 1}}, {"0": True})
        for said in strange:
            self.assertEqual(len(self.wrong(credentials=said)), 1, said)

    def test_nothing_told(self) -> None:
        """No message says what stood in a field."""
        secret = "98765secret"
        for column in FIELDS:
            if column in ("name", "note", "external_id", "groups"):
                continue
            found = read_row(Row(2, {"enrollid": 7, column: secret}))
            self.assertNotIn(secret, str(found), column)

    def test_heading(self) -> None:
        """A column that nobody knows is named, unless the file has no heading: then it is no name."""
        self.assertEqual(head_problems(["enrollid", "name", "version"]), [])
        [(field, told)] = head_problems(["enrollid", "shoe_size"])
        self.assertEqual((field, "card" in told), ("shoe_size", True))
        self.assertEqual([field for field, _ in head_problems(["enrollid", "12345678"])], ["column 2"])
        self.assertEqual([field for field, _ in head_problems(["enrollid", "name", "name"])], ["name"])
        found = head_problems(["7", "ana", "12345678"])
        self.assertEqual((len(found), found[0][0]), (1, "enrollid"))
        self.assertNotIn("12345678", str(found))


class MergeTests(RowCase):
    """What a row makes of a person."""

    def merged(self, **values: Any) -> Person:
        """Ana as she is then."""
        person, problems = merged(ANA, self.change(**values))
        self.assertEqual(problems, [])
        return person

    def test_missing_columns(self) -> None:
        """What is not in the file stays."""
        self.assertEqual(self.merged(), ANA)
        self.assertEqual(self.merged(name="Bea"), msgspec.structs.replace(ANA, name="Bea"))
        access = msgspec.structs.replace(ANA, access=Access(weekzone=3, group=2))
        self.assertEqual(self.merged(lock_group="2"), access)
        self.assertEqual(self.merged(valid_from="").validity, Validity(None, "2026-12-31"))

    def test_empty_cells(self) -> None:
        """What is empty is emptied; without any zone those of the groups count."""
        columns = ("name", "external_id", "admin", "valid_from", "valid_until", "groups", "note")
        zones = ("weekzone", "weekzone2", "weekzone3", "weekzone4", "lock_group")
        found = self.merged(**dict.fromkeys((*columns, *zones), ""))
        self.assertEqual(found, Person(enrollid=7, version=4))

    def test_order(self) -> None:
        """The end is compared with the beginning that stays."""
        _, problems = merged(ANA, self.change(valid_until="2025-12-31"))
        self.assertEqual([field for field, _ in problems], ["valid_until"])
        self.assertEqual(self.merged(valid_until="2026-01-01").validity.end, "2026-01-01")

    def test_new(self) -> None:
        """Somebody new came by an import."""
        person, _ = merged(None, self.change(name="Z"))
        self.assertEqual(person, Person(enrollid=7, name="Z", source="import"))

    def test_news(self) -> None:
        """Only credentials that the person does not have are given."""
        known = Known(ANA, (Credential(11, "v5", Made()), Credential(10, "v1", Made())))
        found = news(known, self.change(card="5", password="2"), lambda record: f"v{record}")
        self.assertEqual(found, [Given(10, "2")])
        self.assertEqual(len(news(None, self.change(card="5"), lambda record: record)), 1)


class RoundTripTests(SynchronousTestCase):
    """What is exported can be imported again, and changes nothing."""

    @settings(deadline=None)
    @given(st.lists(PEOPLE, min_size=1, max_size=3), st.sampled_from(Form))
    def test_same(self, people: list[Person], form: Form) -> None:
        """Each person comes back as it was, whatever its texts look like."""
        known = [Known(one, (Credential(11, "v", Made()),)) for one in people]
        rows = rows_of(head_of(form) + lines_of(form, known), form, 7)
        changes = [read_row(row) for row in rows]
        for one, change in zip(people, changes, strict=True):
            assert isinstance(change, Change), change
            self.assertEqual(merged(one, change), (one, []))
            self.assertEqual(merged(None, change), (one, []))

    def test_no_formula(self) -> None:
        """No cell of a spreadsheet is calculated."""
        for text in ("=1", "+1", "-1", "@x", "\t=1", "'=1"):
            self.assertTrue(cell(text).startswith("'"), text)
        self.assertEqual(
            (cell("O'Neil"), cell("'x"), cell(["a", "b"]), cell(None)), ("O'Neil", "'x", "a b", None)
        )

    def test_no_credential(self) -> None:
        """Which credentials somebody has is told, and nothing of what stands in them."""
        told = flat(Known(ANA, (Credential(11, "v", Made()),)))
        self.assertEqual(told["backupnums"], [11])
        self.assertNotIn("v", [*told.values()])
