"""What commands print: tables and lines for people, JSON for programs; progress of long work on stderr."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
Row = dict[str, Any]
Tell = Callable[[int, int | None], None]
"""Told how much is done, and of how much if that is known."""

_INVISIBLE: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
COLOURS: Final = {
    "online": "green",
    "done": "green",
    "ok": "green",
    "pending": "yellow",
    "queued": "yellow",
    "sent": "yellow",
    "attention": "yellow",
    "denied": "red",
    "quarantined": "red",
    "refused": "red",
    "failed": "red",
    "unknown": "red",
    "expired": "red",
    "wrong": "red",
    "offline": "bright_black",
    "cancelled": "bright_black",
}
"""How a whole cell is coloured on a terminal, by what it says."""


class Column(NamedTuple):
    """A heading, and what stands below it in a row."""

    title: str
    value: Callable[[Row], Any]


class People:
    """Prints for people: tables and lines."""

    def rows(self, found: Sequence[Row], columns: Sequence[Column], nothing: str) -> None:
        """A table, or the sentence ``nothing`` when it would be empty."""
        if not found:
            print(nothing)
            return
        cells = [[clean(column.value(row)) for column in columns] for row in found]
        table([column.title for column in columns], cells)

    def details(self, found: Sequence[Row]) -> None:
        """Each object with a line for each of its fields."""
        for number, one in enumerate(found):
            if number:
                print()
            lines = flat(one)
            width = max((len(name) for name in lines), default=0)
            for name, value in lines.items():
                print(f"{name:<{width}}  {clean(value)}".rstrip())

    def said(self, text: str, found: Any) -> None:
        """A sentence; ``found`` is the same for programs."""
        self.shown(found, lambda: print(text))

    def shown(self, found: Any, show: Callable[[], None]) -> None:
        """What ``show`` prints; ``found`` is the same for programs."""
        show()


class Programs(People):
    """Prints JSON, one value for each call."""

    def rows(self, found: Sequence[Row], columns: Sequence[Column], nothing: str) -> None:
        """A list of objects."""
        print(json.dumps(found, ensure_ascii=False))

    def details(self, found: Sequence[Row]) -> None:
        """A list of objects."""
        print(json.dumps(found, ensure_ascii=False))

    def shown(self, found: Any, show: Callable[[], None]) -> None:
        """Whatever the words are about."""
        print(json.dumps(found, ensure_ascii=False))


def prints(function: F) -> F:
    """Give a command ``--json``; it is called with ``out``, which prints for people or for programs."""
    chosen: F = click.option(
        "--json",
        "out",
        is_flag=True,
        callback=lambda ctx, param, value: Programs() if value else People(),
        help="Print JSON.",
    )(function)
    return chosen


def clean(value: Any) -> str:
    """A value as text on one line. What could steer a screen or hide text is written as ``\\x1b``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _INVISIBLE else char
        for char in text
    )


def flat(found: Row, above: str = "") -> Row:
    """The fields of an object and of those in it, under dotted names."""
    lines: Row = {}
    for name, value in found.items():
        name = clean(f"{above}{name}")
        if isinstance(value, dict) and value:
            lines.update(flat(value, f"{name}."))
        else:
            lines[name] = value
    return lines


def marked(word: str) -> str:
    """A word that says how something stands, in its colour on a terminal."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return word
    return click.style(word, fg=COLOURS.get(word))


def table(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Columns under headings: with colours on a terminal, else plain and aligned."""
    if sys.stdout.isatty():
        _on_terminal(titles, cells)
        return
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    for line in (titles, *cells):
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _on_terminal(titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    # slow to load, and not needed by those who read from a pipe
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        shown.add_column(title, overflow="fold")
    for line in cells:
        shown.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in line))
    Console(highlight=False).print(shown)


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Show on stderr how far long work is, if that is a terminal; the bar is gone when the work is."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def tell(done: int, total: int | None) -> None:
            """Move the bar."""
            bar.update(task, completed=done, total=total)

        yield tell


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on stderr what is waited for, if that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(what)):
        yield
