"""Rounds become medians, ratios, verdicts and a table."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.results import Round
from benchmarks.targets import COMPARED, Target, Work

BEGIN: Final = "<!-- benchmarks: begin -->"
END: Final = "<!-- benchmarks: end -->"
HEAD: Final = (
    "| server | figure | spread | tfserver is | spread | by CPU | target | server CPU | µs a request "
    "| store CPU | load CPU | p50 / p99 ms | remarks |\n| --- | " + " | ".join(["---:"] * 11) + " | --- |"
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


class Conditions(NamedTuple):
    """What a judgement depends on besides the figures."""

    fsync_p99: float
    is_small: bool
    has_cores: bool
    """Whether server and load had a core each."""


class Verdict(NamedTuple):
    """A target, what was found, and what to think of it; nothing is found of a peer that took no part."""

    work: str
    target: Target
    found: Spread | None
    word: str
    is_failed: bool
    is_judged: bool = True

    @property
    def key(self) -> str:
        """Name of the figure in results that are kept."""
        return f"{self.work}: {self.target.name}"

    def line(self) -> str:
        """The verdict as a line for people."""
        what = f"× {self.target.against}" if self.target.against else self.target.of or "own figure"
        found = figure(self.found.median) if self.found else "–"
        return f"{self.work}: {what} {found} (target {bound_of(self.target)}): {self.word}"


def bound_of(target: Target) -> str:
    """What a target asks for."""
    if target.bound == COMPARED:
        return "none"
    return f"{'≥' if target.wants_more else '≤'} {target.bound:g}{'×' if target.against else ''}"


def spread(values: list[float]) -> Spread:
    """Median and bounds of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(ours: list[Round], theirs: list[Round]) -> list[float]:
    """Ours over theirs, round by round: what slows a round down slows both down.

    Rounds that other programs disturbed are left out, as long as others remain.
    """
    return [our.figure / their.figure for our, their in _pairs(ours, theirs) if their.figure]


def cpu_ratios(ours: list[Round], theirs: list[Round]) -> list[float]:
    """Server CPU of a request, theirs over ours: it also tells where the load was the limit."""
    return [their.request_us / our.request_us for our, their in _pairs(ours, theirs) if our.request_us]


def _pairs(ours: list[Round], theirs: list[Round]) -> list[tuple[Round, Round]]:
    pairs = list(zip(ours, theirs, strict=True))
    return [pair for pair in pairs if not (pair[0].is_disturbed or pair[1].is_disturbed)] or pairs


def figures(rounds: list[Round], of: str = "") -> list[float]:
    """The figures of the rounds that nobody disturbed, of all when there are none."""
    quiet = [each for each in rounds if not each.is_disturbed]
    return [each.figure_of(of) for each in quiet or rounds]


def verdicts(work: Work, results: Results, given: Conditions) -> list[Verdict]:
    """What to think of each target of a work; a small run may miss by the margin, and skips what is local."""
    ours = results[work.contestants[0].name]
    targets = [target for target in work.targets if not (given.is_small and target.is_local)]
    return [_verdict(work, target, ours, results.get(target.against), given) for target in targets]


def _verdict(
    work: Work, target: Target, ours: list[Round], theirs: list[Round] | None, given: Conditions
) -> Verdict:
    if target.against and theirs is None:
        return Verdict(work.name, target, None, "not measured", False, False)
    values = ratios(ours, theirs) if theirs is not None else figures(ours, target.of)
    seen = spread(values or [0.0 if target.wants_more else float("inf")])
    if why := _why_not(target, list(zip(ours, theirs or ours, strict=True)), given):
        return Verdict(work.name, target, seen, f"not judged, {why}", False, False)
    is_failed = not target.is_met(seen.median, target.margin if given.is_small else 0.0)
    if target.bound == COMPARED:
        word = "only compared"
    elif target.is_met(seen.median):
        word = "met"
    else:
        word = "MISSED" if is_failed else f"within the margin of {target.margin:.0%}"
    return Verdict(work.name, target, seen, word, is_failed)


def _why_not(target: Target, pairs: list[tuple[Round, Round]], given: Conditions) -> str:
    """Why a figure can't be judged on this machine at this time, if it can't."""
    if target.most_fsync and given.fsync_p99 > target.most_fsync:
        return f"fdatasync p99 is {given.fsync_p99:.1f} ms"
    if target.is_steady:
        return ""
    if not given.has_cores:
        return "server and load share a core"
    if all(our.is_disturbed or their.is_disturbed for our, their in pairs):
        return "other programs disturbed every round"
    return ""


def compared(found: list[Verdict], before: dict[str, float]) -> tuple[list[str], list[str]]:
    """Each figure beside the earlier one as a line; then the lines of those worse by their margin."""
    lines, fallen = [], []
    for verdict in found:
        earlier = before.get(verdict.key)
        now = "–" if verdict.found is None else figure(verdict.found.median)
        line = f"{verdict.key}: {now}, before {'–' if earlier is None else figure(earlier)}"
        if not verdict.is_judged or verdict.found is None:
            lines.append(f"{line}: {verdict.word}")
        elif earlier is None:
            lines.append(f"{line}: nothing to compare with")
        else:
            target = verdict.target._replace(bound=earlier)
            is_kept = target.is_met(verdict.found.median, target.margin)
            lines.append(f"{line}, margin {target.margin:.0%}: {'kept' if is_kept else 'FALLEN'}")
            fallen += [] if is_kept else lines[-1:]
    return lines, fallen


def table(work: Work, terminals: int, results: Results, found: list[Verdict]) -> str:
    """A work's results in Markdown."""
    title = work.title.format(terminals=f"{terminals:,}")
    rows = [
        _row(contestant.name, results[contestant.name], _compared(work, contestant.name, results, found))
        for contestant in work.contestants
        if contestant.name in results
    ]
    return "\n".join([f"**{title}** (`{work.name}`)", "", HEAD, *rows])


def _compared(work: Work, name: str, results: Results, found: list[Verdict]) -> list[str]:
    """The columns of ratio, its spread, the ratio by CPU and the target."""
    ours = work.contestants[0].name
    against = "" if name == ours else name
    verdict = next((each for each in found if each.target.against == against), None)
    target = ""
    if verdict is not None:
        target = f"{bound_of(verdict.target)}: {verdict.word}"
    if not against or work.figure != "rate":
        return ["", "", "", target]
    values = ratios(results[ours], results[name])
    if not values:
        return ["–", "", "", target]
    seen, by_cpu = spread(values), cpu_ratios(results[ours], results[name])
    cells = [f"**{seen.median:.2f}×**", f"{seen.least:.2f}–{seen.most:.2f}"]
    return [*cells, f"{statistics.median(by_cpu):.2f}×" if by_cpu else "", target]


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
