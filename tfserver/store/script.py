"""Our scripts, as they are sent to the store and as it calls them."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any


class Script:
    """One of the texts in ``scripts``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = _text(name)
        self.sha = hashlib.sha1(self.text.encode()).hexdigest()


def all_scripts() -> dict[str, Script]:
    """All of them by their names."""
    return {name: Script(name) for name in _names()}


def _folder() -> Any:
    return resources.files("tfserver.store").joinpath("scripts")


def _text(name: str) -> str:
    """A long script is a folder: its files are one text, in the order of their names."""
    parts = _folder().joinpath(name)
    if not parts.is_dir():
        return str(_folder().joinpath(f"{name}.lua").read_text("utf-8"))
    files = sorted(
        (item for item in parts.iterdir() if item.name.endswith(".lua")), key=lambda item: item.name
    )
    return "\n".join(item.read_text("utf-8") for item in files)


def _names() -> list[str]:
    return sorted(
        item.name.removesuffix(".lua")
        for item in _folder().iterdir()
        if item.name.endswith(".lua") or item.is_dir()
    )
