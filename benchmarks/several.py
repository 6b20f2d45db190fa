"""The table of a work with several figures: one row for each, one column for each way to do it."""

from __future__ import annotations

import statistics

from benchmarks.report import Results, Verdict, bound_of, figure, figures, remarks, spread
from benchmarks.results import Round
from benchmarks.targets import Work

SHARES = (("server", "terminals' server"), ("other", "other process"), ("store", "store"), ("load", "load"))


def table(work: Work, terminals: int, results: Results, found: list[Verdict]) -> str:
    """A work's results in Markdown; targets are those of the first column."""
    columns = [each.name for each in work.contestants if each.name in results]
    title = work.title.format(terminals=f"{terminals:,}")
    head = ["", *columns, "target"]
    lines = [f"**{title}** (`{work.name}`)", "", _line(head), _line(["---", *["---:"] * len(columns), "---"])]
    for name, told in work.told:
        cells = [_cell(figures(results[column], name)) for column in columns]
        lines.append(_line([told, *cells, _target(work, name, found)]))
    for who, told in SHARES:
        shares = [_share(results[column], who) for column in columns]
        if any(shares):
            lines.append(_line([f"CPU: {told}", *shares, ""]))
    lines.append(_line(["remarks", *(remarks(results[column]) for column in columns), ""]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(values: list[float]) -> str:
    seen = spread(values)
    least_most = f" ({figure(seen.least)}–{figure(seen.most)})" if len(values) > 1 else ""
    return f"{figure(seen.median)}{least_most}"


def _share(rounds: list[Round], who: str) -> str:
    shares = [each.cpu[who] for each in rounds if who in each.cpu]
    return f"{statistics.median(shares):.0%}" if shares else ""


def _target(work: Work, name: str, found: list[Verdict]) -> str:
    for verdict in found:
        if not verdict.target.against and verdict.target.of == name:
            return f"{bound_of(verdict.target)}: {verdict.word}"
    return ""
