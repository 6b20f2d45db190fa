"""Whatever conventions a terminal has: all records arrive, in order, and the reading ends (protocol §6)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.paged import Terminal, read
from tfserver.wire.paging import MOST_RESTARTS

BOUNDS = settings(derandomize=True, deadline=None, database=None, max_examples=400)
CONVENTIONS = {
    "records": st.integers(0, 60),
    "size": st.integers(1, 12),
    "to": st.sampled_from(("inclusive", "exclusive")),
    "count": st.sampled_from(("total", "page", "zero", "missing")),
    "start": st.sampled_from(("place", "zero", "missing")),
    "end": st.sampled_from(("empty", "no list", "words", "false")),
}
TERMINALS = st.builds(Terminal, **CONVENTIONS)
LOSING = st.builds(
    Terminal, **CONVENTIONS, loses=st.sampled_from(("starts again", "says nothing", "nothing"))
)


class PagingPropertyTests(SynchronousTestCase):
    """Simulated terminals of all kinds."""

    @BOUNDS
    @given(TERMINALS)
    def test_exactly_once(self, terminal: Terminal) -> None:
        """All records arrive once, in order, with few questions, and the list counts as whole.

        Only where the end is told by a plain refusal, and how much there is by nobody, some may be missing.
        """
        if terminal.records == 0 and terminal.end == "false":
            return
        found = read(terminal)
        self.assertEqual(found.kept, list(range(terminal.records)))
        self.assertLessEqual(found.asked, terminal.records // terminal.size + 2)
        if terminal.end != "false" or (terminal.count == "total" and terminal.records > terminal.size):
            self.assertEqual((found.paging.whole, found.odd), (True, []))

    @BOUNDS
    @given(LOSING, st.frozensets(st.integers(1, 12), max_size=MOST_RESTARTS))
    def test_loses_its_place(self, terminal: Terminal, disturbed: frozenset[int]) -> None:
        """With a terminal that loses its place whenever a door is opened all arrive, perhaps again."""
        if terminal.end == "false":
            return
        found = read(terminal, disturbed)
        self.assertEqual(found.listed, list(range(terminal.records)))
        self.assertLessEqual(set(found.listed), set(found.kept))
        self.assertTrue(found.paging.whole)
