"""How a kind of terminal speaks is looked at once, by commands that change nothing."""

from __future__ import annotations

from typing import Any

from tests.gateway.answering import SILENT, UNKNOWN, Answering, AskedCase, Reply, log
from tests.gateway.stand_ins import SN, START
from tfserver.order import Danger
from tfserver.store.models import Learnt, Note, Notes
from tfserver.store.outbox import Look, Taken

NOW, DAY = round(START.timestamp() * 1000), 86_400_000
VISIT = ["gettime", "getnewlog", "getalllog"]
PROBE = ["gettime", "getdevinfo", "getuserlist", "getdevlock", "getalllog"]
USERS = [{"enrollid": 7, "admin": "0", "backupnum": 0}, {"enrollid": 8, "admin": "1", "backupnum": 11}]


class ProbeCase(AskedCase):
    """A kind of terminal that nobody has looked at."""

    def setUp(self) -> None:
        """Who asks makes the notes."""
        super().setUp()
        self.models.given["claim"] = True

    def probed(self, **replies: Reply) -> Answering:
        """A terminal that was looked at."""
        terminal = self.terminal(
            **{"getuserlist": {"count": 2, "from": 0, "to": 1, "record": USERS}, **replies}
        )
        self.run_for(20)
        return terminal

    def notes(self) -> Notes:
        """The notes that were kept."""
        [(model, firmware, notes)] = self.models.asked("keep")
        self.assertEqual((model, firmware), ("tfs30", "v1"))
        found: Notes = notes
        return found


class OnceTests(ProbeCase):
    """When it is done."""

    def test_after_the_first_visit(self) -> None:
        """After a visit the terminal is asked five harmless things, in this order."""
        terminal = self.probed()
        self.assertEqual(terminal.firsts(), VISIT + PROBE)
        self.assertEqual(self.counted("probed"), 1)
        past = terminal.asked[-1]
        self.assertEqual((past["from"], past["to"]), ("2026-04-01", "2026-04-01"))

    def test_known_kind(self) -> None:
        """What has notes is not looked at, and not claimed."""
        self.models.given["get"] = Learnt(Notes(NOW - 80 * DAY, {}), {})
        self.assertEqual(self.probed().firsts(), VISIT)
        self.assertEqual(self.models.asked("claim"), [])

    def test_old_notes(self) -> None:
        """After some months it is looked at again: firmware changes without a new name, too."""
        self.models.given["get"] = Learnt(Notes(NOW - 100 * DAY, {}), {})
        self.assertEqual(self.probed().firsts(), VISIT + PROBE)

    def test_somebody_else(self) -> None:
        """What another is looking at is left to him."""
        self.models.given["claim"] = False
        self.assertEqual(self.probed().firsts(), VISIT)

    def test_first_pages_only(self) -> None:
        """Of a list only the first page is asked for, and nobody is changed or made by it."""
        terminal = self.probed(getuserlist={"count": 99, "from": 0, "to": 1, "record": USERS})
        pages = [command for command in terminal.asked if command["cmd"] == "getuserlist"]
        self.assertEqual([command["stn"] for command in pages], [True])
        self.assertEqual(self.stand.users.calls, [])

    def test_people_first(self) -> None:
        """Orders of people go between its questions."""
        waiting = [Taken("o1", "getdevinfo", {}, 60.0, 1, Danger.ORDINARY)]
        self.stand.outbox.given["take"] = lambda *_: Look(waiting.pop()) if waiting else Look()
        self.stand.outbox.given["finish"] = Look()

        def users(command: dict[str, Any]) -> dict[str, Any]:
            """Somebody orders something while the terminal answers."""
            self.fleet.post.wake(SN)
            return {"count": 0, "record": []}

        terminal = self.probed(getuserlist=users)
        self.assertEqual(terminal.firsts()[-3:], ["getdevinfo", "getdevlock", "getalllog"])

    def test_lost_in_between(self) -> None:
        """Of one that is lost meanwhile no notes are kept: the next makes them."""
        terminal = self.terminal()

        def lose(command: dict[str, Any]) -> dict[str, Any]:
            """It is gone."""
            terminal.link.lost()
            return {}

        terminal.replies["getdevlock"] = lose
        self.run_for(20)
        self.assertEqual(self.models.asked("keep"), [])


