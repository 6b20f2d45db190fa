"""Pages of punches: read as pushed ones are, kept before the next, no door decided (protocol §5.2, §6)."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, said, wrong_fields
from tests.commands.kept import AWAY, MOMENT, SN, Desk
from tfserver.commands import logs
from tfserver.commands.logs import read_page
from tfserver.commands.reading import GetAllLog, GetNewLog
from tfserver.errors import StoreUnavailable
from tfserver.model import ClockEntry
from tfserver.wire.message import RawReply
from tfserver.wire.table import vocabulary

TIME = "2026-04-02 08:15:00"
EXAMPLES = settings(derandomize=True, deadline=None, database=None, max_examples=200)
TIMES = st.sampled_from(
    (
        TIME,
        "2026-04-01 23:59:59",
        "2026-04-02 09:00:00",
        "2000-01-01 00:00:00",
        "2026/4/2 8:15",
        f" {TIME}",
        "soon",
    )
)
PLAIN = st.fixed_dictionaries(
    {"enrollid": st.integers(0, 9), "time": TIMES},
    optional={"mode": st.integers(-1, 9), "inout": st.integers(0, 1), "event": st.integers(0, 3)},
)
ODD = st.one_of(
    PLAIN.map(lambda record: {**record, "temp": 365}),
    PLAIN.map(lambda record: {**record, "enrollid": str(record["enrollid"])}),
    PLAIN.map(lambda record: {**record, "name": "Ines M"}),
    st.sampled_from((None, "junk", 7, {}, {"enrollid": 7}, {"time": TIME})),
)


def record(enrollid: int = 7, **more: Any) -> dict[str, Any]:
    """A punch as documented."""
    return {"enrollid": enrollid, "time": TIME, "mode": 1, "inout": 0, "event": 0, **more}


class OrderTests(SynchronousTestCase):
    """What is asked for."""

    def test_days(self) -> None:
        """A range of days that exist, each end of which may be left out."""
        for given_days in (
            {},
            {"from": "2026-03-01"},
            {"to": "2026-03-31"},
            {"from": "2026-03-01", "to": "2026-03-01"},
            {"from": "2024-02-29", "to": "2026-03-31"},
        ):
            self.assertEqual(said("getalllog", **given_days), given_days)

    def test_wrong_days(self) -> None:
        """Each day that does not exist is named, and the end is not before the beginning."""
        for days, wrong in (
            ({"from": "2026-02-30"}, ["from"]),
            ({"from": "2026-3-1", "to": "2026-03-31 00:00:00"}, ["from", "to"]),
            ({"from": "2026-03-02", "to": "2026-03-01"}, ["to"]),
            ({"from": "2026-03-02\n"}, ["from"]),
            ({"to": 20260301}, ["to"]),
            ({"since": "2026-03-01"}, ["since"]),
        ):
            self.assertEqual(wrong_fields("getalllog", **days), wrong, days)

    def test_no_page_word(self) -> None:
        """Who pages says ``stn``: nobody else may."""
        for word in ("getnewlog", "getalllog", "getuserlist", "getholiday"):
            self.assertEqual(wrong_fields(word, stn=True), ["stn"])

    def test_subjects(self) -> None:
        """Asking is in order with nothing; deleting logs is a subject of its own."""
        subjects = [ordered(word).subject() for word in ("getnewlog", "getalllog", "cleanlog")]
        self.assertEqual(subjects, ["", "", "logs"])


class KeepCase(SynchronousTestCase):
    """Tests that keep a page."""

    def keep(self, desk: Desk, kind: type[Any] = GetNewLog, **fields: Any) -> Any:
        """What people see of a page."""
        keeper = vocabulary.keeper_of(kind)
        assert keeper is not None
        reply = RawReply(kind.word(), True, {"sn": SN, "count": 1, "from": 0, "to": 1, **fields})
        return Deferred.fromCoroutine(keeper(kind(), reply, desk.context))

    def shown(self, desk: Desk, kind: type[Any] = GetNewLog, **fields: Any) -> dict[str, Any]:
        """The same when it is kept."""
        found: dict[str, Any] = self.successResultOf(self.keep(desk, kind, **fields))
        return found


class KeepTests(KeepCase):
    """What becomes of a page."""

    def test_kept(self) -> None:
        """Both commands keep good and bad records, and tell how many, and no more."""
        for kind in (GetNewLog, GetAllLog):
            desk = Desk().admit()
            shown = self.shown(desk, kind, record=[record(), "junk", record(8)])
            self.assertEqual(shown, {"records": 3, "new": 2, "known": 0, "bad": 1})
            ((sn, logindex, records, bad),) = desk.punches.batches
            self.assertEqual((sn, logindex, len(records), len(bad)), (SN, None, 2, 1))
            self.assertEqual({one.sighting for one in records}, {None})

    def test_known(self) -> None:
        """Those that were pushed already are told apart."""
        desk = Desk().admit()

        async def known(sn: str, logindex: Any, records: Any, bad: Any) -> logs.Kept:
            """All but one."""
            return logs.Kept(1, len(records) - 1, 0)

        self.patch(desk.punches, "append", known)
        shown = self.shown(desk, record=[record(n) for n in range(1, 51)])
        self.assertEqual(shown, {"records": 50, "new": 1, "known": 49, "bad": 0})
        text = desk.context.services.metrics.exposition().decode()
        self.assertIn('tfserver_punches_total{kind="known"} 49.0', text)
        self.assertIn('tfserver_punches_total{kind="new"} 1.0', text)

    def test_empty(self) -> None:
        """An empty page needs no store."""
        desk = Desk().admit()
        desk.punches.failure = AWAY
        for fields in ({"record": []}, {}, {"record": ""}):
            self.assertEqual(self.shown(desk, **fields), {"records": 0, "new": 0, "known": 0, "bad": 0})

    def test_store_away(self) -> None:
        """A page that can't be kept is no success: the next must not be asked for."""
        desk = Desk().admit()
        desk.punches.failure = AWAY
        self.failureResultOf(self.keep(desk, record=[record()]), StoreUnavailable)

    def test_other_names(self) -> None:
        """Quirk 27: the list by another name, and one object where a list is due."""
        for fields in ({"logs": [record()]}, {"data": [record()]}, {"record": record()}):
            self.assertEqual(self.shown(Desk().admit(), **fields)["new"], 1, fields)

    def test_no_door(self) -> None:
        """A punch of a known person that was fetched opens nothing, however young."""
        desk = Desk(terminals__access="known").admit()
        desk.users.failure = AWAY
        shown = self.shown(desk, record=[record(time="2026-04-02 08:15:03")])
        self.assertEqual(set(shown), {"records", "new", "known", "bad"})

    def test_clock_is_left_alone(self) -> None:
        """A reply sets no clock."""
        desk = Desk(terminals__timezone="Asia/Tokyo").admit()
        self.shown(desk, record=[record()])
        self.assertEqual(desk.terminals.clocks, [])

    def test_pictures(self) -> None:
        """Pictures are kept where pushed ones are, and dropped by default."""
        for images, expected in (("keep", "/9j/4AAQ"), ("drop", "")):
            desk = Desk(punches__images=images).admit()
            self.shown(desk, record=[record(image="data:image/jpeg;base64,/9j/4AAQ")])
            self.assertEqual(desk.punches.batches[0][2][0].picture, expected)


