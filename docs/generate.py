"""Write what is generated: ``etc/tfserver.yaml``, the configuration reference and the session's picture.

``python docs/generate.py`` writes the files, ``--check`` only says whether they are up to date.
"""

from __future__ import annotations

import enum
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import command_page
import metrics_page
import yaml

from tfserver.config import Settings
from tfserver.configtold import fields
from tfserver.credentials import TABLE
from tfserver.order import ORDER_TRANSITIONS, OrderState
from tfserver.wire.exchange import STAGES, Stage
from tfserver.wire.session import TRANSITIONS, State

ROOT = Path(__file__).resolve().parents[1]


def written(value: Any) -> str:
    """A default as YAML on one line."""
    plain = value.value if isinstance(value, enum.Enum) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=200)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def expected(kind: type) -> str:
    """The type of a setting, in words."""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return names.get(kind, "settings by name" if get_origin(kind) is dict else "list of texts")


def sample() -> str:
    """``etc/tfserver.yaml``: every setting with its default."""
    lines = ["# Configuration of tfserver: every setting with its default. Written by docs/generate.py.", ""]
    section = ""
    for name, default, told, _ in fields(Settings):
        *parents, key = name.split(".")
        if parents and parents[0] != section:
            section = parents[0]
            lines += ["", f"{section}:"]
        indent = "  " * len(parents)
        lines += textwrap.wrap(told, 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
        lines.append(f"{indent}{key}: {written(default)}")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """``docs/configuration.md``."""
    lines = [
        "# Configuration reference",
        "",
        "Written by `docs/generate.py` from the settings classes in `tfserver/config/`.",
        "",
        "`twistd -n tfserver -c FILE` reads YAML; options win over the file. `tfserver check-config FILE`",
        "checks it without starting. `etc/tfserver.yaml` has every setting with its default. Two secrets",
        "come from the environment first: `TFSERVER_MASTER_KEY` and `TFSERVER_REDIS_PASSWORD`.",
        "",
        "| setting | expected | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{name}` | {expected(kind)} | `{written(default)}` | {told} |"
        for name, default, told, kind in fields(Settings)
    ]
    return "\n".join(lines) + "\n"


Moves = Mapping[tuple[enum.Enum, enum.Enum], enum.Enum]


def drawn(first: enum.Enum, moves: Moves) -> list[str]:
    """A table of states as a picture and as a table."""
    names = {state: state.value.replace(" ", "_") for (old, _), new in moves.items() for state in (old, new)}
    lasts = [state for state in names if all(old is not state for old, _ in moves)]
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {names[first]}"]
    lines += [f"    {names[old]} --> {names[new]}: {event.value}" for (old, event), new in moves.items()]
    lines += [f"    {names[state]} --> [*]" for state in lasts]
    lines += ["```", "", "| in state | event | goes to |", "| --- | --- | --- |"]
    lines += [f"| {old.value} | {event.value} | {new.value} |" for (old, event), new in moves.items()]
    return lines


def picture() -> str:
    """``docs/session.md``: states of conversations, exchanges and orders, drawn from their tables."""
    lines = [
        "# States",
        "",
        "Written by `docs/generate.py` from the tables that the program runs by.",
        "",
        "## A conversation (`TRANSITIONS` in `tfserver/wire/session.py`)",
        "",
        *drawn(State.NEW, TRANSITIONS),
        "",
        "## The command in flight (`STAGES` in `tfserver/wire/exchange.py`)",
        "",
        *drawn(Stage.FREE, STAGES),
        "",
        "## An order (`ORDER_TRANSITIONS` in `tfserver/order.py`)",
        "",
        *drawn(OrderState.QUEUED, ORDER_TRANSITIONS),
    ]
    return "\n".join(lines) + "\n"


def slots() -> str:
    """``docs/backupnum.md``: what each slot of a person holds."""
    lines = [
        "# Credentials by `backupnum`",
        "",
        "Written by `docs/generate.py` from the table in `tfserver/credentials.py` (protocol §3.1).",
        "",
        "| backupnum | credential | counts against | `record` holds |",
        "| --- | --- | --- | --- |",
    ]
    for row in TABLE:
        numbers = str(row.first) if row.first == row.last else f"{row.first}–{row.last}"
        lines.append(f"| {numbers} | {row.label} | `{row.kind.value}size` | {row.content.value} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "etc/tfserver.yaml": sample,
    "docs/configuration.md": reference,
    "docs/session.md": picture,
    "docs/backupnum.md": slots,
    "docs/commands.md": command_page.page,
    "docs/metrics.md": metrics_page.page,
}


def outdated() -> list[str]:
    """The generated files that are not what they would be now."""
    return [
        name
        for name, make in PAGES.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text("utf-8") != make()
    ]


def main(argv: list[str]) -> int:
    """Write or check; the exit status is 1 when something is out of date."""
    stale = outdated()
    if argv == ["--check"]:
        sys.stdout.write("".join(f"out of date: {name}; run python docs/generate.py\n" for name in stale))
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).write_text(PAGES[name](), "utf-8")
        sys.stdout.write(f"written: {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
