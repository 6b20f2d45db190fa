"""People onto terminals: how long a plan takes, what the server adds to the pace of the terminals, and what
punches notice of it: ``python benchmarks/people.py``.

The terminals are simulated; each takes so long (``--takes``) for one credential, one after another. What they
need by themselves is that time for each credential; what it takes beyond that the server added: it includes
reading every list again, which proves that all was kept. The punches come from one terminal of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from tests.real.client import QUIET, RealClient, log
from tests.real.placed import PlacedServer
from tests.real.simulator import RealSimulator
from tests.real.store import RealStore, wait_until

SETTINGS = (
    "admission: {policy: open}\ncatchup: {enabled: false}\nterminals: {timezone: UTC}\n"
    "http: {requests_per_second: 10000}\n"
)
SLOTS = (0, 10, 11)
LONG = 3600.0
PUNCH_SECONDS = 0.02
BEFORE_SECONDS = 5.0


class Punching:
    """One terminal that pushes a punch now and then, and how long each acknowledgement took (ms)."""

    def __init__(self, server: PlacedServer) -> None:
        self.waits: list[float] = []
        self._client: RealClient = server.client()
        self._client.habits.update(QUIET)
        assert self._client.register("BENCHPUNCH")["result"]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def taken(self) -> list[float]:
        """Those since this was asked last."""
        found, self.waits = self.waits, []
        return found

    def stop(self) -> None:
        """No more."""
        self._over.set()
        self._thread.join(10)
        self._client.shut()

    def _run(self) -> None:
        second = int(time.time()) - 86_400
        while not self._over.wait(PUNCH_SECONDS):
            second += 1
            shown = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second))
            began = time.perf_counter()
            assert self._client.ask(cmd="sendlog", count=1, record=[log(1, shown)])["result"]
            self.waits.append(1000 * (time.perf_counter() - began))


class Bench:
    """A server, its store, and terminals with nobody on them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.store = RealStore().start()
        self.server = PlacedServer("--instance", "bench", store=self.store)
        self.server.settings = SETTINGS
        self.server.start()
        size = 2 * options.people
        self.simulator = RealSimulator(
            self.server.url,
            *("--terminals", str(options.terminals), "--dialect", "documented", "--users", "0"),
            *("--rate", "0", "--fpalgo", "thbio3.0", "--mood", f"late={options.takes}:setuserinfo"),
            *("--capacity", f"user={size},fp={size},card={size},pwd={size}"),
        ).write_holds()
        self.simulator.start()
        wait_until(self._are_online, "the terminals are online", 120)

    def stop(self) -> None:
        """Everything ends."""
        self.simulator.remove()
        self.server.remove()
        self.store.remove()

    def enter(self) -> None:
        """The people of the directory, each with a finger, a password and a card."""
        self._ask("put", "/groups/staff", {"terminals": self._online()})
        for n in range(1, self.options.people + 1):
            self._ask("put", f"/users/{n}", {"name": f"Person {n}", "groups": ["staff"]})
            records = (f"{n:08x}" * 146, str(10_000_000 + 7919 * n), str(4_000_000 + 7907 * n))
            for slot, record in zip(SLOTS, records, strict=True):
                body = {"record": record, **({"fpalgo": "thbio3.0"} if slot == 0 else {})}
                self._ask("put", f"/users/{n}/credentials/{slot}", body)

    def planned(self, read: str) -> tuple[str, float]:
        """A new plan, and how many seconds it took to make."""
        began = time.perf_counter()
        made = self._ask("post", "/sync/plan", {"groups": ["staff"], "read": read})
        wait_until(lambda: self.look(made["id"])["state"] == "ready", "the plan is made", LONG)
        return made["id"], time.perf_counter() - began

    def applied(self, plan_id: str) -> float:
        """How many seconds it took to carry a plan out."""
        began = time.perf_counter()
        self._ask("post", "/sync/apply", {"plan": plan_id})
        while self.look(plan_id)["state"] != "done":
            time.sleep(1.0)
        return time.perf_counter() - began

    def look(self, plan_id: str) -> dict[str, Any]:
        """How far a plan is."""
        found: dict[str, Any] = self._ask("get", f"/sync/plans/{plan_id}?limit=1")
        return found

    def is_whole(self) -> bool:
        """Whether every terminal has everybody with everything."""
        people = self.simulator.holds().values()
        wanted = {str(slot) for slot in SLOTS}
        return all(
            len(one) == self.options.people
            and all(set(each["credentials"]) == wanted for each in one.values())
            for one in people
        )

    def cpu(self) -> float:
        """CPU seconds of the server."""
        return machine.cpu_seconds(self.server.pid)

    def _are_online(self) -> bool:
        return len(self._online()) == int(self.options.terminals)

    def _online(self) -> list[str]:
        found = self.server.get("/terminals?state=online&limit=1000")[1]["terminals"]
        return [one["sn"] for one in found if one["sn"] != "BENCHPUNCH"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        ask = getattr(self.server, method)
        status, answer = ask(path) if body is None else ask(path, body)
        assert status in (200, 201, 202), (path, status, answer)
        return answer


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """One run."""
    bench = Bench(options)
    try:
        punching = Punching(bench.server)
        bench.enter()
        _, first = bench.planned("always")
        punching.taken()
        time.sleep(BEFORE_SECONDS)
        alone = punching.taken()
        plan_id, cached = bench.planned("never")
        before = bench.cpu()
        took = bench.applied(plan_id)
        beside, cpu = punching.taken(), bench.cpu() - before
        punching.stop()
        steps = options.people * len(SLOTS)
        need = steps * options.takes
        _, again = bench.planned("never")
        return {
            "people": options.people,
            "terminals": options.terminals,
            "steps": steps * options.terminals,
            "plan, lists read before (s)": round(first, 2),
            "plan from what is known (s)": round(cached, 2),
            "plan of nothing (s)": round(again, 2),
            "terminals need (s)": round(need, 1),
            "apply (s)": round(took, 1),
            "server adds (%)": round(100 * (took / need - 1), 1),
            "CPU a step (ms)": round(1000 * cpu / (steps * options.terminals), 2),
            "punches alone p50, p99 (ms)": _percentiles(alone),
            "punches beside p50, p99 (ms)": _percentiles(beside),
            "whole": bench.is_whole(),
        }
    finally:
        bench.stop()


def _percentiles(waits: list[float]) -> list[float]:
    found = statistics.quantiles(waits, n=100)
    return [round(found[49], 2), round(found[98], 2)]


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--terminals", type=int, default=50)
    parser.add_argument("--takes", type=float, default=0.4, help="seconds of a terminal for one credential")
    found = measured(parser.parse_args())
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if found["whole"] else 1


if __name__ == "__main__":
    sys.exit(main())