class PageTests(SynchronousTestCase):
    """The fast way and the careful one."""

    def page(self, items: list[Any], *timeline: ClockEntry) -> Any:
        """A page as it is read."""
        return read_page(items, Desk().admit(*timeline).context, MOMENT)

    def carefully(self, items: list[Any], *timeline: ClockEntry) -> Any:
        """The same with each record read by itself."""
        context = Desk().admit(*timeline).context
        return logs._read_each(items, None, context, MOMENT, logs._EITHER)

    def test_fast(self) -> None:
        """Records as documented are never read one by one."""
        self.patch(logs, "read_record", lambda _: 1 / 0)
        self.assertEqual(len(self.page([record(n) for n in range(50)]).records), 50)

    def assert_same(self, items: list[Any], *timeline: ClockEntry) -> None:
        """Both ways lead to the same records."""
        found, expected = self.page(items, *timeline), self.carefully(items, *timeline)
        self.assertEqual((found.records, found.bad), (expected.records, expected.bad))
        self.assertEqual(found.whens, expected.whens)

    @EXAMPLES
    @given(st.lists(st.one_of(PLAIN, ODD), max_size=6), st.booleans())
    def test_same(self, items: list[Any], moved: bool) -> None:
        """Whatever is in a page, both ways lead to the same."""
        clock = (ClockEntry(0, 0), ClockEntry(1_775_000_000_000, 3600)) if moved else (ClockEntry(0, 0),)
        self.assert_same(items, *clock)

    @EXAMPLES
    @given(st.lists(PLAIN, max_size=6))
    def test_same_plain(self, items: list[Any]) -> None:
        """Also where all is as documented but for the times."""
        self.assert_same(items)

    def test_same_identity_as_pushed(self) -> None:
        """A punch that was fetched is the one that was pushed."""
        desk = Desk().admit()
        pushed = logs.read_batch(logs.SendLog(logindex=5, record=[record()]), desk.context, MOMENT)
        fetched = read_page([record()], desk.context, MOMENT)
        self.assertEqual(fetched.records[0].uid, pushed.records[0].uid)
        self.assertEqual(fetched.records[0].member, pushed.records[0].member)

    def test_how_verified(self) -> None:
        """A page does not tell the terminal's generation, so only a face is sure."""
        found = {
            mode: json.loads(self.page([record(mode=mode)]).records[0].body)["verify"]
            for mode in (0, 1, 2, 3, 8, 13)
        }
        expected = {
            0: "fingerprint (?)",
            1: "fingerprint (?)",
            2: "password (?)",
            3: "card (?)",
            8: "face",
            13: None,
        }
        self.assertEqual(found, expected)
