"""Open pages, told of what changes."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.defer import Deferred

from tests.web.dashboard.living import LiveCase
from tests.web.in_memory import OPERATOR
from tests.web.samples import SN, a_row
from tfserver.errors import Gone, StoreUnavailable
from tfserver.pressure import Pressure
from tfserver.store.events import Ends
from tfserver.web.dashboard import happened, live, turns
from tfserver.web.dashboard.screens import Screen
from tfserver.web.standing import STANDING_SECONDS
from tfserver.web.watcher import KEEP_ALIVE_SECONDS, STALLED_SECONDS


class LiveTests(LiveCase):
    """What pages are told, and when."""

    def test_wall(self) -> None:
        """A punch comes as a row within a tenth of a second, to whom it concerns."""
        pages = [
            self.look(query) for query in ("wall=on", "wall=on&of=OTHER", "wall=on&site=east", "hints=sync")
        ]
        self.feed.rows.append(a_row(site="north"))
        first, *others = (self.told(page, live.LOOK_SECONDS) for page in pages)
        self.assertEqual([kind for kind, _ in first], ["punches"])
        self.assertIn(a_row()["uid"], first[0][1][0])
        self.assertEqual(others, [[], [], []])

    def test_made_before(self) -> None:
        """What happened between the making of a page and its joining is told to the first one as it was;
        those that come later load themselves anew if it concerns them."""
        places = [self.place()]
        self.feed.rows.append(a_row(site="north"))
        first = self.look(f"wall=on&since={places[0]}")
        self.assertEqual([kind for kind, _ in self.told(first)], ["punches"])
        places.append(self.place())
        self.happen("command")
        self.told(first)
        for query, told in (
            (f"hints=command&since={places[1]}", ["missed"]),
            (f"wall=on&since={places[0]}", ["missed"]),
            (f"rows={SN}&since={places[1]}", ["missed"]),
            (f"wall=on&since={places[1]}", []),
            (f"hints=sync&since={places[0]}", []),
            (f"rows=OTHER&since={places[0]}", []),
            (f"hints=command&since={self.place()}", []),
            ("hints=command", []),
        ):
            self.assertEqual([kind for kind, _ in self.told(self.look(query), 0.1)], told, query)

    def test_made_long_before(self) -> None:
        """What is not remembered may have concerned any page."""
        place = self.place()
        first = self.look("wall=on")
        for _ in range(live.MOST_BEFORE + 1):
            self.happen("sync")
            self.told(first, live.LOOK_SECONDS)
        self.assertEqual(self.told(self.look(f"wall=on&since={place}"), 0.1), [("missed", None)])

    def test_place_on_the_page(self) -> None:
        """A page says where the feeds ended when it was made, and is made all the same if nobody knows."""
        self.feed.rows.append(a_row(site="north"))
        self.assertEqual(self.place(), "1-0.0-0")
        self.events.given["ends"] = StoreUnavailable("away")
        self.assertEqual(self.place(), "")
        for wrong in ("1-0", "x.1-0", "1-0.1-0.1-0"):
            self.assertEqual(self.look(f"wall=on&since={wrong}").answer().status, 422)

    def test_sites(self) -> None:
        """Who is bound to sites is told of nothing elsewhere."""
        page = self.look(f"wall=on&rows={SN}", "south")
        self.feed.rows.append(a_row(site="north"))
        self.happen()
        self.assertEqual(self.told(page), [])
        self.feed.rows.append(a_row(site="south"))
        self.assertEqual([kind for kind, _ in self.told(page)], ["punches"])

    def test_rows(self) -> None:
        """A terminal that changes comes as its row, as it is now; made once for all who look alike."""
        pages = [self.look(f"rows={SN}") for _ in range(3)]
        made: list[str] = []
        piece = Screen.piece

        def noted(screen: Screen, template: str, *rest: Any) -> str:
            """A row is made."""
            made.append(template)
            return piece(screen, template, *rest)

        self.set_bound(Screen, "piece", noted)
        self.put(SN, "north", name="Gate", online=True)
        self.happen()
        for page in pages:
            ((kind, rows),) = self.told(page)
            self.assertEqual((kind, len(rows)), ("rows", 1))
            self.assertIn("Gate", rows[0])
        self.assertEqual((len(self.terminals.asked("these")), made), (1, ["fleet/row.html"]))

    def test_not_shown(self) -> None:
        """Nobody asks the store for terminals that no page shows."""
        page = self.look("rows=OTHER")
        self.happen()
        self.assertEqual((self.told(page), self.terminals.asked("these")), ([], []))

    def test_hints(self) -> None:
        """A page is told what kind of thing happened, of its terminal alone when it says one."""
        every, own = self.look("hints=command,terminal"), self.look("hints=command&of=OTHER")
        self.happen("command", state="done")
        self.assertEqual(self.told(every), [("hints", ["command"])])
        self.assertEqual(self.told(own), [])

    def test_the_roll_knows_first(self) -> None:
        """What was told has reached the list of all terminals before pages load themselves anew."""
        page = self.look("hints=terminal")
        self.get("/", OPERATOR)
        self.put(SN, "north", name="renamed")
        self.happen()
        self.told(page)
        self.assertIn(b'data-sn="', self.get("/?search=renamed", OPERATOR).raw)

    def test_too_much(self) -> None:
        """After more events than one look takes, or than are kept, pages load themselves anew."""
        page = self.look("hints=terminal")
        for _ in range(happened.PAGE + 5):
            self.happen()
        self.assertIn(("missed", None), self.told(page))
        other = self.look("hints=terminal")
        self.events.given["page"] = Gone("gone")
        first, *others = self.told(other)
        self.assertEqual(first, ("missed", None))
        # told the more rarely the longer that goes on, and that it does not show what is now
        self.assertLessEqual(set(others), {("missed", None), ("away", None)})

    def test_many_punches(self) -> None:
        """Of a flood the newest are shown, and no more than anybody reads."""
        page = self.look("wall=on")
        self.feed.rows += [a_row(enrollid=n, uid=f"{n:032x}") for n in range(60)]
        ((_, rows),) = self.told(page, live.LOOK_SECONDS)
        self.assertEqual(len(rows), happened.SHOWN)
        self.assertIn(f"{59:032x}", rows[-1])

    def test_few_among_many(self) -> None:
        """A narrow wall shows the newest of its own; where some may be left out it loads itself anew."""
        narrow, wide = self.look("wall=on&site=north"), self.look("wall=on")
        mine = [a_row(site="north", uid=f"mine{n}") for n in range(2)]
        others = [a_row(site="south", uid=f"{n:032x}") for n in range(2 * happened.SHOWN)]
        self.feed.rows += [mine[0], *others, mine[1]]
        ((_, rows),) = self.told(narrow, live.LOOK_SECONDS)
        self.assertEqual([uid in row for uid, row in zip(("mine0", "mine1"), rows, strict=True)], [True] * 2)
        self.feed.rows += [a_row(site="south", uid=f"more{n:030x}") for n in range(2 * happened.PAGE)]
        self.assertEqual(
            [kind for kind, _ in self.told(narrow, live.FLOOD_SECONDS + 2 * live.LOOK_SECONDS)[1:]],
            ["missed"],
        )
        self.assertNotIn("missed", [kind for kind, _ in self.told(wide, 0)])

    def test_turns(self) -> None:
        """Many pages are told in turns: what else waits is done in between."""
        self.set_bound(turns, "TURN_SECONDS", 0.0)
        pages = [self.look("wall=on") for _ in range(3)]
        self.feed.rows.append(a_row(site="north"))
        told: list[int] = []

        def count() -> None:
            """How many were told by now."""
            told.append(sum(b"event: punches" in page.data for page in pages))

        self.clock.callLater(live.LOOK_SECONDS, count)
        self.clock.advance(live.LOOK_SECONDS)
        self.assertLess(told[0], len(pages))
        self.clock.pump([turns.REST_SECONDS] * 10)
        self.assertTrue(all(b"event: punches" in page.data for page in pages))

    def test_flood(self) -> None:
        """While more comes than walls show, looks are further apart."""
        page = self.look("wall=on")
        for number in range(happened.SHOWN + 1):
            self.feed.rows.append(a_row(site="north", uid=f"first{number}"))
        self.assertEqual(len(self.told(page, live.LOOK_SECONDS)), 1)
        for number in range(happened.PAGE):
            self.feed.rows.append(a_row(site="north", uid=f"second{number}"))
        self.assertEqual(len(self.told(page, live.FLOOD_SECONDS - 2 * live.LOOK_SECONDS)), 1)
        self.assertEqual(len(self.told(page, 4 * live.LOOK_SECONDS)), 2)
        for number in range(happened.PAGE - 1):
            self.feed.rows.append(a_row(site="north", uid=f"third{number}"))
        self.assertEqual(len(self.told(page, live.FLOOD_SECONDS + 2 * live.LOOK_SECONDS)), 3)
        self.feed.rows.append(a_row(site="north", uid="last"))
        self.assertEqual(len(self.told(page, 2 * live.LOOK_SECONDS)), 4)

    def test_slow_reader(self) -> None:
        """A page that takes nothing is not written to; once it does, it loads itself anew."""
        page = self.look("wall=on")
        page.producer.pauseProducing()
        self.feed.rows.append(a_row())
        self.assertEqual(self.told(page), [])
        page.producer.resumeProducing()
        self.assertEqual(self.told(page), [("missed", None)])

    def test_session_over(self) -> None:
        """A page does not outlive its session by more than five seconds."""
        page, other = self.look("wall=on"), self.look("wall=on", "south")
        del self.used["a" * 64]
        self.told(page, STANDING_SECONDS + 1)
        self.assertEqual((page.is_closed, other.is_closed), (True, False))

    def test_draining(self) -> None:
        """A process that goes lets pages come to another."""
        page = self.look("wall=on")
        self.draining = True
        self.told(page)
        self.assertTrue(page.is_closed)
        self.assertEqual(self.metrics.pages, 0)

    def test_bounds(self) -> None:
        """There are bounds for all, and for one account; who goes makes room."""
        self.set_bound(live, "MOST_OF_ONE", 2)
        first, _ = self.look("wall=on"), self.look("wall=on")
        self.assertEqual(self.look("wall=on").answer().status, 429)
        self.assertEqual(self.metrics.pages, 2)
        first.leave()
        self.assertEqual(self.look("wall=on").answer().status, 200)

    def test_nobody_looks(self) -> None:
        """Without open pages the store is not asked."""
        page = self.look("wall=on")
        self.told(page)
        page.leave()
        self.clock.advance(live.LOOK_SECONDS)
        count = len(self.events.calls)
        self.clock.advance(10)
        self.assertEqual(len(self.events.calls), count)

    def test_store_away(self) -> None:
        """Pages are told once that nothing can be seen, and to load themselves anew when it can again."""
        page = self.look("hints=terminal")
        self.events.given["page"] = StoreUnavailable("away")
        self.assertEqual(self.told(page), [("away", None)])
        self.events.given["page"] = self.page
        self.assertEqual(self.told(page), [("away", None), ("missed", None)])
        self.happen()
        self.assertEqual(self.told(page)[2:], [("hints", ["terminal"])])

    def test_pressed(self) -> None:
        """While the process is pressed nobody is told anything; afterwards nothing is missing."""
        page = self.look("wall=on")
        with mock.patch.object(Pressure, "is_high", property(lambda _: True)):
            self.feed.rows.append(a_row())
            self.assertEqual((self.told(page), self.feed.scanned), ([], 0))
        self.assertEqual([kind for kind, _ in self.told(page)], ["punches"])

    def test_quiet(self) -> None:
        """Where nothing happens a page is told now and then that we are there; so proxies leave it open."""
        page = self.look("wall=on")
        self.told(page, KEEP_ALIVE_SECONDS - 1)
        self.assertNotIn(b"keep-alive", page.data.partition(b"\r\n\r\n")[2])
        self.told(page, 2)
        self.assertEqual(page.data.count(b": keep-alive"), 1)

    def test_stalled(self) -> None:
        """Who takes nothing for long is cut off, and counted no more."""
        page = self.look("wall=on")
        page.producer.pauseProducing()
        self.told(page, STALLED_SECONDS - 1)
        self.assertFalse(page.is_aborted)
        self.told(page, 2)
        self.assertEqual((page.is_aborted, self.metrics.pages), (True, 0))

    def test_gone_before_it_began(self) -> None:
        """Who leaves before we know where to begin is not counted for good."""
        slow: Deferred[Ends] = Deferred()
        self.events.given["ends"] = slow
        page = self.look("wall=on")
        page.leave()
        self.events.given["ends"] = self.ends
        self.told(page)
        self.assertEqual(self.metrics.pages, 0)

    def test_who_may(self) -> None:
        """It is for browsers that are signed in; what a page wants is read strictly."""
        self.assert_problem(self.get("/live?wall=on"), 403)
        self.assert_problem(self.get("/live?wall=on", None), 401)
        for query in ("rows=a%20b", "hints=x", "rows=" + "A," * 300, "x=1"):
            self.assertEqual(self.look(query).answer().status, 422, query)
