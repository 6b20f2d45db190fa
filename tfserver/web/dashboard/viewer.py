"""Who looks at a page: what they may do, and how they want to see it."""

from __future__ import annotations

from typing import Final, NamedTuple

from twisted.web.http import Request as AnyRequest

from tfserver.store.accounts import Account
from tfserver.store.principals import Principal, Role
from tfserver.web import auth, cookies
from tfserver.web.dashboard import languages
from tfserver.web.dashboard.languages import Language

THEME_COOKIE: Final = "tf-theme"
THEMES: Final = ("light", "dark")


class Viewer(NamedTuple):
    """``who`` is None for somebody who is not signed in; ``csrf`` is what changes have to send along;
    ``theme`` is empty for what the system prefers."""

    language: Language
    theme: str = ""
    who: Principal | None = None
    csrf: str = ""

    @property
    def name(self) -> str:
        """How the head of the page names who is signed in."""
        return "" if self.who is None else self.who.name or self.who.id

    def may(self, role: str) -> bool:
        """Whether a button for this role is of use to them."""
        return self.who is not None and auth.has_role(self.who, Role(role))

    @property
    def is_everywhere(self) -> bool:
        """Whether they are bound to no site."""
        return self.who is not None and not self.who.sites


def viewer_of(request: AnyRequest, who: Principal | None, cookie: str) -> Viewer:
    """Who makes a request; ``cookie`` is what opens the session."""
    kept = _kept(request)
    own = who.language if isinstance(who, Account) else ""
    accepted = (request.getHeader(b"Accept-Language") or b"").decode("latin-1")[:500]
    language = languages.chosen(kept.get(languages.COOKIE, ""), own, accepted)
    theme = kept.get(THEME_COOKIE, "")
    csrf = cookies.csrf_of(cookie) if cookie else ""
    return Viewer(language, theme if theme in THEMES else "", who, csrf)


def _kept(request: AnyRequest) -> dict[str, str]:
    found = request.received_cookies
    names = (languages.COOKIE, THEME_COOKIE)
    return {name: found.get(name.encode(), b"").decode("latin-1") for name in names}
