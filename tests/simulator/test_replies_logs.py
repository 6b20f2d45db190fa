"""Replies to the commands about logs (protocol §5.2, §6, Appendix A)."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.simulator.admitted import NOW, acknowledged, admitted, asked, terminal_of
from tests.simulator.test_replies_users import pages
from tfserver.simulator.dialects import AIFACE, CLASSIC, DOCUMENTED, OLDEST
from tfserver.simulator.logbook import Log, LogBook
from tfserver.simulator.times import text_of


class NewLogTests(SynchronousTestCase):
    """``getnewlog``."""

    def test_pages(self) -> None:
        """Fifty logs a page; ``count`` is the total, ``to`` as each dialect reads it."""
        expected = {
            DOCUMENTED: [(120, 0, 49), (120, 50, 99), (120, 100, 119), (0, 0, 0)],
            CLASSIC: [(120, 0, 50), (120, 50, 100), (120, 100, 120), (0, 0, 0)],
            AIFACE: [(120, 0, 50), (120, 50, 100), (120, 100, 120), (0, 0, 0)],
        }
        for dialect, spans in expected.items():
            found = pages(terminal_of(dialect, backlog=120), "getnewlog")
            self.assertEqual([(page["count"], page["from"], page["to"]) for page in found], spans)

    def test_reading_moves_the_pointer(self) -> None:
        """What was given out once does not come again; what is given out is still pushed."""
        terminal = terminal_of(backlog=60)
        asked(terminal, {"cmd": "getnewlog", "stn": True})
        again = asked(terminal, {"cmd": "getnewlog", "stn": True}) or {}
        self.assertEqual((again["count"], len(again["record"])), (10, 10))
        self.assertEqual((terminal.memory.logs.new, terminal.memory.logs.waiting), (0, 60))

    def test_pushed_meanwhile(self) -> None:
        """A push that is acknowledged between two pages takes nothing out of the reading."""
        terminal = terminal_of(backlog=120)
        first = asked(terminal, {"cmd": "getnewlog", "stn": True}) or {}
        terminal.memory.logs.ack(80, terminal.memory.logs.generation)
        second = asked(terminal, {"cmd": "getnewlog", "stn": False}) or {}
        self.assertEqual((first["from"], second["from"], second["count"]), (0, 50, 120))
        self.assertEqual(terminal.memory.logs.new, 20)

    def test_cleaned_meanwhile(self) -> None:
        """After ``cleanlog`` between two pages there is nothing to read, and later logs are new again."""
        terminal = admitted(backlog=120)
        asked(terminal, {"cmd": "getnewlog", "stn": True})
        asked(terminal, {"cmd": "cleanlog"})
        self.assertEqual((asked(terminal, {"cmd": "getnewlog", "stn": False}) or {})["record"], [])
        terminal.punch(NOW, Random(1))
        self.assertEqual(terminal.memory.logs.new, 1)

    def test_acknowledged_is_not_new(self) -> None:
        """A log that was pushed and acknowledged does not come again."""
        terminal = admitted()
        acknowledged(terminal, terminal.punch(NOW, Random(1)))
        reply = asked(terminal, {"cmd": "getnewlog", "stn": True})
        empty = {"count": 0, "from": 0, "to": 0, "record": []}
        self.assertEqual(reply, {"ret": "getnewlog", "sn": "ZXDM00000001", "result": True, **empty})

    def test_record(self) -> None:
        """A log looks as in ``sendlog``."""
        (page, _) = pages(terminal_of(backlog=1), "getnewlog")
        log = {"enrollid": 1, "time": "2026-04-02 08:13:04", "mode": 1, "inout": 0, "event": 0}
        self.assertEqual(page["record"], [log])
        (page, _) = pages(terminal_of(AIFACE, backlog=1), "getnewlog")
        self.assertEqual(page["record"], [{**log, "mode": 8, "name": "Tarik 1", "aliasid": "1", "note": {}}])


class AllLogTests(SynchronousTestCase):
    """``getalllog``."""

    def test_dates(self) -> None:
        """Both dates are included, unpadded ones are read, a date-time is exact."""
        terminal = terminal_of(backlog=3000)
        logs = terminal.memory.logs.everything()
        for first, last in (("2026-04-01", "2026-04-01"), ("2026-4-1", "2026-04-02"), ("2026-04-02", None)):
            filters = {key: value for key, value in (("from", first), ("to", last)) if value}
            got = [log["time"] for page in pages(terminal, "getalllog", **filters) for log in page["record"]]
            begin, end = f"2026-04-{int(first.split('-')[2]):02d}", (last or "2026-04-30")
            wanted = [text_of(log.second) for log in logs if begin <= text_of(log.second)[:10] <= end]
            self.assertTrue(wanted)
            self.assertEqual(got, wanted)
        exact = text_of(logs[-1].second)
        reply = asked(terminal, {"cmd": "getalllog", "stn": True, "from": exact, "to": exact}) or {}
        self.assertEqual(reply["count"], 1)

    def test_pointer_stays(self) -> None:
        """Reading all logs takes none of them, and gives also those that are acknowledged."""
        terminal = admitted()
        acknowledged(terminal, terminal.punch(NOW, Random(1)))
        self.assertEqual(len(pages(terminal, "getalllog")[0]["record"]), 1)
        terminal = terminal_of(backlog=5)
        pages(terminal, "getalllog")
        self.assertEqual(terminal.memory.logs.new, 5)

    def test_nothing_found(self) -> None:
        """AiFace refuses an empty range, others answer an empty page."""
        command = {"cmd": "getalllog", "stn": True, "from": "2020-01-01", "to": "2020-01-02"}
        reply = asked(terminal_of(AIFACE, backlog=3), command) or {}
        self.assertEqual((reply["result"], reply["msg"]), (False, "can not find logs"))
        reply = asked(terminal_of(backlog=3), command) or {}
        self.assertEqual((reply["result"], reply["count"], reply["record"]), (True, 0, []))

    def test_wrong_date(self) -> None:
        """What is no date is refused."""
        reply = asked(admitted(), {"cmd": "getalllog", "stn": True, "from": "yesterday"}) or {}
        self.assertIs(reply["result"], False)

    def test_dates_on_the_oldest(self) -> None:
        """Dates came with document 1.8: the oldest firmware gives all logs, whatever is asked for."""
        command = {"cmd": "getalllog", "stn": True, "from": "2020-01-01", "to": "yesterday"}
        self.assertEqual((asked(terminal_of(OLDEST, backlog=3), command) or {})["count"], 3)

    def test_list_is_made_once(self) -> None:
        """All pages of a long reading come out of one list: nothing is copied or looked through again."""
        terminal = terminal_of(history=1000)
        looked: list[LogBook] = []
        everything = LogBook.everything

        def seen(book: LogBook) -> list[Log]:
            looked.append(book)
            return everything(book)

        self.patch(LogBook, "everything", seen)
        asked(terminal, {"cmd": "getalllog", "stn": True, "from": "2020-01-01"})
        items = terminal.memory.cursor.items if terminal.memory.cursor is not None else None
        rest = [asked(terminal, {"cmd": "getalllog", "stn": False}) or {} for _ in range(19)]
        self.assertEqual([page["from"] for page in rest], list(range(50, 1000, 50)))
        self.assertEqual(len(looked), 1)
        self.assertIs(terminal.memory.cursor.items if terminal.memory.cursor is not None else (), items)


class CleanTests(SynchronousTestCase):
    """``cleanlog``."""

    def test_cleanlog(self) -> None:
        """All logs are gone, also the unacknowledged ones, which are counted as erased."""
        terminal = terminal_of(backlog=5)
        reply = asked(terminal, {"cmd": "cleanlog"})
        self.assertEqual(reply, {"ret": "cleanlog", "sn": "ZXDM00000001", "result": True})
        logs = terminal.memory.logs
        self.assertEqual((len(logs), logs.waiting, logs.new, logs.erased), (0, 0, 0, 5))
