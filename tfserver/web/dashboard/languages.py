"""The languages of the dashboard: English in the sources, others in ``locale``, each a gettext catalogue."""

from __future__ import annotations

import functools
import io
from importlib.resources import files
from typing import Final, NamedTuple

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE: Final = "en"
DOMAIN: Final = "dashboard"
CODES: Final = (SOURCE, "ar")
COOKIE: Final = "tf-language"
_MOST_ACCEPTED: Final = 20


def mark(text: str) -> str:
    """A text that templates translate when they show it: here it is found by who collects all texts."""
    return text


class Language(NamedTuple):
    """One language: its code, what Babel knows of it, and the texts."""

    code: str
    locale: Locale
    texts: NullTranslations

    @property
    def name(self) -> str:
        """What it is called by those who speak it."""
        return str(self.locale.get_display_name(self.code) or self.code).capitalize()

    @property
    def direction(self) -> str:
        """How it is written: ``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)


@functools.cache
def language(code: str) -> Language:
    """The language of a code of ours."""
    if code not in CODES:
        raise ValueError(f"no texts in {code}")
    return Language(code, Locale.parse(code), _texts(code))


def _texts(code: str) -> NullTranslations:
    if code == SOURCE:
        return NullTranslations()
    place = files("tfserver.web.dashboard") / "locale" / code / "LC_MESSAGES" / f"{DOMAIN}.po"
    written = io.BytesIO()
    # read as it is edited: nothing has to be compiled, in a checkout or in a package
    write_mo(written, read_po(io.BytesIO(place.read_bytes()), locale=code, domain=DOMAIN))
    written.seek(0)
    return Translations(written, domain=DOMAIN)


def chosen(cookie: str, own: str, accepted: str) -> Language:
    """The language for somebody: as chosen at this browser, else as their account says, else as the header
    ``Accept-Language`` likes best (RFC 9110 §12.5.4), else English."""
    for code in (cookie, own):
        if code in CODES:
            return language(code)
    return language(_negotiated(accepted))


@functools.lru_cache(256)
def _negotiated(accepted: str) -> str:
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")[:_MOST_ACCEPTED]):
        name, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            weight = 0.0
        if name and weight > 0:
            weighed.append((-weight, place, name.strip()))
    names = [name for *_, name in sorted(weighed)]
    return negotiate_locale(names, CODES, sep="-") or SOURCE
