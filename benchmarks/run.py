"""Measure tfserver beside what people would pick instead: ``python benchmarks/run.py``.

Sets up the peers in a work folder, runs everybody in interleaved rounds with fresh processes, and prints
medians, ratios and whether the targets of ``targets.py`` are met. ``--write`` puts the tables into
``docs/performance.md``. The exit status is 1 when a target is missed, or one of our answers was wrong.
``--small`` is for CI: fewer terminals and seconds, and the margins count. With ``--against`` no target, but
the figures of an earlier run say what is too little.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from benchmarks import keeper, machine, report, several
from benchmarks.fsync import Latency, fdatasync_latency
from benchmarks.place import HERE, ROOT, Place
from benchmarks.results import Scene
from benchmarks.rounds import measure
from benchmarks.targets import WORKS, Load, Work
from tests.real.postgres import is_installed

PAGE = ROOT / "docs" / "performance.md"
BASELINE = HERE / "baseline.json"
ROUNDS = 5
PATIENCE = 3600.0
SMALL_PATIENCE = 60.0
"""Seconds after which no disturbed round is run again: CI has four minutes."""


class Measured(NamedTuple):
    """A work with its rounds."""

    work: Work
    load: Load
    results: report.Results
    verdicts: list[report.Verdict]


def say(text: str) -> None:
    """Tell people at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def chosen(options: argparse.Namespace) -> list[tuple[Work, Load, int]]:
    """What is to be measured, with which load and how many rounds."""
    found = []
    for work in WORKS:
        load = work.small if options.small else work.load
        if load is None or (options.only and work.name not in options.only):
            continue
        if any(each.has_postgres for each in work.contestants) and not is_installed():
            say(f"no PostgreSQL on this machine: {work.name} is not measured")
            continue
        if options.seconds and not load.is_fixed:
            load = load._replace(seconds=options.seconds)
        rounds = options.rounds or (work.small_rounds if options.small else min(work.most_rounds, ROUNDS))
        found.append((work, load, rounds))
    return found


def run_work(
    work: Work, load: Load, rounds: int, scene: Scene, given: report.Conditions, before: dict[str, float]
) -> Measured:
    """All rounds of a work; where a figure seems to have fallen against ``before``, as many once more."""
    everybody = work.taking_part(given.is_small, scene.place.has_node)
    results: report.Results = {contestant.name: [] for contestant in everybody}
    verdicts: list[report.Verdict] = []
    for _ in range(2):
        run_rounds(work, load, rounds, scene, results)
        verdicts = report.verdicts(work, results, given)
        if not report.compared(verdicts, before)[1]:
            break
    return Measured(work, load, results, verdicts)


def run_rounds(work: Work, load: Load, rounds: int, scene: Scene, results: report.Results) -> None:
    """Rounds with one contestant after the other in each."""
    for number in range(rounds):
        for contestant in work.contestants:
            if contestant.name not in results:
                continue
            found = measure(work, load, contestant, scene)
            results[contestant.name].append(found)
            more = report.remarks([found])
            told = f"{work.name} {number + 1}/{rounds} {contestant.name}: {report.figure(found.figure)}"
            say(f"{told}{', ' if more else ''}{more}")


def page(measured: list[Measured], place: Place, disk: Latency, is_small: bool) -> str:
    """The tables with everything needed to read them later."""
    cores = "server on core 0, load and store on core 1" if machine.can_pin() else "NOT pinned to cores"
    kind = "Small run" if is_small else "Run"
    head = [
        f"{kind} of {datetime.now(UTC).date().isoformat()} on {machine.description()}; {cores}.",
        f"Disk: fdatasync p50 {disk.p50:.2f} ms, p99 {disk.p99:.2f} ms.",
        f"{', '.join([*place.versions(), keeper.program()])}.",
        "Made by `python benchmarks/run.py --write`; benchmarks/README.md says how to read it.",
    ]
    tables = [table(each) for each in measured]
    return "\n\n".join(["\n".join(head), *tables])


def table(measured: Measured) -> str:
    """The results of one work."""
    made = several.table if measured.work.told else report.table
    return made(measured.work, measured.load.terminals, measured.results, measured.verdicts)


def keep(path: Path, measured: list[Measured], is_small: bool, with_rounds: bool = True) -> None:
    """Keep the figures for a later ``--against``."""
    verdicts = [verdict for each in measured for verdict in each.verdicts]
    figures = {each.key: round(each.found.median, 3) for each in verdicts if each.found and each.is_judged}
    kept: dict[str, Any] = {"small": is_small, "machine": machine.description(), "figures": figures}
    if with_rounds:
        kept["rounds"] = {
            each.work.name: {name: msgspec.to_builtins(found) for name, found in each.results.items()}
            for each in measured
        }
    path.write_text(json.dumps(kept, indent=1) + "\n")


