"""Pages that load themselves anew are told one after the other."""

from __future__ import annotations

from tests.web.dashboard.living import LiveCase
from tests.web.in_memory import Connection
from tests.web.samples import SN, a_row
from tfserver.errors import Gone
from tfserver.web.dashboard.calls import A_SECOND, AT_ONCE
from tfserver.web.dashboard.live import LOOK_SECONDS

MORE = 12


class CallsTests(LiveCase):
    """More open pages than are told at once."""

    def open(self, query: str) -> list[Connection]:
        """All of them."""
        return [self.look(query) for _ in range(AT_ONCE + MORE)]

    def counts(self, pages: list[Connection], seconds: float = 0) -> list[int]:
        """How often each was told something, after a while, the least first."""
        self.told(pages[0], seconds)
        return sorted(len(self.told(page, 0)) for page in pages)

    def test_one_after_the_other(self) -> None:
        """Some at once and the others later, each once, with all that happened meanwhile."""
        pages = self.open("hints=terminal,command")
        self.happen("terminal")
        self.assertEqual(self.counts(pages, 2 * LOOK_SECONDS), [0] * MORE + [1] * AT_ONCE)
        self.happen("command")
        late = [page for page in pages if not self.told(page, 0)]
        counts = self.counts(pages, (AT_ONCE + 2 * MORE) / A_SECOND)
        self.assertEqual(counts, [1] * MORE + [2] * AT_ONCE)
        for page in late:
            self.assertEqual(self.told(page, 0), [("hints", ["command", "terminal"])])

    def test_one_terminal(self) -> None:
        """A page of one terminal does not wait for all the lists."""
        lists = [*self.open("hints=command"), *self.open("hints=command")]
        own = self.look(f"hints=command&of={SN}")
        self.happen("command")
        self.assertEqual(self.told(own, LOOK_SECONDS), [("hints", ["command"])])
        self.assertEqual(self.counts(lists)[0], 0)

    def test_gone(self) -> None:
        """Pages that were closed take nobody's place."""
        pages = self.open("hints=terminal")
        self.happen("terminal")
        self.told(pages[0], LOOK_SECONDS)
        late = [page for page in pages if not self.told(page, 0)]
        for page in late[1:]:
            page.leave()
        self.assertEqual(self.told(late[0], 1 / A_SECOND), [("hints", ["terminal"])])

    def test_missed(self) -> None:
        """What missed something is told nothing else before that, which would look as if it were all; until
        then it does not say that it shows what is now."""
        pages = self.open("wall=on")
        self.events.given["page"] = Gone("trimmed")
        self.told(pages[0], LOOK_SECONDS)
        self.events.given["page"] = self.page
        self.feed.rows.append(a_row(site="north"))
        self.told(pages[0], LOOK_SECONDS)
        kinds = [[kind for kind, _ in self.told(page, 0)] for page in pages]
        self.assertEqual(sorted(kinds), [["away"]] * MORE + [["missed", "punches"]] * AT_ONCE)
        self.told(pages[0], MORE / A_SECOND + 1)
        late = [page for page, told in zip(pages, kinds, strict=True) if told == ["away"]]
        for page in late:
            self.assertEqual([kind for kind, _ in self.told(page, 0)], ["away", "missed"])
