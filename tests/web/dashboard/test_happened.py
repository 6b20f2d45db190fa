"""What happened since the last look."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tests.web.in_memory import Feed
from tests.web.samples import SN, a_row
from tfserver.errors import StoreUnavailable
from tfserver.store.events import Ends, Event
from tfserver.web.dashboard import happened
from tfserver.web.dashboard.happened import Happened, Seen


class HappenedTests(SynchronousTestCase):
    """Two feeds that grow."""

    def setUp(self) -> None:
        """Something happened before anybody looked."""
        self.feed = Feed(a_row())
        self.happened: list[Event] = []
        self.happen("terminal", sn="OLD")
        self.events = Face(page=self.page, ends=self.ends)
        sources: Any = type(
            "Sources", (), {"feed": Face(page=self.feed.page, last=self.feed.last), "events": self.events}
        )()
        self.reader = Happened(sources)
        self.successResultOf(Deferred.fromCoroutine(self.reader.begin()))

    def ends(self) -> Ends:
        """Where both feeds end."""
        return Ends(f"{len(self.feed.rows)}-0", f"{len(self.happened)}-0")

    def page(self, after: str, limit: int) -> list[Event]:
        """Events behind a place."""
        return self.happened[int(after.partition("-")[0]) :][:limit]

    def happen(self, kind: str, **told: Any) -> None:
        """Something happens."""
        self.happened.append(Event(f"{len(self.happened) + 1}-0", kind, json.dumps(told)))

    def next(self) -> Seen:
        """One look."""
        return self.successResultOf(Deferred.fromCoroutine(self.reader.next()))

    def test_once(self) -> None:
        """Each thing is seen once, in its order, and nothing of before."""
        self.assertEqual(self.next(), Seen([], []))
        self.happen("terminal", sn=SN)
        self.happen("sync", id="x")
        self.feed.rows += [a_row(uid="a"), a_row(uid="b")]
        seen = self.next()
        self.assertEqual([punch.uid for punch in seen.punches], ["a", "b"])
        self.assertEqual((seen.events, seen.terminals), ([("terminal", SN), ("sync", "")], [SN]))
        self.assertEqual(seen.kinds(), {("terminal", SN), ("sync", ""), ("punch", SN)})
        self.assertEqual(self.next(), Seen([], []))

    def test_too_many_events(self) -> None:
        """Of very many events the rest is left out, and that is told."""
        for _ in range(happened.PAGE + 1):
            self.happen("terminal", sn=SN)
        seen = self.next()
        self.assertEqual((len(seen.events), seen.is_cut, seen.is_flood), (happened.PAGE, True, False))
        self.assertEqual(self.next(), Seen([], []))

    def test_too_many_punches(self) -> None:
        """Of very many punches the first and the newest are seen, each once."""
        for more, skipped in ((2 * happened.PAGE, happened.PAGE - happened.SHOWN), (happened.PAGE + 1, 0)):
            uids = [f"{more}-{n}" for n in range(more)]
            self.feed.rows += [a_row(uid=uid) for uid in uids]
            seen = [punch.uid for punch in self.next().punches]
            self.assertEqual(seen, uids[: happened.PAGE] + uids[happened.PAGE + skipped :])
            self.assertEqual(self.next(), Seen([], []))

    def test_events_beside_a_flood(self) -> None:
        """Punches that are left out take no events with them."""
        self.feed.rows += [a_row(uid=str(n)) for n in range(2 * happened.PAGE)]
        read = self.events.given["page"]

        def page(after: str, limit: int) -> list[Event]:
            """Something happens just after events were read."""
            found: list[Event] = read(after, limit)
            self.events.given["page"] = read
            self.happen("terminal", sn=SN)
            return found

        self.events.given["page"] = page
        self.assertTrue(self.next().is_flood)
        self.assertEqual(self.next().terminals, [SN])

    def test_store_away(self) -> None:
        """What happened while the store could not be asked is seen afterwards, punches as well."""
        self.happen("terminal", sn=SN)
        self.feed.rows.append(a_row(uid="a"))
        self.events.given["page"] = StoreUnavailable("away")
        self.failureResultOf(Deferred.fromCoroutine(self.reader.next()), StoreUnavailable)
        self.events.given["page"] = self.page
        seen = self.next()
        self.assertEqual(([punch.uid for punch in seen.punches], seen.terminals), (["a"], [SN]))
