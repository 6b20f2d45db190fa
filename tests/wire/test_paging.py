"""Reading lists page by page: the rules one by one (protocol §6.3)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.wire.paged import Terminal, judge, page, read
from tfserver.wire import paging as paging_module
from tfserver.wire.message import RawReply
from tfserver.wire.paging import MOST_RESTARTS, Next, Page, Paging

ONE, TWO, THREE = [{"n": 1}, {"n": 2}], [{"n": 3}, {"n": 4}], [{"n": 5}]
EMPTY_WORDS = ("can not find logs", "have no data", "No log!", "there is no record")


class RuleTests(SynchronousTestCase):
    """One rule each."""

    def test_refused_at_first(self) -> None:
        """Rule 1: a refusal in place of the first page is one."""
        for reply in (page(result=False, reason=1), page(result=False, msg="device busy")):
            _, [found] = judge(reply)
            self.assertEqual(found, Page([], Next.REFUSED))

    def test_unreadable_at_first(self) -> None:
        """An answer that can't be read is no page."""
        _, [found] = judge(page(ONE, result=None))
        self.assertEqual(found, Page([], Next.REFUSED))

    def test_words_for_an_empty_list(self) -> None:
        """Rule 1: what AiFace says of an empty range is an empty list, at the beginning and later."""
        for words in EMPTY_WORDS:
            over = page(result=False, reason=1, msg=words)
            paging, [found] = judge(over)
            self.assertEqual((found, paging.whole), (Page([], Next.END), True), words)
            paging, [_, found] = judge(page(ONE), over)
            self.assertEqual((found, paging.whole), (Page([], Next.END), True), words)

    def test_refused_later(self) -> None:
        """Rule 1: a refusal after the first page is the end, and perhaps not of all."""
        paging, [_, found] = judge(page(ONE), page(result=False, reason=1))
        self.assertEqual((found.next, found.records, paging.whole), (Next.END, [], False))

    def test_refused_where_all_is_here(self) -> None:
        """A refusal after as many records as were announced speaks against nothing."""
        paging = Paging()
        paging.receive(page(ONE, count=4), "record")
        paging.receive(page(TWO, count=3), "record")
        paging.interrupted()
        found = paging.receive(page(result=False, reason=1), "record")
        self.assertEqual((found, paging.whole), (Page([], Next.END), True))

    def test_empty_page(self) -> None:
        """Rule 2: a page without records is the end, whatever stands in place of the list."""
        over: tuple[dict[str, Any], ...] = (
            {"record": []},
            {},
            {"record": ""},
            {"record": 0},
            {"count": 0, "from": 0, "to": 0},
        )
        for fields in over:
            paging, [found] = judge(RawReply("getalllog", True, fields))
            self.assertEqual((found, paging.whole), (Page([], Next.END), True), fields)
            paging, [_, found] = judge(page(ONE), RawReply("getalllog", True, fields))
            self.assertEqual((found, paging.whole), (Page([], Next.END), True), fields)

    def test_no_list_at_all(self) -> None:
        """Something that is no list may have been records that nobody could read: the list is not whole."""
        paging, [found] = judge(RawReply("getalllog", True, {"record": "none"}))
        self.assertEqual((found, paging.whole), (Page([], Next.END), False))

    def test_other_names(self) -> None:
        """The list by the other names that firmware has for it (protocol §7 #27)."""
        for name in ("log", "logs", "records", "data"):
            paging, [found] = judge(RawReply("getalllog", True, {"count": 2, name: ONE}))
            self.assertEqual((found.records, paging.records), (ONE, 2), name)

    def test_gap(self) -> None:
        """Records between two pages that did not come: the list is not whole."""
        first, second = page(ONE, **{"from": 0, "count": 6}), page(TWO, **{"from": 4, "count": 6})
        paging, _ = judge(first, second, page([]))
        self.assertFalse(paging.whole)

    def test_overlap(self) -> None:
        """Records that come in two pages count once: the end is not taken for reached too early."""
        first, second = (
            page(ONE, **{"from": 0, "count": 4}),
            page([ONE[1], TWO[0]], **{"from": 1, "count": 4}),
        )
        paging, [_, found] = judge(first, second)
        self.assertEqual((found.next, paging.records), (Next.MORE, 3))

    def test_one_object(self) -> None:
        """One object where a list is due is a list of one (protocol §2.1)."""
        _, [found] = judge(RawReply("getalllog", True, {"record": {"n": 1}}))
        self.assertEqual(found, Page([{"n": 1}], Next.MORE))

    def test_other_list(self) -> None:
        """The list is the one that the command names."""
        found = Paging().receive(RawReply("getholiday", True, {"holidays": ONE, "record": TWO}), "holidays")
        self.assertEqual(found.records, ONE)

    def test_counted(self) -> None:
        """Rule 3: records are counted as they come, whatever ``count`` says."""
        paging, _ = judge(page(ONE, count=100), page(TWO, count="100"), page(THREE, count=None))
        self.assertEqual(paging.records, 5)

    def test_total_reached(self) -> None:
        """Rule 4: as many as announced, and more than this page: the end without another question."""
        paging, found = judge(page(ONE, count=5), page(TWO, count="5"), page(THREE, count=5))
        self.assertEqual([each.next for each in found], [Next.MORE, Next.MORE, Next.END])
        self.assertTrue(paging.whole)

    def test_ambiguous_count(self) -> None:
        """Rule 4: a count equal to the page's length may be either: ask once more."""
        paging, found = judge(page(ONE, count=2), page([], count=0))
        self.assertEqual([each.next for each in found], [Next.MORE, Next.END])
        self.assertTrue(paging.whole)

    def test_count_of_what_is_left(self) -> None:
        """A count that gets smaller with each page does not end the list before all is here."""
        _, found = judge(page(ONE, count=5), page(TWO, count=3), page(THREE, count=1))
        self.assertEqual([each.next for each in found], [Next.MORE, Next.MORE, Next.MORE])

    def test_repeated_page(self) -> None:
        """Rule 5: a page like the one before, or like the first, is dropped and ends the list."""
        for last in (TWO, ONE):
            paging, found = judge(page(ONE), page(TWO), page(last))
            self.assertEqual(found[2], Page([], Next.END, "repeated page"))
            self.assertEqual((paging.records, paging.whole), (4, False))

    def test_went_back(self) -> None:
        """Rule 5: a page that stands before the last one ends the list; what is new in it is kept."""
        paging, found = judge(page(ONE, **{"from": 0}), page(TWO, **{"from": 2}), page(THREE, **{"from": 1}))
        self.assertEqual(found[2], Page(THREE, Next.END, "went back"))
        self.assertFalse(paging.whole)

    def test_place_that_says_nothing(self) -> None:
        """A terminal that always says the same place is judged by its records alone."""
        paging, found = judge(*(page(each, **{"from": 0}) for each in (ONE, TWO, THREE)), page([]))
        self.assertEqual([each.next for each in found], [Next.MORE] * 3 + [Next.END])
        self.assertTrue(paging.whole)

    def test_place_unreadable(self) -> None:
        """A place that can't be read says nothing either."""
        _, found = judge(page(ONE, **{"from": "first"}), page(TWO, **{"from": {}}), page([]))
        self.assertEqual([each.next for each in found], [Next.MORE, Next.MORE, Next.END])

    def test_most_pages(self) -> None:
        """Rule 6: a list that never ends is ended."""
        self.patch(paging_module, "MOST_PAGES", 3)
        paging, found = judge(*(page([{"n": n}]) for n in range(3)))
        self.assertEqual(found[2], Page([{"n": 2}], Next.END, "too many pages"))
        self.assertFalse(paging.whole)

    def test_silence(self) -> None:
        """Rule 7: no answer is a refusal at first; later it ends a list that may not be whole."""
        paging = Paging()
        self.assertIs(paging.silent(), Next.REFUSED)
        paging, _ = judge(page(ONE))
        self.assertTrue(paging.whole)
        self.assertIs(paging.silent(), Next.END)
        self.assertFalse(paging.whole)

    def test_ended_too_early(self) -> None:
        """An empty page, or an empty list, where more was announced: not all is here."""
        for over in (page([]), page([], count=5), page(), page(result=False, msg="can not find logs")):
            paging, [_, found] = judge(page(ONE, count=5), over)
            self.assertEqual(found, Page([], Next.END, "ended too early"))
            self.assertFalse(paging.whole)
        paging, [found] = judge(page(count=5))
        self.assertEqual((found.next, paging.whole), (Next.END, False))


