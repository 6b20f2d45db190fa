"""A fleet on a clock, and terminals that answer commands, with logs to be read page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import SN, Dialled, Stand
from tfserver.config import CatchUp, Settings
from tfserver.config import Terminals as TerminalSettings
from tfserver.gateway.fleet import Fleet
from tfserver.store.proven import Proof
from tfserver.store.shelf import Bad, Kept, Record

PAGE = 2
SILENT: dict[str, Any] = {}
UNKNOWN = {"result": False, "reason": 1, "msg": "can not find this command"}
Reply = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]


def log(enrollid: int, when: str) -> dict[str, Any]:
    """A log record."""
    return {"enrollid": enrollid, "time": when, "mode": 1, "inout": 0, "event": 0}


class Answering(Dialled):
    """A terminal with ``logs``, of which those behind ``taken`` are new; ``replies`` come before its own.

    ``shows`` is how many seconds its clock is ahead. A reply without fields is silence.
    """

    def __init__(self, stand: Stand, fleet: Fleet, connection: str = "c1") -> None:
        super().__init__(stand, fleet, connection)
        fleet.add(self.link)
        self.stand = stand
        self.logs: list[dict[str, Any]] = []
        self.taken = 0
        self.shows = 0.0
        self.replies: dict[str, Reply] = {}
        self.asked: list[dict[str, Any]] = []
        self._seen = 0
        self._list: list[dict[str, Any]] = []
        self._place = 0

    def register(self, sn: str = SN, **devinfo: Any) -> Answering:
        """It registers."""
        self.says(cmd="reg", sn=sn, devinfo=devinfo)
        return self

    def words(self) -> list[str]:
        """The commands it got, each page once."""
        return [command["cmd"] for command in self.asked]

    def firsts(self) -> list[str]:
        """The commands it got, lists once."""
        return [command["cmd"] for command in self.asked if command.get("stn") is not False]

    def answer(self) -> bool:
        """Answer what came; whether there was something."""
        messages = [event for event in self.wire.messages() if "cmd" in event]
        came, self._seen = messages[self._seen :], len(messages)
        for command in came:
            self.asked.append(command)
            reply = self.replies.get(command["cmd"], self._own)
            fields = reply(command) if callable(reply) else reply
            if fields:
                self.says(ret=command["cmd"], **{"result": True, **fields})
        return bool(came)

    def _own(self, command: dict[str, Any]) -> dict[str, Any]:
        if command["cmd"] == "gettime":
            return {"time": self._time()}
        if command["cmd"] not in ("getnewlog", "getalllog"):
            return {"sn": SN}
        if command["stn"]:
            new = self.logs[self.taken :]
            self._list, self._place = new if command["cmd"] == "getnewlog" else self._between(command), 0
        page = self._list[self._place :][:PAGE]
        found = {"count": len(self._list), "from": self._place, "to": self._place + len(page), "record": page}
        self._place += len(page)
        if command["cmd"] == "getnewlog":
            self.taken += len(page)
        return found

    def _between(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        first, last = command.get("from", ""), command.get("to", "9999")
        return [record for record in self.logs if first <= record["time"][:10] <= last]

    def _time(self) -> str:
        shown = self.stand.now().timestamp() + self.shows
        return (
            type(self.stand.now()).fromtimestamp(shown, self.stand.now().tzinfo).strftime("%Y-%m-%d %H:%M:%S")
        )


class Remembering:
    """Punches that are known when they come again; while ``failure`` is set none are kept."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.failure: Exception | None = None

    def append(
        self, sn: str, logindex: int | None, records: list[Record], bad: list[Bad]
    ) -> Kept | Exception:
        """As the store does it."""
        if self.failure is not None:
            return self.failure
        new = {record.uid for record in records} - self.known
        self.known |= new
        return Kept(len(new), len(records) - len(new), 0)


class AskedCase(SynchronousTestCase):
    """A fleet whose terminals are asked after 15 s, then every hour."""

    catchup = CatchUp()

    def setUp(self) -> None:
        """A fleet that has started, over a store that agrees to everything."""
        settings = Settings(terminals=TerminalSettings(timezone="UTC"), catchup=self.catchup)
        self.stand = Stand(settings)
        self.kept = Remembering()
        self.stand.punches.given["append"] = self.kept.append
        self.fleet = Fleet(self.stand.clock, self.stand.services, self.stand.clock.seconds)
        self.successResultOf(Deferred.fromCoroutine(self.fleet.start()))
        self.terminals, self.models = self.stand.terminals, self.stand.terminals.models
        self.all: list[Answering] = []

    def terminal(
        self, sn: str = SN, connection: str = "c1", model: str = "tfs30", **replies: Reply
    ) -> Answering:
        """A terminal that has registered."""
        terminal = Answering(self.stand, self.fleet, connection)
        terminal.replies.update(replies)
        self.all.append(terminal)
        return terminal.register(sn, modelname=model, firmware="v1")

    def run_for(self, seconds: float) -> None:
        """Time passes in steps of half a second; terminals show that they live, and answer at once."""
        for _ in range(round(seconds * 2)):
            self.stand.clock.advance(0.5)
            for terminal in self.all:
                terminal.link.heard()
            while any(terminal.answer() for terminal in self.all):
                self.stand.clock.advance(0)

    @property
    def known(self) -> Proof:
        """What the store knows of the first terminal."""
        return self.terminals.proofs.get(SN, Proof())

    def counted(self, what: str) -> float:
        """How often the metrics counted it."""
        return self.stand.count(f'tfserver_catchup_total{{what="{what}"}}')
