"""The dashboard: how long its first page takes, what open pages cost: ``python benchmarks/dashboards.py``.

``page``   the fleet of ``--terminals``: time on the server, cold and warm; in Chromium until it can be used
``wall``   from a frame with a punch to its row on the page of punches
``cost``   ``sendlog`` at a rate that the server bears, rounds with and without ``--pages`` open pages in turn
``churn``  the same, while ``--coming`` terminals at a time come and go without end, beside fleet pages,
           each of which is made anew as often as its script wants
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.place import HERE
from tests.dashboard.browser import DESKTOP, visit
from tests.dashboard.stage import Stage
from tests.real.client import QUIET, log

PARTS: Final = ("page", "wall", "cost", "churn")
CHURN_FIRST: Final = 100_000
"""Numbers beyond those of terminals that push."""
ROWS: Final = 50
WARM: Final = 20
PUNCHES: Final = 40


def page(stage: Stage) -> dict[str, Any]:
    """The first page of the fleet."""
    took = []
    for _ in range(1 + WARM):
        began = time.perf_counter()
        status, _ = stage.server.get("/")
        took.append(1000 * (time.perf_counter() - began))
        assert status == 200
    looked = visit(stage.url, DESKTOP, stage.token)
    usable = []
    for _ in range(5):
        looked.goto("/")
        times = looked.page.evaluate("performance.getEntriesByType('navigation')[0].toJSON()")
        usable.append(times["domComplete"])
    looked.close()
    return {
        "server, first (ms)": round(took[0], 1),
        "server, then p50, max (ms)": [round(statistics.median(took[1:]), 1), round(max(took[1:]), 1)],
        "chromium, all loaded and run, p50, max (ms)": [round(statistics.median(usable)), round(max(usable))],
    }


def wall(stage: Stage) -> dict[str, Any]:
    """Punches on their way to an open page. The row is found by an observer in the page, on one clock."""
    looked = visit(stage.url, DESKTOP, stage.token)
    looked.goto("/punches")
    looked.page.wait_for_selector("[data-live-state=on]")
    looked.page.evaluate(
        """() => { window.seen = {}; new MutationObserver((all) => { for (const each of all) for (const row of
        each.addedNodes) if (row.id) window.seen[row.textContent.match(/7\\d{6}/)?.[0]] = Date.now(); })
        .observe(document.querySelector('[data-wall]'), {childList: true}) }"""
    )
    client = stage.server.client()
    client.habits.update(QUIET)
    assert client.register("WALL00000001")["result"]
    sent = {}
    for number in range(PUNCHES):
        enrollid = 7_000_000 + number
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime())
        sent[str(enrollid)] = 1000 * time.time()
        assert client.ask(cmd="sendlog", count=1, record=[log(enrollid, shown)])["result"]
        looked.page.wait_for_timeout(37 + 11 * (number % 7))
    looked.until(lambda: len(looked.page.evaluate("window.seen")) >= PUNCHES, "all are on the wall")
    seen = looked.page.evaluate("window.seen")
    waits = [seen[enrollid] - at for enrollid, at in sent.items()]
    client.shut()
    looked.close()
    return {"frame to row p50, max (ms)": [round(statistics.median(waits)), round(max(waits))]}


def cost(stage: Stage, options: argparse.Namespace, *more: str) -> dict[str, Any]:
    """What open pages take from terminals; ``more`` is said to who keeps them open."""
    alone, beside = [], []
    for number in range(options.rounds):
        alone.append(_load(stage, options, 2 * number))
        with_pages = _onlookers(stage, options, *more)
        beside.append(_load(stage, options, 2 * number + 1))
        told, _ = with_pages.communicate(timeout=60)
        sys.stderr.write(told)
    return {
        "open pages": options.pages,
        "sendlog a second": options.rate,
        "alone: p50, p99 (ms), CPU of the server": [_middle(alone, name) for name in ("p50", "p99", "cpu")],
        "beside: p50, p99 (ms), CPU of the server": [_middle(beside, name) for name in ("p50", "p99", "cpu")],
        "acknowledged, beside / alone": round(_middle(beside, "done") / _middle(alone, "done"), 3),
    }


def churn(stage: Stage, options: argparse.Namespace) -> dict[str, Any]:
    """The same while terminals come and go, and pages of the fleet are made anew."""
    given = {"mode": "storm", "terminals": options.coming, "first": CHURN_FIRST}
    is_over = threading.Event()

    def come_and_go() -> None:
        while not is_over.is_set():
            _told(stage, given)

    with ThreadPoolExecutor() as pool:
        coming = pool.submit(come_and_go)
        found = cost(stage, options, "--reload")
        is_over.set()
        coming.result()
    return {f"{options.coming} terminals come and go": found}


def _middle(rounds: list[dict[str, float]], name: str) -> float:
    return round(statistics.median(each[name] for each in rounds), 3)


def _load(stage: Stage, options: argparse.Namespace, number: int) -> dict[str, float]:
    given = {"mode": options.mode, "rate": options.rate, "seconds": options.seconds}
    found = _told(stage, {**given, "terminals": options.loaded, "first": number * options.loaded})
    return {**found["latency"], "done": found["done"], "cpu": found["cpu"]["server"]}


def _told(stage: Stage, given: dict[str, Any]) -> dict[str, Any]:
    """What ``load.py`` says."""
    command = [sys.executable, str(HERE / "load.py"), "--port", str(stage.server.terminals)]
    command += ["--server", str(stage.server.pid)]
    command += [word for name, value in given.items() for word in (f"--{name}", str(value))]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    assert not found["wrong"], found["wrong"]
    return found


def _onlookers(stage: Stage, options: argparse.Namespace, *more: str) -> subprocess.Popen[str]:
    shown = stage.server.get(f"/terminals?state=online&limit={ROWS}")[1]["terminals"]
    command = [sys.executable, str(HERE / "onlookers.py"), "--port", str(stage.server.http), *more]
    command += ["--pages", str(options.pages), "--rows", ",".join(each["sn"] for each in shown)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{stage.token}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    return process


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--terminals", type=int, default=5000)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--loaded", type=int, default=64, help="terminals that push")
    parser.add_argument("--coming", type=int, default=50, help="terminals that come and go (churn)")
    parser.add_argument("--mode", choices=("offered", "closed"), default="offered")
    parser.add_argument("--rate", type=float, default=500.0, help="sendlog a second")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    stage = Stage(options.terminals, 100, 1000).start()
    found: dict[str, Any] = {"machine": machine.description(), "terminals": options.terminals}
    try:
        if "page" in options.only:
            found |= page(stage)
        if "wall" in options.only:
            found |= wall(stage)
        if "cost" in options.only:
            found |= cost(stage, options)
        if "churn" in options.only:
            found |= churn(stage, options)
    finally:
        stage.stop()
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
