"""A server with a fleet, people and punches: what pages are looked at with."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections import Counter

from tests.dashboard import company
from tests.dashboard.places import places
from tests.real import shared
from tests.real.placed import PlacedServer
from tests.real.server import ROOT
from tests.real.simulator import RealSimulator
from tests.real.store import RealStore, wait_until

SETTINGS = (
    "admission: {policy: open}\nterminals: {timezone: Europe/Zurich}\nwebhooks: {allow_private: true}\n"
    "http: {requests_per_second: 10000}\n"
)
LIVE = 2
"""Terminals of the simulator: they are really connected, and obey."""
LIVE_NAMES = ("Front door", "Back door")
FILL_SECONDS = 120
USUAL_TERMINALS, USUAL_PEOPLE, USUAL_PUNCHES = 60, 40, 600


class Stage:
    """So many terminals, two of them live (as far as there are so many), people and punches; at first nothing
    runs. With 3 terminals one waits for approval; with none there is nothing at all."""

    def __init__(self, terminals: int, people: int, punches: int, rate: float = 0) -> None:
        self.store = RealStore()
        self.server = PlacedServer("--instance", "office", store=self.store)
        self.server.settings = SETTINGS
        self._live: RealSimulator | None = None
        self._filler: subprocess.Popen[str] | None = None
        self._terminals = terminals
        self._people = people if terminals else 0
        self._punches = punches if terminals else 0
        self._rate = rate

    @property
    def url(self) -> str:
        """Where people look."""
        return f"http://127.0.0.1:{self.server.http}"

    @property
    def token(self) -> str:
        """An administrator's."""
        return self.server.token

    @property
    def live(self) -> list[str]:
        """The serial numbers of terminals that obey."""
        return self._online("SIMT")

    def start(self) -> Stage:
        """All of it is there when this is over."""
        self.store.start()
        many = max(0, self._terminals - LIVE)
        skip = 2 if many == 1 else 0
        filling = self._filling(many, skip) if many else None
        self.server.start()
        if filling is not None:
            told = filling.communicate(timeout=FILL_SECONDS)[0]
            assert filling.returncode == 0, told
        if self._terminals:
            self._connect(min(LIVE, self._terminals))
        company.enter_people(self.server, self._people)
        away = [one for one in places(many + skip, 0) if one.state == "offline"][:4] if many > 1 else []
        if away:
            company.push_history(self.server, away, self._people, self._punches)
        if self._terminals:
            company.enter_systems(self.server)
        return self

    def stop(self) -> None:
        """Everything ends."""
        if self._filler is not None and self._filler.poll() is None:
            self._filler.kill()
            self._filler.communicate()
        if self._live is not None:
            self._live.remove()
        self.server.remove()
        self.store.remove()

    def _filling(self, many: int, skip: int) -> subprocess.Popen[str]:
        """A process that writes terminals into the store, while the server starts."""
        command = [sys.executable, "-m", "tests.dashboard.fleet", "--redis", self.store.url]
        command += ["--terminals", str(many), "--skip", str(skip)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        self._filler = subprocess.Popen(command, env=environment, stdout=pipe, stderr=both, text=True)
        return self._filler

    def _connect(self, many: int) -> None:
        options = ["--terminals", str(many), "--users", str(max(1, self._people // 2))]
        options += ["--rate", str(self._rate), "--backlog", "40" if self._punches else "0"]
        options += ["--dialect", "documented"]
        self._live = RealSimulator(self.server.url, *options).start()
        wait_until(lambda: len(self.live) == many, "the live terminals are online")
        for sn, name in zip(self.live, LIVE_NAMES, strict=False):
            body = {"name": name, "site": "Zürich", "timezone": "Europe/Zurich"}
            status, answer = self.server.patch(f"/terminals/{sn}", body)
            assert status == 200, answer

    def _online(self, prefix: str) -> list[str]:
        found = self.server.get("/terminals?state=online&limit=1000&cursor=S")[1]["terminals"]
        return [one["sn"] for one in found if one["sn"].startswith(prefix)]

    def counted(self) -> Counter[str]:
        """How many terminals stand where: ``online``, ``offline``, and the admissions other than approved."""
        found: Counter[str] = Counter()
        cursor = ""
        while True:
            page = self.server.get(f"/terminals?limit=1000{cursor and f'&cursor={cursor}'}")[1]
            for one in page["terminals"]:
                is_in = one["admission"] == "approved"
                found[("online" if one["online"] else "offline") if is_in else one["admission"]] += 1
            if page["next"] is None:
                return found
            cursor = page["next"]


@functools.cache
def usual() -> Stage:
    """The one that tests of this process share, who change nothing that others look at."""
    stage = Stage(USUAL_TERMINALS, USUAL_PEOPLE, USUAL_PUNCHES)
    shared.keep(stage.stop)
    shared.keep(usual.cache_clear)
    return stage.start()
