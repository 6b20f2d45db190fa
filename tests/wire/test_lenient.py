"""Single values the way firmware writes them (protocol §2.1, §2.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.wire import lenient

JUNK: tuple[Any, ...] = (None, [], [1], {}, {"a": 1}, b"1", object())


class ReaderCase(SynchronousTestCase):
    """Tests of one reader."""

    def reads(self, reader: Callable[[object], Any], expected: dict[Any, Any]) -> None:
        """Each value is read as what stands beside it, and as that type."""
        for value, wanted in expected.items():
            found = reader(value)
            self.assertEqual((found, type(found)), (wanted, type(wanted)), repr(value))

    def refuses(self, reader: Callable[[object], Any], *values: Any) -> None:
        """Each value ends in a ValueError."""
        for value in values:
            self.assertRaises(ValueError, reader, value)


class IntegerTests(ReaderCase):
    """Integers."""

    def test_forms(self) -> None:
        """Numbers, texts with spaces and leading zeros, whole fractions and booleans are integers."""
        self.reads(lenient.integer, {7: 7, "7": 7, " 0017 ": 17, "-5": -5, "+5": 5, "7.0": 7, "1e3": 1000})
        self.reads(lenient.integer, {7.0: 7, -0.0: 0})
        self.assertEqual([lenient.integer(True), lenient.integer(False)], [1, 0])

    def test_range(self) -> None:
        """The ends of 64 bits are read, what lies beyond is refused."""
        self.reads(lenient.integer, {2**63 - 1: 2**63 - 1, str(-(2**63)): -(2**63)})
        self.refuses(lenient.integer, 2**63, -(2**63) - 1, str(2**63), 1e30, 10**5000, "9" * 5000)

    def test_twelve_digits(self) -> None:
        """A person's number of 18 digits, which a float would round, is exact."""
        self.reads(lenient.integer, {"999999999999999999": 999_999_999_999_999_999})

    def test_junk(self) -> None:
        """Everything else is refused, digits of other scripts and Python's own notations too."""
        self.refuses(lenient.integer, "", " ", "-", "+-5", "seven", "7 8", "0x10", "７", "²", "٣", "1_0")
        self.refuses(lenient.integer, 7.5, "7.5", "nan", "inf", "1e400", float("nan"), float("inf"), *JUNK)


class NumberTests(ReaderCase):
    """Fractions and temperatures."""

    def test_forms(self) -> None:
        """Numbers and texts are numbers."""
        self.reads(lenient.number, {36.5: 36.5, "36.5": 36.5, " 36 ": 36.0, 365: 365.0, "-1e-3": -0.001})

    def test_junk(self) -> None:
        """What is no finite number is refused."""
        self.refuses(
            lenient.number, "", "warm", "1_0", "nan", "inf", float("nan"), 1e400, 10**400, True, *JUNK
        )

    def test_temperature_scales(self) -> None:
        """Quirk 24: degrees, tenths and hundredths all become degrees."""
        self.reads(lenient.temperature, {36.5: 36.5, 365: 36.5, 3650: 36.5, "36.5": 36.5, "365": 36.5})
        self.reads(lenient.temperature, {100: 100.0, 1000: 100.0, 101: 10.1, 1001: 10.01, 37: 37.0})

    def test_no_temperature(self) -> None:
        """Quirk 24: zero means that nothing was measured."""
        for value in (0, "0", 0.0, "0.0"):
            self.assertIsNone(lenient.temperature(value))


class TextTests(ReaderCase):
    """Texts."""

    def test_forms(self) -> None:
        """Text stays as it came, numbers become their decimal form."""
        self.reads(
            lenient.text, {" a ": " a ", "": "", 7: "7", -1: "-1", 3120457781.0: "3120457781", 1.5: "1.5"}
        )

    def test_junk(self) -> None:
        """Objects, lists and booleans are no text."""
        self.refuses(lenient.text, True, False, *JUNK)


class BooleanTests(ReaderCase):
    """Booleans."""

    def test_forms(self) -> None:
        """1/0 and the words in any case stand for true and false."""
        self.reads(lenient.boolean, {"TRUE": True, " true": True, "1": True, "False": False, "0": False})
        self.assertEqual(
            [lenient.boolean(value) for value in (True, 1, False, 0, "")], [True] * 2 + [False] * 3
        )

    def test_junk(self) -> None:
        """Other numbers and words are neither."""
        self.refuses(lenient.boolean, 2, -1, "yes", "ok", 0.5, *JUNK)


class ContainerTests(ReaderCase):
    """Objects and lists."""

    def test_forms(self) -> None:
        """An object is an object; a list is a list and one object a list of one."""
        self.assertEqual(lenient.mapping({"a": 1}), {"a": 1})
        self.assertEqual(lenient.sequence([1]), [1])
        self.assertEqual(lenient.sequence({"a": 1}), [{"a": 1}])

    def test_junk(self) -> None:
        """Nothing else is."""
        self.refuses(lenient.mapping, None, [], "x", 1)
        self.refuses(lenient.sequence, None, "x", 1)


class ManyTests(SynchronousTestCase):
    """Any value at all."""

    @settings(derandomize=True, deadline=None, database=None, max_examples=300)
    @given(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))
    )
    def test_nothing_but_value_errors(self, value: Any) -> None:
        """A reader returns its type or raises ValueError, whatever it is given."""
        for kind, reader in lenient.READERS.items():
            try:
                self.assertIs(type(reader(value)), kind)
            except ValueError:
                continue
