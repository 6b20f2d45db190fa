"""Measure tfserver beside what people would pick instead: ``python benchmarks/run.py``.

Sets up the peers in a work folder, runs everybody in interleaved rounds with fresh processes, and prints
medians, ratios and whether the targets of ``targets.py`` are met. ``--write`` puts the tables into
``docs/performance.md``. ``--small`` is for CI: fewer terminals and seconds, and the margins count. The exit
status is 1 when a target is missed, or one of our answers was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

# Run as a program only its own folder is looked in.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import msgspec

from benchmarks import keeper, machine, report
from benchmarks.fsync import Latency, fdatasync_latency
from benchmarks.place import HERE, ROOT, Place
from benchmarks.rounds import measure
from benchmarks.targets import WORKS, Load, Work

PAGE = ROOT / "docs" / "performance.md"
ROUNDS = 5
SMALL_ROUNDS = 3


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
        if options.seconds and not load.is_fixed:
            load = load._replace(seconds=options.seconds)
        rounds = options.rounds or min(work.most_rounds, SMALL_ROUNDS if options.small else ROUNDS)
        found.append((work, load, rounds))
    return found


def run_work(
    work: Work, load: Load, rounds: int, place: Place, files: int, disk: Latency, is_small: bool
) -> Measured:
    """All rounds of a work, one contestant after the other in each."""
    results: report.Results = {contestant.name: [] for contestant in work.contestants}
    for number in range(rounds):
        for contestant in work.contestants:
            found = measure(work, load, contestant, place, files)
            results[contestant.name].append(found)
            more = report.remarks([found])
            told = f"{work.name} {number + 1}/{rounds} {contestant.name}: {report.figure(found.figure)}"
            say(f"{told}{', ' if more else ''}{more}")
    return Measured(work, load, results, report.verdicts(work, results, disk.p99, is_small))


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
    tables = [report.table(each.work, each.load.terminals, each.results, each.verdicts) for each in measured]
    return "\n\n".join(["\n".join(head), *tables])


def keep(path: Path, measured: list[Measured], is_small: bool) -> None:
    """Keep the figures for a later ``--against``, with all rounds."""
    figures = {verdict.key: verdict.found.median for each in measured for verdict in each.verdicts}
    rounds = {
        each.work.name: {name: msgspec.to_builtins(found) for name, found in each.results.items()}
        for each in measured
    }
    path.write_text(json.dumps({"small": is_small, "figures": figures, "rounds": rounds}, indent=1))


def failures(measured: list[Measured], before: dict[str, float]) -> list[str]:
    """Why the exit status is 1, if it is."""
    verdicts = [verdict for each in measured for verdict in each.verdicts]
    found = [verdict.line() for verdict in verdicts if verdict.is_failed]
    for each in measured:
        ours = each.work.contestants[0].name
        for number, one in enumerate(each.results[ours]):
            found += [f"{each.work.name} round {number + 1}: {n} {what}" for what, n in one.wrong.items()]
    return found + report.fallen(verdicts, before)


def earlier(path: str, is_small: bool) -> dict[str, float]:
    """The figures of an earlier run; SystemExit when it was of the other size."""
    if not path:
        return {}
    found = json.loads(Path(path).read_text())
    if found["small"] is not is_small:
        raise SystemExit(f"{path} is of a {'small' if found['small'] else 'full'} run: compare equals")
    figures: dict[str, float] = found["figures"]
    return figures


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [work.name for work in WORKS]
    parser.add_argument("--small", action="store_true", help="what CI can afford")
    parser.add_argument("--only", nargs="+", choices=names, default=[], metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=0, help=f"default {ROUNDS}, small {SMALL_ROUNDS}")
    parser.add_argument("--seconds", type=float, default=0.0, help="measured time where it is free to choose")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    parser.add_argument("--against", default="", metavar="FILE", help="results.json of an earlier run")
    parser.add_argument("--work", default=str(HERE / ".work"), help="folder for peers and stores")
    return parser.parse_args()


def main() -> int:
    """Measure what is asked for; the exit status."""
    options = parsed()
    before = earlier(options.against, options.small)
    todo = chosen(options)
    if not todo:
        raise SystemExit("nothing to measure: the small run has no such work")
    place = Place(Path(options.work))
    try:
        place.prepare()
    except BlockingIOError as failed:
        raise SystemExit(f"another run is under way in {place.folder}") from failed
    wanted = max(load.terminals for _, load, _ in todo) + machine.SPARE_FILES
    files = machine.raise_files(wanted)
    if files < wanted:
        say(f"{files} open files allowed, {wanted} wanted: more server processes instead")
    if not machine.can_pin():
        say("can't pin: server, store and load share the cores as the system likes")
    disk = fdatasync_latency(str(place.scratch))
    say(f"fdatasync: p50 {disk.p50:.2f} ms, p99 {disk.p99:.2f} ms")
    measured = [
        run_work(work, load, rounds, place, files, disk, options.small) for work, load, rounds in todo
    ]
    text = page(measured, place, disk, options.small)
    say(f"\n{text}\n")
    keep(place.folder / "results.json", measured, options.small)
    if options.write:
        report.put(PAGE, text)
    found = failures(measured, before)
    say("\n".join(["FAILED:", *found]) if found else "all targets met")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