class InterruptedTests(SynchronousTestCase):
    """A door was opened between two pages."""

    def after(self, *pages: RawReply, then: RawReply) -> tuple[Paging, Page]:
        """What is said of a page that comes after these and an interruption."""
        paging, _ = judge(*pages)
        paging.interrupted()
        return paging, paging.receive(then, "record")

    def test_place_kept(self) -> None:
        """The page that had to come is taken, by either convention, and the reading goes on."""
        for second in ({"from": 2, "to": 3}, {"from": 2, "to": 4}, {"from": "2"}, {}):
            paging, found = self.after(page(ONE, **{"from": 0, "to": 2}), then=page(TWO, **second))
            self.assertEqual(found, Page(TWO, Next.MORE), second)
            self.assertEqual(paging.records, 4)

    def test_place_lost(self) -> None:
        """Another page than the one that had to come: the list begins again, and counting too."""
        begun = page(ONE, **{"from": 0}), page(TWO, **{"from": 2})
        for then in (page(ONE, **{"from": 0}), page(TWO, **{"from": 2}), page(THREE, **{"from": 7})):
            paging, found = self.after(*begun, then=then)
            self.assertEqual((found.next, found.odd), (Next.AGAIN, "lost its place"))
            self.assertEqual((paging.records, paging.whole), (0, True))

    def test_place_lost_and_not_told(self) -> None:
        """Without a place a page that was there already shows it."""
        for then in (ONE, TWO):
            _, found = self.after(page(ONE), page(TWO), then=page(then))
            self.assertIs(found.next, Next.AGAIN)

    def test_place_that_says_nothing(self) -> None:
        """Where every page says the same place, that place does not make the list begin again."""
        begun = page(ONE, **{"from": 0}), page(TWO, **{"from": 0})
        _, found = self.after(*begun, then=page(THREE, **{"from": 0}))
        self.assertEqual(found, Page(THREE, Next.MORE))

    def test_not_dropped(self) -> None:
        """What came with the wrong page is kept all the same: some lists can't be read twice."""
        _, found = self.after(page(ONE, **{"from": 0}), then=page(THREE, **{"from": 0}))
        self.assertEqual(found, Page(THREE, Next.AGAIN, "lost its place"))

    def test_empty_page(self) -> None:
        """An empty page is the end only where all that was announced is here."""
        for begun, following in (
            (page(ONE, count=5), Next.AGAIN),
            (page(ONE, count=2), Next.AGAIN),
            (page(ONE, count=0), Next.AGAIN),
            (page(ONE), Next.AGAIN),
        ):
            for over in (page([]), page(result=False, reason=1), page(result=False, msg="can not find logs")):
                paging, found = self.after(begun, then=over)
                self.assertEqual((found.next, paging.whole), (following, True), begun)

    def test_empty_page_at_the_end(self) -> None:
        """As many as were announced are here: the empty page is the end."""
        for over in (page([]), page(result=False, msg="can not find logs")):
            paging, found = self.after(page(ONE, count=4), page(TWO, count=0), then=over)
            self.assertEqual((found, paging.whole), (Page([], Next.END), True))

    def test_only_once(self) -> None:
        """An interruption concerns the next page only."""
        paging, _ = self.after(page(ONE, count=0), then=page(TWO, count=0))
        self.assertEqual(paging.receive(page([]), "record"), Page([], Next.END))
        self.assertTrue(paging.whole)

    def test_forgotten_when_it_begins_again(self) -> None:
        """The list that begins again is not measured by the one that was interrupted."""
        paging, found = self.after(page(ONE, count=5, **{"from": 0}), then=page(ONE, **{"from": 0}))
        self.assertIs(found.next, Next.AGAIN)
        again = paging.receive(page(ONE, count=2, **{"from": 0}), "record")
        self.assertEqual(again, Page(ONE, Next.MORE))
        self.assertEqual(paging.receive(page([]), "record"), Page([], Next.END))
        self.assertTrue(paging.whole)

    def test_too_often(self) -> None:
        """A list that is interrupted again and again is ended; it is not whole, and nothing is dropped."""
        paging, _ = judge(page(ONE, **{"from": 0}))
        for _ in range(MOST_RESTARTS):
            paging.interrupted()
            self.assertIs(paging.receive(page(THREE, **{"from": 9}), "record").next, Next.AGAIN)
            paging.receive(page(ONE, **{"from": 0}), "record")
        paging.interrupted()
        found = paging.receive(page(THREE, **{"from": 9}), "record")
        self.assertEqual(found, Page(THREE, Next.END, "interrupted too often"))
        self.assertFalse(paging.whole)


class TerminalTests(SynchronousTestCase):
    """Whole readings."""

    def test_pages_asked(self) -> None:
        """120 records in pages of 50 are three questions with a total, and four without."""
        self.assertEqual(read(Terminal(120)).asked, 3)
        for count in ("page", "zero", "missing"):
            self.assertEqual(read(Terminal(120, count=count)).asked, 4, count)
        self.assertEqual(read(Terminal(0)).asked, 1)

    def test_given_only_once(self) -> None:
        """What is given only once is all kept, also when the terminal counts anew after an interruption."""
        terminal = Terminal(23, size=5, loses="counting", moves=True, count="zero")
        found = read(terminal, frozenset({2}))
        self.assertEqual(found.kept, list(range(23)))
        self.assertEqual(found.odd, ["lost its place"])
        self.assertTrue(found.paging.whole)
