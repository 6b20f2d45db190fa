"""Times in the form of the protocol (protocol §2.2)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.simulator.times import day_of, second_of, text_of


class TimesTests(SynchronousTestCase):
    """Texts and seconds."""

    def test_there_and_back(self) -> None:
        """A text of the exact form is read and written the same."""
        self.assertEqual(second_of("1970-01-02 00:00:01"), 86_401)
        for text in (
            "2028-02-29 23:59:59",
            "2026-10-05 00:00:00",
            "2000-01-01 07:08:09",
            "1969-12-31 12:30:00",
        ):
            self.assertEqual(text_of(second_of(text) or 0), text)

    def test_other_forms(self) -> None:
        """Servers must send exactly that form."""
        for value in ("2026-04-02T08:00:00", "2026-04-02 8:00:00", "2026-02-30 08:00:00", "", None, 5):
            self.assertIsNone(second_of(value))

    def test_dates(self) -> None:
        """A date filter may be unpadded."""
        self.assertEqual(day_of("2018-11-1"), day_of("2018-11-01"))
        for value in ("2018-11", "2018-13-01", "2018-11-01 00:00:00", None, 1):
            self.assertIsNone(day_of(value))
