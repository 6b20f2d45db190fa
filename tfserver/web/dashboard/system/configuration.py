"""``/system/configuration``: every setting as it was loaded, without what opens anything."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import msgspec
import yaml

from tfserver.config import Settings
from tfserver.configtold import fields, value_of
from tfserver.privacy import is_private
from tfserver.web.answer import Answer
from tfserver.web.call import Call
from tfserver.web.dashboard.system.frame import HERE, show_inside
from tfserver.web.query import choices

PLACE: Final = f"{HERE}/configuration"
PARAMETERS: Final = (choices("only", "only those that are not as by default", ("changed",)),)
MASK: Final = "•••"
_ADDRESS: Final = re.compile(r"://.*@", re.DOTALL)
"""Names and passwords, also one in which somebody forgot to write / or @ otherwise."""
_QUESTION: Final = re.compile(r"\?.*", re.DOTALL)
_PLACES_OF_SECRETS: Final = ("_file", "_dir")
"""Where a secret stands is none."""


class Row(NamedTuple):
    """A setting: its value and default as YAML, and what it is for."""

    name: str
    value: str
    default: str
    told: str

    @property
    def is_changed(self) -> bool:
        """Whether somebody chose another value than the default."""
        return self.value != self.default


async def configuration(call: Call) -> Answer:
    """All settings of this process by their sections, or those that somebody chose."""
    only = "changed" in call.query["only"]
    rows = [row for row in rows_of(call.sources.settings) if row.is_changed or not only]
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(row.name.rpartition(".")[0], []).append(row)
    return show_inside(call, "configuration.html", PLACE, sections=sections, only=only)


def rows_of(settings: Settings) -> list[Row]:
    """Every setting as people may see it."""
    return [
        Row(name, _written(name, value_of(settings, name)), _written(name, default), told)
        for name, default, told, _ in fields(Settings)
    ]


def _written(name: str, value: Any) -> str:
    plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
    text = yaml.safe_dump(_masked(name, plain), default_flow_style=True, width=10_000, allow_unicode=True)
    return str(text).removesuffix("\n").removesuffix("\n...").strip()


def _masked(name: str, value: Any) -> Any:
    """A value without passwords: those of addresses, and texts under names that secrets have."""
    if isinstance(value, dict):
        return {key: _masked(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(name, inner) for inner in value]
    if not isinstance(value, str) or not value:
        return value
    last = name.rpartition(".")[2]
    if is_private(last) and not last.endswith(_PLACES_OF_SECRETS):
        return MASK
    if "://" not in value:
        return value
    return _QUESTION.sub(f"?{MASK}", _ADDRESS.sub(f"://{MASK}@", value))
