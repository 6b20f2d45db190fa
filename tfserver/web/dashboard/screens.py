"""Templates made into pages: one environment for each language, strict about what a template names."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

from babel.numbers import format_decimal
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from tfserver.web.answer import Answer, Gradual
from tfserver.web.dashboard import languages, words
from tfserver.web.dashboard.assets import assets
from tfserver.web.dashboard.languages import Language, language
from tfserver.web.dashboard.moments import MINUTES, moment, zone_of
from tfserver.web.dashboard.navigation import NAVIGATION
from tfserver.web.dashboard.phrases import said
from tfserver.web.dashboard.punches.words import ALARMS
from tfserver.web.dashboard.viewer import Viewer
from tfserver.web.policy import CONTENT, PAGE

HTML: Final = "text/html; charset=utf-8"
FIRST: Final = ("fleet/page.html", "fleet/row.html", "fleet/waiting.html", "layout.html", "parts.html")
"""Templates of the page that people open first."""
_HEAD: Final = {CONTENT.decode(): PAGE}


@functools.cache
def _templates() -> dict[str, str]:
    """All templates by their names below ``templates``."""
    found: dict[str, str] = {}
    left = [("", files("tfserver.web.dashboard") / "templates")]
    while left:
        prefix, folder = left.pop()
        for each in folder.iterdir():
            if each.is_dir():
                left.append((f"{prefix}{each.name}/", each))
            elif each.name.endswith(".html"):
                found[f"{prefix}{each.name}"] = each.read_text("utf-8")
    return found


@functools.cache
def environment(code: str) -> Environment:
    """Templates in one language."""
    made = Environment(
        loader=DictLoader(_templates()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    shown = language(code)
    made.install_gettext_translations(shown.texts, newstyle=True)  # type: ignore[attr-defined]
    made.globals.update(
        asset=assets().place,
        language=shown,
        languages=[language(each) for each in languages.CODES],
        navigation=NAVIGATION,
        words=words,
        alarms=ALARMS,
    )
    made.filters.update(
        number=functools.partial(_number, shown),
        zone=zone_of,
        enclosed=_enclosed,
        said=functools.partial(said, shown),
        without_empty=_without_empty,
    )
    return made


@functools.cache
def prepare() -> None:
    """What the page of the fleet takes, made before somebody waits for it: a tenth of a second of a start."""
    made = environment(languages.SOURCE)
    for name in FIRST:
        made.get_template(name)
    _number(language(languages.SOURCE), 0)


@functools.lru_cache(4096)
def _number(shown: Language, value: float) -> str:
    # digits as terminals show them, so that people can compare the two
    return str(format_decimal(value, locale=shown.locale, numbering_system="latn"))


def _enclosed(value: object) -> Markup:
    """A text of its own direction, such as a name or a serial number, amid text of another."""
    return Markup("<bdi>{}</bdi>").format(value)


def _without_empty(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a link need not say is left out."""
    return {name: value for name, value in given.items() if value}


class Screen:
    """How pages are shown to one viewer at one moment; ``zone`` is that of terminals which have none."""

    def __init__(self, viewer: Viewer, now: datetime, zone: str = "") -> None:
        self.viewer = viewer
        self._now = now
        self._zone = zone
        self._environment = environment(viewer.language.code)

    def at(self, seconds: float) -> Screen:
        """The same at another moment."""
        return Screen(self.viewer, at(seconds), self._zone)

    def moment(self, instant: str | None, zone: str | None = None) -> Markup:
        """An instant (RFC 3339) in a zone (IANA), as ``moments.moment`` shows it."""
        return moment(instant, zone_of(zone, self._zone), self.viewer.language, self._now)

    def minute(self, instant: str | None, zone: str | None = None) -> Markup:
        """The same without seconds, for what nobody compares."""
        return moment(instant, zone_of(zone, self._zone), self.viewer.language, self._now, MINUTES)

    def parts(self, template: str, context: Mapping[str, Any]) -> Iterator[str]:
        """A template filled in, part by part."""
        found = self._environment.get_template(template)
        return found.generate(viewer=self.viewer, screen=self, **context)

    def piece(self, template: str, macro: str, *values: Any) -> str:
        """What a macro of a template gives: a part of a page that changes while somebody looks."""
        module = self._environment.get_template(template).make_module({"viewer": self.viewer, "screen": self})
        return str(getattr(module, macro)(*values))

    def page(self, template: str, context: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Answer:
        """A whole page as an answer."""
        headers = {**_HEAD, "Content-Language": self.viewer.language.code, "Vary": "Cookie, Accept-Language"}
        return Answer(Gradual(self.parts(template, context)), status, headers, HTML)


def at(seconds: float) -> datetime:
    """An instant from the seconds of a clock."""
    return datetime.fromtimestamp(seconds, UTC)
