"""``/stream``: what happens, as it happens."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from tests.web.in_memory import BOUND, OPERATOR, READER, Connection, PagesCase, joined
from tests.web.samples import SN, a_row
from tfserver.errors import Gone, StoreUnavailable
from tfserver.model import Terminal
from tfserver.store.events import Ends, Event
from tfserver.web import streams, watcher

PATH = "/api/v1/stream"


class Told(NamedTuple):
    """One server-sent event."""

    id: str
    event: str
    data: Any


class StreamCase(PagesCase):
    """A feed of punches and one of events, which grow."""

    def setUp(self) -> None:
        """Three punches and two events before anybody watches."""
        super().setUp()
        self.happened: list[Event] = []
        self.events.given.update(ends=self.ends, page=self.page)
        self.with_terminals(Terminal(SN, site="north"), Terminal("SOUTH", site="south"), Terminal("NOWHERE"))
        self.punch(3)
        self.happen("terminal", sn=SN, event="online")
        self.happen("command", id="1", sn=SN, cmd="reboot", state="done")

    def ends(self) -> Ends:
        """Where both feeds end."""
        return Ends(f"{len(self.feed.rows)}-0", f"{len(self.happened)}-0")

    def page(self, after: str, limit: int) -> list[Event]:
        """Events behind a place."""
        return self.happened[int(after.partition("-")[0]) :][:limit]

    def punch(self, count: int = 1, **more: Any) -> None:
        """Punches come."""
        self.feed.rows += [a_row(**more)] * count

    def happen(self, kind: str, **told: Any) -> None:
        """Something happens."""
        self.happened.append(Event(f"{len(self.happened) + 1}-0", kind, json.dumps(told)))

    def watch(self, query: str = "", token: str = READER, last_id: str = "") -> Connection:
        """Somebody begins to watch."""
        headers = {"Last_Event_ID": last_id} if last_id else {}
        return self.begin("GET", PATH + query, b"", token, **headers)

    def told(self, watching: Connection) -> list[Told]:
        """The events that somebody was told until now, after a while."""
        self.clock.advance(0.3)
        blocks = text_of(watching).split("\n\n")
        found = []
        for block in blocks:
            fields = dict(
                line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and line
            )
            if "data" in fields:
                found.append(Told(fields["id"], fields["event"], json.loads(fields["data"])))
        return found

    def ids(self, watching: Connection) -> list[str]:
        """The ids of those events."""
        return [event.id for event in self.told(watching)]


def text_of(watching: Connection) -> str:
    """What somebody was told until now."""
    body = watching.data.partition(b"\r\n\r\n")[2]
    return joined(body).decode() if b"chunked" in watching.data else body.decode()


class EventTests(StreamCase):
    """What is told."""

    def test_from_now_on(self) -> None:
        """Who begins to watch is told what happens from then on, and where that is."""
        watching = self.watch()
        answer = watching.answer()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["content-type"], "text/event-stream; charset=utf-8")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertIn("id: 3-0_2-0\n\n", text_of(watching))
        self.assertEqual(self.told(watching), [])
        self.punch(enrollid=5)
        self.happen("terminal", sn=SN, event="offline")
        first, second = self.told(watching)
        self.assertEqual(first, Told("4-0_2-0", "punch", {"id": "4-0", **a_row(enrollid=5)}))
        self.assertEqual(second, Told("4-0_3-0", "terminal", {"sn": SN, "event": "offline"}))

    def test_resumed(self) -> None:
        """With any id it was told somebody goes on exactly behind it."""
        watching = self.watch(last_id="0-0_0-0")
        everything = self.told(watching)
        self.assertEqual(len(everything), 5)
        for at, event in enumerate(everything):
            self.assertEqual(self.told(self.watch(last_id=event.id)), everything[at + 1 :])

    def test_each_once(self) -> None:
        """Whatever comes while somebody watches is told once, in order."""
        watching = self.watch()
        for _ in range(5):
            self.punch(150)
            self.happen("command", id="2", sn=SN, cmd="reboot", state="sent")
            self.clock.advance(0.3)
        found = self.told(watching)
        punches = [event.data["id"] for event in found if event.event == "punch"]
        self.assertEqual(punches, [f"{n}-0" for n in range(4, 754)])
        self.assertEqual(len(found), 755)

    def test_many(self) -> None:
        """Who is far behind is told more than a page at once, and then the rest."""
        self.punch(5000)
        watching = self.watch(last_id="0-0_2-0")
        self.clock.advance(0.25)
        first = len(self.told(watching))
        self.assertGreater(first, streams.PAGE)
        for _ in range(10):
            self.clock.advance(0.25)
        self.assertEqual(len(self.told(watching)), 5003)

    def test_too_many_of_one(self) -> None:
        """One token does not take the place of all others."""
        self.set_bound(streams, "MOST_OF_ONE", 1)
        first = self.watch()
        self.assert_problem(self.watch().answer(), 429)
        self.assertEqual(self.watch(token=OPERATOR).answer().status, 200)
        first.leave()
        self.assertEqual(self.watch().answer().status, 200)

    def test_kinds(self) -> None:
        """Only the kinds that somebody wants are told."""
        for kinds, expected in (
            ("punch", ["4-0_2-0"]),
            ("terminal", ["3-0_3-0"]),
            ("terminal,command", ["3-0_3-0", "3-0_4-0"]),
        ):
            self.feed.rows[3:], self.happened[2:] = [], []
            watching = self.watch(f"?events={kinds}")
            self.punch()
            self.happen("terminal", sn=SN, event="offline")
            self.happen("command", id="2", sn=SN, cmd="reboot", state="done")
            self.assertEqual(self.ids(watching), expected, kinds)
            watching.leave()

    def test_sites(self) -> None:
        """A token that is bound to sites is told of these only, and moves on past the others."""
        watching = self.watch(token=BOUND)
        self.punch(site="south")
        self.punch(site="north", enrollid=6)
        self.punch(site="")
        for sn in ("SOUTH", SN, "NOWHERE", "GONE"):
            self.happen("terminal", sn=sn, event="offline")
        first, second = self.told(watching)
        self.assertEqual((first.id, first.data["enrollid"]), ("5-0_2-0", 6))
        self.assertEqual((second.id, second.data["sn"]), ("6-0_4-0", SN))
        self.clock.advance(watcher.KEEP_ALIVE_SECONDS)
        self.assertIn(": keep-alive\nid: 6-0_6-0\n\n", text_of(watching))

    def test_shared(self) -> None:
        """All who stand at the same place are told from one look at the store."""
        watching = [self.watch(query) for query in ("", "?events=punch", "?events=punch,command") * 3]
        self.punch()
        self.punches.calls.clear()
        self.clock.advance(0.25)
        self.assertEqual(len(self.punches.asked("page")), 1)
        self.assertEqual([self.ids(each) for each in watching], [["4-0_2-0"]] * 9)

    def test_nobody(self) -> None:
        """When nobody watches the store is not looked at."""
        watching = self.watch()
        watching.leave()
        self.clock.advance(1)
        self.punches.calls.clear()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(60)
        self.assertEqual(self.punches.calls, [])
        again = self.watch()
        self.punch()
        self.assertEqual(len(self.told(again)), 1)


class BeginningTests(StreamCase):
    """How it begins."""

    def test_wrong_ids(self) -> None:
        """An id that never stood in a stream is refused."""
        for wrong in ("x", "1-0", "1-0_", "1_2", "1-0_2-0_3-0", "$_$", "-_-"):
            self.assert_problem(self.watch(last_id=wrong).answer(), 422, "Last-Event-ID")

    def test_gone(self) -> None:
        """An id behind which something was forgotten is 410; what is not wanted may be forgotten."""
        self.events.given["page"] = Gone("events behind 1-0 are no longer kept")
        self.assert_problem(self.watch(last_id="3-0_1-0").answer(), 410)
        self.assertEqual(self.watch("?events=punch", last_id="3-0_1-0").answer().status, 200)
        self.events.given["page"] = []
        self.punches.given["page"] = Gone("punches behind 1-0 are no longer in the stream")
        self.assert_problem(self.watch(last_id="1-0_2-0").answer(), 410)

    def test_too_many(self) -> None:
        """There is a bound, and room again when somebody leaves."""
        self.set_bound(streams, "MOST_STREAMS", 2)
        first, second = self.watch(), self.watch()
        self.assert_problem(self.watch().answer(), 429)
        first.leave()
        self.assertEqual(self.watch().answer().status, 200)
        self.assertFalse(second.is_closed)

    def test_kinds(self) -> None:
        """A kind that there is not is refused."""
        self.assert_problem(self.get(f"{PATH}?events=punch,dance"), 422, "events")


class EndTests(StreamCase):
    """How it goes on, and ends."""

    def test_keep_alive(self) -> None:
        """When nothing happens a comment comes every 15 seconds."""
        watching = self.watch()
        self.clock.pump([0.25] * 58)
        self.assertNotIn("keep-alive", text_of(watching))
        self.clock.pump([0.25] * 64)
        self.assertEqual(text_of(watching).count(": keep-alive\n"), 2)

    def test_drained(self) -> None:
        """A process that drains ends its streams."""
        watching = self.watch()
        self.clock.advance(0.3)
        self.assertFalse(watching.is_closed)
        self.draining = True
        self.clock.advance(0.3)
        self.assertTrue(watching.is_closed)
        self.assertFalse(watching.is_aborted)

    def test_counted(self) -> None:
        """How many watch is told by the metrics, however their streams end."""
        self.set_bound(streams, "MOST_STREAMS", 2)
        first, _, _ = self.watch(), self.watch(), self.watch()
        self.assertEqual(self.metrics.streams, 2)
        first.leave()
        self.assertEqual(self.metrics.streams, 1)
        self.draining = True
        self.clock.advance(0.3)
        self.assertEqual(self.metrics.streams, 0)

    def test_revoked(self) -> None:
        """The stream of a token that was revoked ends within seconds; others go on."""
        watching, other = self.watch(), self.watch(token=OPERATOR)
        del self.accepted[READER]
        self.clock.pump([0.25] * 24)
        self.assertTrue(watching.is_closed)
        self.assertFalse(other.is_closed)

    def test_store_away(self) -> None:
        """While the store is away nothing is told and nobody is sent away; then it goes on where it was."""
        watching = self.watch()
        given = self.punches.given["page"]
        self.punches.given["page"] = StoreUnavailable("away")
        self.punch()
        self.assertEqual(self.ids(watching), [])
        self.clock.pump([0.25] * 80)
        self.assertIn("keep-alive", text_of(watching))
        self.punches.given["page"] = given
        self.assertEqual(self.ids(watching), ["4-0_2-0"])

    def test_overtaken(self) -> None:
        """Who is so slow that something was forgotten before it was told is sent away, to learn that."""
        watching = self.watch()
        self.events.given["page"] = Gone("no longer kept")
        self.clock.advance(0.3)
        self.assertTrue(watching.is_closed)

    def test_our_own_mistake(self) -> None:
        """A mistake of ours is logged, and the streams go on."""
        watching = self.watch()
        given = self.events.given["page"]
        self.events.given["page"] = ValueError("ours")
        self.clock.advance(0.3)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.events.given["page"] = given
        self.punch()
        self.assertEqual(self.ids(watching), ["4-0_2-0"])


class SlowTests(StreamCase):
    """Somebody who does not read."""

    def test_paused(self) -> None:
        """While the transport is full nothing is written; afterwards all comes, and nothing twice."""
        watching = self.watch()
        watching.producer.pauseProducing()
        before = len(watching.data)
        for _ in range(20):
            self.punch(100)
            self.clock.advance(0.25)
        self.assertEqual(len(watching.data), before)
        watching.producer.resumeProducing()
        self.clock.pump([0.25] * 4)
        self.assertEqual(
            [told.data["id"] for told in self.told(watching)], [f"{n}-0" for n in range(4, 2004)]
        )

    def test_paused_by_a_page(self) -> None:
        """A transport that is full in the midst of it gets no more than the page under way."""
        self.punch(1000)
        watching = self.watch(last_id="0-0_2-0")
        write = watching.transport.writeSequence

        def fill(data: list[bytes]) -> None:
            write(data)
            watching.producer.pauseProducing()

        watching.transport.writeSequence = fill  # type: ignore[method-assign]
        self.clock.advance(0.25)
        self.assertLessEqual(len(self.told(watching)), streams.PAGE)

    def test_paused_while_the_store_is_read(self) -> None:
        """What was read for somebody whose transport is full by then comes later, once."""
        watching = self.watch()
        self.punch()
        given, reading = self.punches.given["page"], Deferred[Any]()
        self.punches.given["page"] = reading
        self.clock.advance(0.3)
        before = len(watching.data)
        watching.producer.pauseProducing()
        self.punches.given["page"] = given
        reading.callback(self.feed.page("3-0", 10))
        self.assertEqual(len(watching.data), before)
        watching.producer.resumeProducing()
        self.assertEqual(self.ids(watching), ["4-0_2-0"])

    def test_others(self) -> None:
        """One who does not read holds up nobody."""
        slow, quick = self.watch(), self.watch()
        slow.producer.pauseProducing()
        self.punch()
        self.assertEqual(self.ids(quick), ["4-0_2-0"])

    def test_cut_off(self) -> None:
        """Who takes nothing for a minute is cut off, and its place is free."""
        self.set_bound(streams, "MOST_STREAMS", 1)
        watching = self.watch()
        watching.producer.pauseProducing()
        self.clock.pump([0.25] * 230)
        self.assertFalse(watching.is_aborted)
        self.clock.pump([0.25] * 20)
        self.assertTrue(watching.is_aborted)
        self.assertEqual(self.watch().answer().status, 200)
