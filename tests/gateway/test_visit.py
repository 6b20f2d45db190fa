"""What one terminal is asked for: what is new, all of the days in doubt, and the time it shows."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher

from tests.gateway.answering import SILENT, UNKNOWN, AskedCase, log
from tests.gateway.stand_ins import SN
from tfserver.config import ModelProfile, Settings
from tfserver.errors import StoreUnavailable
from tfserver.gateway.visit import Visit
from tfserver.model import Admission, Registration
from tfserver.order import Danger
from tfserver.store.models import MOST_SILENCES, Learnt
from tfserver.store.outbox import Look, Taken
from tfserver.store.proven import Proof

ROUND = ["gettime", "getnewlog", "getalllog"]
FIRST_DAY, TOMORROW = "2026-03-26", "2026-04-03"
LOGS = [log(n, f"2026-04-0{n % 2 + 1} 08:00:0{n}") for n in range(5)]


class FetchTests(AskedCase):
    """What is fetched, and when nothing is in doubt any more."""

    def test_never_pushed(self) -> None:
        """Punches that the terminal never pushed are kept, counted, and told once in the log."""
        seen: list[str] = []
        globalLogPublisher.addObserver(lambda event: seen.append(str(event.get("log_format"))))
        terminal = self.terminal()
        terminal.logs = list(LOGS)
        self.run_for(20)
        self.assertEqual(len(self.kept.known), 5)
        self.assertEqual((self.counted("fetched"), self.counted("caught_up")), (5, 1))
        self.assertEqual(len([text for text in seen if "had not pushed" in text]), 1)

    def test_all_pushed(self) -> None:
        """Where push lost nothing, nothing is counted as fetched."""
        terminal = self.terminal()
        terminal.sendlog()
        terminal.logs = [{**log(17, "2026-04-02 08:15:00"), "mode": 0}]
        self.run_for(20)
        self.assertEqual((self.counted("fetched"), self.counted("caught_up")), (0, 1))

    def test_days(self) -> None:
        """First some days back are read, and one day more than today: some firmware leaves out the last."""
        terminal = self.terminal()
        self.run_for(20)
        [asked] = [command for command in terminal.asked if command["cmd"] == "getalllog"]
        self.assertEqual((asked["from"], asked["to"]), (FIRST_DAY, TOMORROW))

    def test_days_after_a_proof(self) -> None:
        """Later, days before the last proof are not read again."""
        terminal = self.terminal()
        self.run_for(20)
        self.assertIsNotNone(self.known.proven_ms)
        self.run_for(3600 * 1.2)
        asked = [command for command in terminal.asked if command["cmd"] == "getalllog"]
        self.assertEqual((asked[1]["from"], asked[1]["to"]), ("2026-04-02", TOMORROW))

    def test_doubt_before_the_first_page(self) -> None:
        """That records may be missing is kept before the first page is asked for."""
        marked: list[str] = []

        def first_page(command: dict[str, Any]) -> dict[str, Any]:
            marked.append(self.known.dirty)
            return {}

        self.terminal(getnewlog=first_page)
        self.run_for(20)
        self.assertEqual(marked, [FIRST_DAY])

    def test_lost_in_the_middle(self) -> None:
        """Who is lost between pages that come only once stays in doubt; the next visit fetches the rest."""
        terminal = self.terminal()
        terminal.logs = list(LOGS)
        pages: list[Any] = []

        def lose(command: dict[str, Any]) -> dict[str, Any]:
            """The second page never leaves the terminal, which believes it gave it."""
            pages.append(command)
            if len(pages) == 2:
                terminal.link.lost()
            return terminal._own(command)

        terminal.replies["getnewlog"] = lose
        self.run_for(20)
        self.assertEqual((len(self.kept.known), self.known.dirty), (2, FIRST_DAY))
        self.assertEqual(terminal.taken, 4)
        again = self.terminal(connection="c2")
        again.logs, again.taken = terminal.logs, terminal.taken
        self.run_for(20)
        self.assertEqual((len(self.kept.known), self.known.dirty), (5, ""))

    def test_not_whole(self) -> None:
        """A list that did not come whole proves nothing: the doubt stays, and the day it began."""
        terminal = self.terminal()
        repeated = {"count": 9, "from": 0, "to": 2, "record": LOGS[:2]}
        terminal.replies["getalllog"] = repeated
        self.run_for(20)
        self.assertEqual((self.known.dirty, self.known.proven_ms), (FIRST_DAY, None))
        self.assertEqual((self.counted("caught_up"), self.counted("given_up")), (0, 1))
        del terminal.replies["getalllog"]
        self.run_for(3600 * 1.2)
        self.assertEqual(self.known.dirty, "")

    def test_refused(self) -> None:
        """A terminal that refuses is still in doubt."""
        self.terminal(getalllog={"result": False, "reason": 1, "msg": "device busy"})
        self.run_for(20)
        self.assertEqual((self.known.dirty, self.counted("given_up")), (FIRST_DAY, 1))

    def test_empty_in_words(self) -> None:
        """AiFace says that it can't find logs where there are none: that is a whole list."""
        self.terminal(getalllog={"result": False, "reason": 1, "msg": "can not find logs"})
        self.run_for(20)
        self.assertEqual((self.known.dirty, self.counted("caught_up")), ("", 1))

    def test_changed_hands(self) -> None:
        """When the lease is another's by then, nothing is proven."""
        self.terminals.given["prove"] = False
        self.terminal()
        self.run_for(20)
        self.assertEqual(self.counted("given_up"), 1)

    def test_moment_of_the_proof(self) -> None:
        """Proven is what was there before the reading began, not what came while it went on."""
        began: list[int] = []

        def page(command: dict[str, Any]) -> dict[str, Any]:
            """It takes its time."""
            began.append(self.stand.services.present.read().ms)
            self.stand.clock.rightNow += 5
            return {"count": 0, "record": []}

        self.terminal(getalllog=page)
        self.run_for(20)
        self.assertEqual(self.known.proven_ms, began[0])


