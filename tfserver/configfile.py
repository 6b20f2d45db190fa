"""Reading the configuration file: every mistake is told with file, setting and what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
import yaml

from tfserver.config import Settings
from tfserver.errors import ConfigError
from tfserver.networks import network_of
from tfserver.proxies import UNIX


def load(path: str | None, overrides: Mapping[str, Any]) -> Settings:
    """Read the configuration file, lay options over it and check it all.

    ``overrides`` maps dotted names to values, e.g. ``{"store.url": "redis://…"}``. Raises ConfigError with
    file, path and what was expected.
    """
    found = _read(path) if path else {}
    source = path or "options"
    for name, value in overrides.items():
        *sections, key = name.split(".")
        part = found
        for section in sections:
            part = part.setdefault(section, {})
            if not isinstance(part, dict):
                raise ConfigError(f"{source}: {section}: expected a section with settings below it")
        part[key] = value
    try:
        settings = msgspec.convert(found, Settings)
    except msgspec.ValidationError as wrong:
        told = _explained(str(wrong))
        blamed = "options" if told.partition(":")[0] in overrides else source
        raise ConfigError(f"{blamed}: {told}") from wrong
    _check_zone(settings, source)
    _check_networks(settings, source)
    return settings


def _read(path: str) -> dict[str, Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigError(f"{path}: can't be read: {wrong}") from wrong
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as wrong:
        # dates that there are not, numbers and lists without end: PyYAML has no words of its own for these
        raise ConfigError(f"{path}: is not YAML: {wrong}") from wrong
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: expected settings by name, e.g. 'data_dir: ./tfserver-data'")
    return {key: ({} if value is None else value) for key, value in found.items()}


def _explained(message: str) -> str:
    """Turn msgspec's words into ours: the setting by its dotted name, then what was expected there."""
    what, _, where = message.partition(" - at ")
    path = where.strip("`").removeprefix("key` in `").removeprefix("$").removeprefix(".")
    # any entry of a table or list
    names = path.replace("[...]", "[]").split(".") if path else []
    if what.startswith("Object contains unknown field"):
        wrong = what.split("`")[1]
        known = msgspec.structs.fields(_type_at(names))
        return f"{'.'.join([*names, wrong])}: unknown setting; known here: {', '.join(f.name for f in known)}"
    if what.startswith("Invalid enum value"):
        choices = [str(choice.value) for choice in _type_at(names)]
        what = f"{what}; expected one of {', '.join(choices)}"
    return f"{path or 'settings'}: {what.replace('`', chr(39))}"


def _type_at(names: list[str]) -> Any:
    found: Any = Settings
    for name in names:
        plain, *inside = name.split("[")
        found = plain_type(next(f.type for f in msgspec.structs.fields(found) if f.name == plain))
        if inside:
            found = get_args(found)[-1]
    return found


def plain_type(annotation: Any) -> Any:
    """The class behind ``Annotated[X | None, …]``."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    choices = [arg for arg in get_args(annotation) if arg is not type(None)]
    return choices[0] if get_origin(annotation) in (Union, UnionType) else annotation


def _check_networks(settings: Settings, source: str) -> None:
    limits, sites = settings.limits, settings.admission.networks
    named: dict[str, Sequence[str]] = {
        "limits.exempt": limits.exempt,
        "limits.trusted_proxies": [text for text in limits.trusted_proxies if text != UNIX],
        **{f"admission.networks.{site}": networks for site, networks in sites.items()},
    }
    for name, texts in named.items():
        for place, text in enumerate(texts):
            try:
                network_of(text)
            except ConfigError as wrong:
                raise ConfigError(f"{source}: {name}[{place}]: {wrong}") from wrong


def _check_zone(settings: Settings, source: str) -> None:
    if settings.terminals.timezone:
        try:
            ZoneInfo(settings.terminals.timezone)
        except (OSError, ValueError, KeyError) as wrong:
            raise ConfigError(
                f"{source}: terminals.timezone: expected an IANA zone such as Europe/Lisbon, "
                f"got '{settings.terminals.timezone}'"
            ) from wrong
