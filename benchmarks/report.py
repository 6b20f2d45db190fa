"""Rounds become medians, ratios, verdicts and a table."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.rounds import Round
from benchmarks.targets import Target, Work

BEGIN: Final = "<!-- benchmarks: begin -->"
END: Final = "<!-- benchmarks: end -->"
HEAD: Final = (
    "| server | figure | spread | tfserver is | spread | target | server CPU | µs a request | store CPU "
    "| load CPU | p50 / p99 ms | remarks |\n| --- | " + " | ".join(["---:"] * 10) + " | --- |"
)
MOST_LATE_MS: Final = 2.0
"""A load this late says more about the machine than about the server; its sleep alone takes one."""
Results = dict[str, list[Round]]
"""The rounds of a work by the contestant's name."""


class Spread(NamedTuple):
    """Median, least and most."""

    median: float
    least: float
    most: float


class Verdict(NamedTuple):
    """A target, what was found, and what to think of it."""

    work: str
    target: Target
    found: Spread
    word: str
    is_failed: bool

    @property
    def key(self) -> str:
        """Name of the figure in results that are kept."""
        return f"{self.work}: {self.target.against or 'own'}"

    def line(self) -> str:
        """The verdict as a line for people."""
        what = f"× {self.target.against}" if self.target.against else "own figure"
        bound = f"{'≥' if self.target.against else '≤'} {self.target.bound:g}"
        return f"{self.work}: {what} {figure(self.found.median)} (target {bound}): {self.word}"


def spread(values: list[float]) -> Spread:
    """Median and bounds of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(ours: list[Round], theirs: list[Round]) -> list[float]:
    """Ours over theirs, round by round: what slows a round down slows both down.

    Rounds that other programs disturbed are left out, as long as others remain.
    """
    pairs = [pair for pair in zip(ours, theirs, strict=True) if pair[1].figure]
    quiet = [pair for pair in pairs if not (pair[0].is_disturbed or pair[1].is_disturbed)]
    return [our.figure / their.figure for our, their in quiet or pairs]


def figures(rounds: list[Round]) -> list[float]:
    """The figures of the rounds that nobody disturbed, of all when there are none."""
    return [each.figure for each in rounds if not each.is_disturbed] or [each.figure for each in rounds]


def verdicts(work: Work, results: Results, fsync_p99: float, is_small: bool) -> list[Verdict]:
    """What to think of each target of a work; a small run may miss by the margin."""
    ours = results[work.contestants[0].name]
    found = []
    for target in work.targets:
        values = ratios(ours, results[target.against]) if target.against else figures(ours)
        seen = spread(values or [0.0 if target.against else float("inf")])
        if target.most_fsync and fsync_p99 > target.most_fsync:
            word, is_failed = f"not judged, fdatasync p99 is {fsync_p99:.1f} ms", False
        else:
            is_failed = not target.is_met(seen.median, target.margin if is_small else 0.0)
            is_met = target.is_met(seen.median)
            word = "met" if is_met else "MISSED" if is_failed else f"within the margin of {target.margin:.0%}"
        found.append(Verdict(work.name, target, seen, word, is_failed))
    return found


def fallen(found: list[Verdict], before: dict[str, float]) -> list[str]:
    """Which figures are worse by more than their margin than those of an earlier run."""
    lines = []
    for verdict in found:
        earlier = before.get(verdict.key)
        if earlier is None:
            continue
        if not verdict.target._replace(bound=earlier).is_met(verdict.found.median, verdict.target.margin):
            change = f"{figure(verdict.found.median)}, before {figure(earlier)}"
            lines.append(f"{verdict.key}: {change}, margin {verdict.target.margin:.0%}")
    return lines


def table(work: Work, terminals: int, results: Results, found: list[Verdict]) -> str:
    """A work's results in Markdown."""
    title = work.title.format(terminals=f"{terminals:,}")
    rows = [
        _row(contestant.name, results[contestant.name], _compared(work, contestant.name, results, found))
        for contestant in work.contestants
    ]
    return "\n".join([f"**{title}** (`{work.name}`)", "", HEAD, *rows])


def _compared(work: Work, name: str, results: Results, found: list[Verdict]) -> list[str]:
    """The columns of ratio, its spread and the target."""
    ours = work.contestants[0].name
    against = "" if name == ours else name
    verdict = next((each for each in found if each.target.against == against), None)
    target = ""
    if verdict is not None:
        target = f"{'≥' if against else '≤'} {verdict.target.bound:g}{'×' if against else ''}: {verdict.word}"
    if not against or work.figure != "rate":
        return ["", "", target]
    values = ratios(results[ours], results[name])
    if not values:
        return ["–", "", target]
    seen = spread(values)
    return [f"**{seen.median:.2f}×**", f"{seen.least:.2f}–{seen.most:.2f}", target]


def _row(name: str, rounds: list[Round], compared: list[str]) -> str:
    seen = spread(figures(rounds))
    cpu = {who: statistics.median(each.cpu.get(who, 0.0) for each in rounds) for who in ("server", "load")}
    stores = [each.cpu["store"] for each in rounds if "store" in each.cpu]
    request = statistics.median(each.request_us for each in rounds)
    latency = [(each.latency["p50"], each.latency["p99"]) for each in rounds if each.latency]
    middle = [statistics.median(values) for values in zip(*latency, strict=True)]
    floor = "≥ " if any(each.is_load_bound for each in rounds) else ""
    cells = [
        name,
        floor + figure(seen.median),
        f"{figure(seen.least)}–{figure(seen.most)}",
        *compared,
        f"{cpu['server']:.0%}",
        f"{request:.1f}" if request else "",
        f"{statistics.median(stores):.0%}" if stores else "",
        f"{cpu['load']:.0%}",
        " / ".join(f"{value:.1f}" for value in middle),
        remarks(rounds),
    ]
    return f"| {' | '.join(cells)} |"


def remarks(rounds: list[Round]) -> str:
    """What a reader must know of these rounds: wrong answers, disturbance, who was the limit."""
    wrong: Counter[str] = Counter()
    for each in rounds:
        wrong.update(each.wrong)
    said = [f"{count} {what}" for what, count in sorted(wrong.items())]
    if disturbed := sum(each.is_disturbed for each in rounds):
        said.append(f"{disturbed} of {len(rounds)} rounds disturbed")
    if any(each.is_load_bound for each in rounds):
        said.append("the load was the limit")
    if (late := statistics.median(each.late_ms for each in rounds)) > MOST_LATE_MS:
        said.append(f"the load itself was late by {late:.1f} ms (p99)")
    if (servers := rounds[0].servers) > 1:
        said.append(f"{servers} processes: too few open files allowed for one")
    return ", ".join(said)


def figure(value: float) -> str:
    """A number with as many digits as it deserves."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def put(path: Path, text: str) -> None:
    """Replace what stands between the markers of a page, or add it at the end of a page without them."""
    block = f"{BEGIN}\n\n{text}\n\n{END}"
    page = path.read_text("utf-8") if path.exists() else "# Performance\n"
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    written = before + block + after if begin and end else f"{page.rstrip()}\n\n{block}\n"
    path.write_text(written, "utf-8")