class PeopleFirstTests(AskedCase):
    """Orders of people."""

    def test_between_the_steps(self) -> None:
        """An order that comes meanwhile is carried out before the next step."""
        waiting = [Taken("o1", "getdevinfo", {}, 60.0, 1, Danger.ORDINARY)]
        self.stand.outbox.given["take"] = lambda *_: Look(waiting.pop()) if waiting else Look()
        self.stand.outbox.given["finish"] = Look()
        terminal = self.terminal()

        def shown(command: dict[str, Any]) -> dict[str, Any]:
            """Somebody orders something while the terminal answers."""
            self.fleet.post.wake(SN)
            return terminal._own(command)

        terminal.replies["gettime"] = shown
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime", "getdevinfo", "getnewlog", "getalllog"])

    def test_at_work(self) -> None:
        """A terminal that carries out orders is asked later."""
        taken = Taken("o1", "getdevinfo", {}, 60.0, 1, Danger.ORDINARY)
        looks = [Look(taken)]
        self.stand.outbox.given["take"] = lambda *_: looks.pop() if looks else Look()
        self.stand.outbox.given["finish"] = Look()
        terminal = self.terminal(getdevinfo=SILENT)
        self.run_for(10)
        self.fleet.post.wake(SN)
        self.run_for(10)
        self.assertEqual(terminal.words(), ["getdevinfo"])
        self.run_for(30)
        self.assertEqual(terminal.firsts(), ["getdevinfo", "gettime", "getnewlog", "getalllog"])

    def test_reg_in_between(self) -> None:
        """While the terminal registers anew nothing is said; then it goes on."""
        terminal = self.terminal()
        registering: Deferred[Registration] = Deferred()
        self.terminals.given["register"] = registering

        def shown(command: dict[str, Any]) -> dict[str, Any]:
            """It says reg again before it answers."""
            if not registering.called:
                terminal.register()
            return terminal._own(command)

        terminal.replies["gettime"] = shown
        self.run_for(15.5)
        self.assertEqual(terminal.firsts(), ["gettime"])
        registering.callback(Registration(Admission.APPROVED, timezone="UTC"))
        self.run_for(2)
        self.assertEqual(terminal.firsts(), ROUND)

    def test_refused_in_between(self) -> None:
        """One that is refused meanwhile is asked later if it comes again, and not twice as often."""
        terminal = self.terminal()

        def shown(command: dict[str, Any]) -> dict[str, Any]:
            """It says reg again before it answers, and the store is slow just then."""
            was = self.terminals.given["register"]
            self.terminals.given["register"] = StoreUnavailable("slow")
            terminal.register()
            self.terminals.given["register"] = was
            terminal.replies.clear()
            return terminal._own(command)

        terminal.replies["gettime"] = shown
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime"])
        terminal.register()
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime", *ROUND])
        self.run_for(3600 * 1.2)
        self.assertEqual(terminal.firsts(), ["gettime", *ROUND * 2])

    def test_end_of_the_process(self) -> None:
        """A long list is not read on when the process is about to end; then nothing is proven."""
        terminal = self.terminal()
        terminal.logs = LOGS * 10

        def hold(command: dict[str, Any]) -> dict[str, Any]:
            """Somebody stops the server."""
            self.fleet.post.hold()
            return terminal._own(command)

        terminal.replies["getalllog"] = hold
        self.run_for(20)
        self.assertEqual(terminal.words().count("getalllog"), 1)
        self.assertNotEqual(self.known.dirty, "")
        self.assertFalse(self.fleet.post.busy)


