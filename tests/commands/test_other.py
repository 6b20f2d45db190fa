"""The doubtful words of the V3 generation (protocol §4.5-§4.8)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.commands.other import ROWS
from tfserver.wire.message import Response, Unknown
from tfserver.wire.table import table


class RowTests(SynchronousTestCase):
    """Words that are always answered the same."""

    def test_entered(self) -> None:
        """Each row is in the table, has no class, and nothing of what came with it is kept."""
        for row in ROWS:
            self.assertIs(table.row_of(row.word), row)
            self.assertIs(table.type_of(row.word), Unknown)

    def test_no_door_opens(self) -> None:
        """A PIN opens nothing; the terminal is told so."""
        self.assertEqual(table.row_of("sendpin").response.fields["access"], 0)  # type: ignore[union-attr]

    def test_refusals(self) -> None:
        """No firmware, no calls: these are refused with the number 1."""
        refused = {row.word for row in ROWS if not row.response.result}
        self.assertEqual(refused, {"otacheck", "otaget", "talkcall", "offer", "icecandidate", "callcancel"})
        for row in ROWS:
            if row.word in refused:
                self.assertEqual(row.response, Response(False, 1))

    def test_words_are_lower_case(self) -> None:
        """Each word stands here once, in lower case, as it goes on the wire."""
        words = [row.word for row in ROWS]
        self.assertEqual(len(set(words)), len(words))
        self.assertEqual([word.lower().strip() for word in words], words)
