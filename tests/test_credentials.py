"""The table of ``backupnum`` (protocol §3.1)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver import credentials
from tfserver.credentials import Content, Kind

DEFINED = {
    **{n: (f"fingerprint {n}", Kind.FINGERPRINT, Content.TEMPLATE) for n in range(10)},
    10: ("password", Kind.PASSWORD, Content.NUMBER),
    11: ("card", Kind.CARD, Content.NUMBER),
    **{n: (f"face template {n - 20}", Kind.FACE, Content.TEMPLATE) for n in range(20, 28)},
    **{n: (f"palm template {n - 30}", Kind.PALM, Content.TEMPLATE) for n in range(30, 38)},
    **{n: (f"palm vein {n - 40}", Kind.PALM, Content.TEMPLATE) for n in (40, 41)},
    50: ("photo", Kind.FACE, Content.PHOTO),
    51: ("face feature", Kind.FACE, Content.TEMPLATE),
}
"""Every slot that protocol §3.1 defines, written out."""


class TableTests(SynchronousTestCase):
    """Slots."""

    def test_defined(self) -> None:
        """Each defined slot has its name, its capacity and its content."""
        for backupnum, (label, kind, content) in DEFINED.items():
            slots = credentials.slots_of(backupnum)
            assert slots is not None
            found = (credentials.label_of(backupnum), credentials.kind_of(backupnum), slots.content)
            self.assertEqual(found, (label, kind, content))

    def test_undefined(self) -> None:
        """Every other number is kept as it is: 12 and 13 too, which name no credential."""
        for backupnum in set(range(-3, 120)) - DEFINED.keys():
            self.assertIsNone(credentials.slots_of(backupnum))
            self.assertEqual(credentials.label_of(backupnum), f"backupnum {backupnum}")
            self.assertEqual(credentials.kind_of(backupnum), Kind.UNKNOWN)
            self.assertIsNone(credentials.problem_with(backupnum, "anything ü"))

    def test_names(self) -> None:
        """The numbers that have names of their own are those of the page."""
        found = (credentials.PASSWORD, credentials.CARD, credentials.PHOTO)
        self.assertEqual(found, (10, 11, 50))
        self.assertEqual((credentials.ALL_FINGERPRINTS, credentials.WHOLE_USER), (12, 13))

    def test_capacities_exist(self) -> None:
        """Each kind is one that terminals report the room of."""
        for kind in set(Kind) - {Kind.UNKNOWN}:
            self.assertIn(kind, {"fp", "pwd", "card", "face", "palm"})


class ProblemTests(SynchronousTestCase):
    """Whether a record can be a credential."""

    def fits(self, backupnum: int, *records: str) -> None:
        """These can."""
        for record in records:
            self.assertIsNone(credentials.problem_with(backupnum, record), record)

    def fails(self, backupnum: int, *records: str) -> None:
        """These can't, and the words say what was expected but not what came."""
        for record in records:
            problem = credentials.problem_with(backupnum, record)
            self.assertIsInstance(problem, str, record)
            assert problem is not None
            self.assertTrue(problem.startswith(f"a {credentials.label_of(backupnum).split(' ')[0]}"), problem)
            self.assertNotIn(record or "nothing", problem)

    def test_passwords(self) -> None:
        """A password is a number of up to eight digits."""
        self.fits(10, "0", "7", "99999999", "00000001")
        self.fails(10, "100000000", "-1", "", "secret", "1.5", "1 2", "٣", "²", "+1", "1e3")

    def test_cards(self) -> None:
        """A card is a number of 32 bits."""
        self.fits(11, "0", "4294967295", "0003120457")
        self.fails(11, "4294967296", "-1", "", "secret", "0x10", "１")

    def test_endless_numbers(self) -> None:
        """A number of thousands of digits is a wrong number, not an exception."""
        self.fails(10, "9" * 5000)
        self.fails(11, "9" * 5000)

    def test_templates_and_photos(self) -> None:
        """Templates and photos are opaque; they only have to be ASCII."""
        for backupnum in (0, 9, 20, 30, 40, 50, 51):
            self.fits(backupnum, "c51b(12)07aa93e4", "/9j/4AAQ==", " ", "")
            self.fails(backupnum, "ü", "张")

    def test_bare(self) -> None:
        """Without a record, or with ``0`` for anything but a password, a user carries no credential."""
        for backupnum in (*DEFINED, 99, -1):
            self.assertTrue(credentials.is_bare(backupnum, ""))
            self.assertIs(credentials.is_bare(backupnum, "0"), backupnum != 10)
            for record in ("00", " ", "1", "x"):
                self.assertFalse(credentials.is_bare(backupnum, record))