class NotesTests(ProbeCase):
    """What is noted."""

    def test_words(self) -> None:
        """How each command was met, and whether the reply said who it is of."""
        self.probed(getdevlock=UNKNOWN, getdevinfo={"volume": 6})
        self.assertEqual(
            self.notes().words,
            {
                "gettime": Note("answered", False),
                "getdevinfo": Note("answered", False),
                "getuserlist": Note("answered", False),
                "getdevlock": Note("refused", False),
                "getalllog": Note("answered", False),
            },
        )

    def test_sn(self) -> None:
        """Replies with a serial number are noted as such."""
        self.probed()
        self.assertEqual(self.notes().words["getdevinfo"], Note("answered", True))

    def test_silent(self) -> None:
        """Silence is noted, and what was silent before on this connection is not said for it."""
        terminal = self.terminal(gettime=SILENT, getdevlock=SILENT)
        self.run_for(70)
        self.assertEqual(terminal.words().count("gettime"), 1)
        notes = self.notes()
        self.assertEqual(
            [word for word, note in notes.words.items() if note.met == "silent"], ["gettime", "getdevlock"]
        )

    def test_nothing_answered(self) -> None:
        """Of one that says nothing at all no notes are kept."""
        self.terminal(**dict.fromkeys([*VISIT, *PROBE], SILENT))
        self.run_for(500)
        self.assertEqual(self.models.asked("keep"), [])

    def test_ends(self) -> None:
        """Whether a page names its last record, or the place behind it."""
        for last, expected in ((1, "inclusive"), (2, "exclusive"), (7, None), ("x", None)):
            self.models.calls.clear()
            self.probed(getuserlist={"count": 2, "from": 0, "to": last, "record": USERS}).link.lost()
            self.assertEqual(self.notes().to, expected)

    def test_first_that_tells(self) -> None:
        """What the list of people told is not taken back by a list of logs that tells nothing."""
        page = {"record": [log(1, "2026-04-01 08:00:00")]}
        self.probed(getalllog=lambda command: page if "to" in command and command["stn"] else {"record": []})
        self.assertEqual((self.notes().to, self.notes().count), ("inclusive", "page or total"))

    def test_counts(self) -> None:
        """What is counted, as far as one page tells."""
        for count, expected in ((2, "page or total"), (9, "total"), (0, "wrong"), (None, None)):
            self.models.calls.clear()
            self.probed(getuserlist={"count": count, "from": 0, "to": 1, "record": USERS}).link.lost()
            self.assertEqual(self.notes().count, expected)

    def test_admin(self) -> None:
        """Whether numbers of people come as text."""
        for admin, expected in (("0", "text"), (0, "number"), (None, None)):
            self.models.calls.clear()
            users = [{**USERS[0], "admin": admin}]
            self.probed(getuserlist={"count": 1, "from": 0, "to": 0, "record": users}).link.lost()
            self.assertEqual(self.notes().admin, expected)

    def test_msg(self) -> None:
        """Whether it refuses in words; without a refusal nobody knows."""
        for reply, expected in (
            (UNKNOWN, True),
            ({"result": False, "reason": 1}, False),
            ({"volume": 1}, None),
        ):
            self.models.calls.clear()
            self.probed(getdevlock=reply).link.lost()
            self.assertIs(self.notes().msg, expected)

    def test_from_the_logs(self) -> None:
        """A list of logs tells where one of people has nothing to tell."""
        terminal = self.terminal(getuserlist={"count": 0, "record": []})
        terminal.logs = [log(n, f"2026-04-01 08:00:0{n}") for n in range(5)]
        self.run_for(20)
        self.assertEqual((self.notes().to, self.notes().count), ("exclusive", "total"))