def failures(measured: list[Measured], before: dict[str, float]) -> list[str]:
    """Why the exit status is 1, if it is."""
    verdicts = [verdict for each in measured for verdict in each.verdicts]
    lines, found = report.compared(verdicts, before)
    if before:
        say("\n".join(lines))
    else:
        found = [verdict.line() for verdict in verdicts if verdict.is_failed]
    for each in measured:
        ours = each.work.contestants[0].name
        for number, one in enumerate(each.results[ours]):
            found += [f"{each.work.name} round {number + 1}: {n} {what}" for what, n in one.wrong.items()]
    return found


def earlier(path: str, is_small: bool) -> dict[str, float]:
    """The figures of an earlier run; SystemExit when it was of the other size."""
    if not path:
        return {}
    found = json.loads(Path(path).read_text())
    if found["small"] is not is_small:
        raise SystemExit(f"{path} is of a {'small' if found['small'] else 'full'} run: compare equals")
    figures: dict[str, float] = found["figures"]
    if not figures:
        raise SystemExit(f"{path} has no figures to compare with")
    return figures


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [work.name for work in WORKS]
    parser.add_argument("--small", action="store_true", help="what CI can afford")
    parser.add_argument("--only", nargs="+", choices=names, default=[], metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=0, help=f"default {ROUNDS} at most, small 3")
    parser.add_argument("--seconds", type=float, default=0.0, help="measured time where it is free to choose")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--against", default="", metavar="FILE", help="results.json of an earlier run")
    parser.add_argument(
        "--keep-baseline",
        action="store_true",
        help=f"put the ratios into {BASELINE.relative_to(ROOT)}, for CI",
    )
    parser.add_argument("--profile", metavar="FOLDER", help="let py-spy sample tfserver during each round")
    parser.add_argument("--work", default=str(HERE / ".work"), help="folder for peers and stores")
    return parser.parse_args()


def keep_baseline(measured: list[Measured], is_small: bool) -> None:
    """Keep what CI compares with; SystemExit when it is not the whole of a small run in peace."""
    missing = [verdict.line() for each in measured for verdict in each.verdicts if not verdict.is_judged]
    if missing or not is_small or len(measured) < sum(work.small is not None for work in WORKS):
        raise SystemExit("\n".join(["baseline not kept: take --small alone, on a quiet machine", *missing]))
    keep(BASELINE, measured, is_small, with_rounds=False)


def well(measured: list[Measured], is_compared: bool) -> str:
    """The last line of a run that did not fail: how much of it says anything."""
    verdicts = [verdict for each in measured for verdict in each.verdicts]
    judged = sum(verdict.is_judged for verdict in verdicts)
    word = "nothing has fallen" if is_compared else "all targets met"
    rest = f"; {len(verdicts) - judged} could not be judged, see above" if judged < len(verdicts) else ""
    return f"{word}: {judged} figures judged{rest}"


def prepared(folder: str) -> Place:
    """The work folder with the peers; SystemExit while another run works there."""
    place = Place(Path(folder))
    try:
        place.prepare()
    except BlockingIOError as failed:
        raise SystemExit(f"another run is under way in {place.folder}") from failed
    if not place.has_node:
        say("no node and npm on PATH: the peers that need them are not measured")
    return place


def main() -> int:
    """Measure what is asked for; the exit status."""
    options = parsed()
    before = earlier(options.against, options.small)
    todo = chosen(options)
    if not todo:
        raise SystemExit("nothing to measure: the small run has no such work")
    if options.profile and not shutil.which("py-spy"):
        raise SystemExit("--profile needs py-spy on PATH: pip install py-spy")
    place = prepared(options.work)
    wanted = max(load.terminals for _, load, _ in todo) + machine.SPARE_FILES
    files = machine.raise_files(wanted)
    if files < wanted:
        say(f"{files} open files allowed, {wanted} wanted: more server processes instead")
    if not machine.can_pin():
        say("can't pin: server, store and load share the cores as the system likes; no rate is judged")
    disk = fdatasync_latency(str(place.scratch))
    say(f"fdatasync: p50 {disk.p50:.2f} ms, p99 {disk.p99:.2f} ms")
    # a profiler is a disturbance that is wanted
    patience = 0.0 if options.profile else SMALL_PATIENCE if options.small else PATIENCE
    scene = Scene(
        place,
        files,
        time.monotonic() + patience,
        Path(options.profile).resolve() if options.profile else None,
    )
    given = report.Conditions(disk.p99, options.small, machine.can_pin())
    measured = [run_work(work, load, rounds, scene, given, before) for work, load, rounds in todo]
    text = page(measured, place, disk, options.small)
    say(f"\n{text}\n")
    keep(place.folder / "results.json", measured, options.small)
    if options.keep_baseline:
        keep_baseline(measured, options.small)
    if options.write:
        report.put(PAGE, text)
    found = failures(measured, before)
    say("\n".join(["FAILED:", *found]) if found else well(measured, bool(before)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
