"""All texts of the dashboard, found in its sources as translators find them."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "tfserver" / "web" / "dashboard"
LETTER = re.compile(r"[^\W\d_]{2}")
JINJA = re.compile(r"{%.*?%}|{#.*?#}|{{.*?}}", re.S)
TOLD = ("title", "placeholder", "aria-label", "alt", "label")
"""Attributes that people read."""
NAMES = {"tfserver", "ms", "kB"}
"""Of ours, and of units: the same in every language, as addresses are."""


class Text(NamedTuple):
    """A text of the sources; ``plural`` is empty for one that counts nothing."""

    one: str
    plural: str
    place: str


def texts() -> list[Text]:
    """All of them, as ``babel.cfg`` says where they stand."""
    methods, options = parse_mapping(io.StringIO((ROOT / "babel.cfg").read_text()))
    keywords = {**DEFAULT_KEYWORDS, "mark": None}
    found = []
    for name, line, said, *_ in extract_from_dir(str(ROOT), methods, options, keywords):
        one, plural = (said[0], said[1]) if isinstance(said, tuple) else (said, "")
        found.append(Text(one, plural, f"{name}:{line}"))
    return found


def catalogue(code: str) -> Catalog:
    """What is translated into a language."""
    place = FOLDER / "locale" / code / "LC_MESSAGES" / "dashboard.po"
    return read_po(io.BytesIO(place.read_bytes()), locale=code)


def _is_word(text: str) -> bool:
    return LETTER.search(text) is not None and text not in NAMES and "://" not in text


class _Untranslated(HTMLParser):
    """Words in a template that nobody translates."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Attributes that are words."""
        self.found += [value for name, value in attrs if name in TOLD and value and _is_word(value)]

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.found += filter(_is_word, data.split())


def untranslated(template: str) -> list[str]:
    """Words that stand in a template as they are."""
    parser = _Untranslated()
    parser.feed(JINJA.sub("", template))
    parser.close()
    return parser.found