class SilentTests(AskedCase):
    """Firmware that does not know a command, and terminals that hang."""

    def test_getnewlog(self) -> None:
        """Without an answer to getnewlog the days in doubt are read all the same."""
        terminal = self.terminal(getnewlog=SILENT)
        terminal.logs = list(LOGS)
        self.run_for(90)
        self.assertEqual(terminal.firsts(), ROUND)
        self.assertEqual((len(self.kept.known), self.known.dirty), (5, ""))

    def test_once_a_connection(self) -> None:
        """What was not answered is not said again on that connection, and the connection stays."""
        terminal = self.terminal(getnewlog=SILENT)
        self.run_for(3600 * 2.5)
        self.assertEqual(terminal.words().count("getnewlog"), 1)
        self.assertGreaterEqual(terminal.words().count("getalllog"), 3)
        self.assertEqual(terminal.wire.closed(), [])
        self.assertNotIn("abort", terminal.wire.events)

    def test_kind_is_charged(self) -> None:
        """The kind of terminal is charged with a silence, once it has answered something else."""
        self.terminal(getnewlog=SILENT)
        self.run_for(70)
        self.assertEqual(self.models.asked("was_silent"), [])
        self.run_for(20)
        self.assertEqual(self.models.asked("was_silent"), [("tfs30", "v1", "getnewlog")])
        self.run_for(3600 * 2)
        self.assertEqual(len(self.models.asked("was_silent")), 1)

    def test_hanging_terminal(self) -> None:
        """One that answers nothing at all says nothing of its kind, and keeps its doubt."""
        terminal = self.terminal(gettime=SILENT, getnewlog=SILENT, getalllog=SILENT)
        self.run_for(3600 * 2)
        self.assertEqual(self.models.asked("was_silent"), [])
        self.assertEqual(terminal.words(), ROUND)
        self.assertEqual(self.known.dirty, FIRST_DAY)
        self.assertGreaterEqual(self.counted("given_up"), 2)

    def test_learnt(self) -> None:
        """What a kind did not answer several times in a row is not said to others of it."""
        self.models.given["get"] = Learnt(None, {"getnewlog": MOST_SILENCES, "gettime": MOST_SILENCES - 1})
        terminal = self.terminal()
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime", "getalllog"])
        self.assertEqual(self.known.dirty, "")

    def test_answered_again(self) -> None:
        """An answer ends the row of silences."""
        self.models.given["get"] = Learnt(None, {"getnewlog": 2})
        self.terminal()
        self.run_for(20)
        self.assertEqual(self.models.asked("has_answered"), [("tfs30", "v1", "getnewlog")])

    def test_unknown_in_words(self) -> None:
        """A terminal that says that it does not know a command is asked for the days in doubt."""
        terminal = self.terminal(getnewlog=UNKNOWN, gettime=UNKNOWN)
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ROUND)
        self.assertEqual(self.known.dirty, "")


class ChosenProfileTests(AskedCase):
    """What people said of a kind of terminal."""

    def setUp(self) -> None:
        """A profile of terminals without getnewlog, and one of terminals with everything."""
        super().setUp()
        profiles = {"old": ModelProfile(silent=frozenset({"getnewlog"})), "new": ModelProfile()}
        settings = Settings(profiles=profiles)
        object.__setattr__(self.stand.services, "settings", settings)

    def test_silent(self) -> None:
        """What people say is not answered is not said."""
        self.terminals.given["register"] = Registration(
            Admission.APPROVED, timezone="UTC", model_profile="old"
        )
        terminal = self.terminal()
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ["gettime", "getalllog"])

    def test_overrides(self) -> None:
        """What people say counts before what was learnt."""
        self.models.given["get"] = Learnt(None, {"getnewlog": 99})
        self.terminals.given["register"] = Registration(
            Admission.APPROVED, timezone="UTC", model_profile="new"
        )
        terminal = self.terminal()
        self.run_for(20)
        self.assertEqual(terminal.firsts(), ROUND)


class ReadyTests(AskedCase):
    """A visit by itself."""

    def test_ends_once(self) -> None:
        """However often it is ended, that is told once."""
        terminal = self.terminal()
        told: list[Any] = []
        courier = self.fleet.post.courier_of(terminal.link)
        visit = Visit(courier, self.fleet.catchup._silences, lambda *end: told.append(end))
        visit.end("first")  # type: ignore[arg-type]
        visit.end("second")  # type: ignore[arg-type]
        self.assertEqual(told, [(visit, "first")])
        self.assertEqual(self.known, Proof())
