"""What a page says, read as a browser would."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "link", "input", "br", "img", "hr", "use", "path", "rect", "line", "circle", "source"}


class Element(NamedTuple):
    """One element: its name, what stands in its tag, and the text within."""

    name: str
    given: dict[str, str]
    text: str


class Page(HTMLParser):
    """All elements of a page; ``open_at_end`` are those that nobody closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        self.close()
        self.open_at_end = [name for name, *_ in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins; some have no end."""
        given = {name: value or "" for name, value in attrs}
        if tag in VOID:
            self.elements.append(Element(tag, given, ""))
        else:
            self._open.append((tag, given, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element that is closed where it begins."""
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}, ""))

    def handle_endtag(self, tag: str) -> None:
        """An element ends; one that is not the innermost stays open."""
        if self._open and self._open[-1][0] == tag:
            name, given, texts = self._open.pop()
            text = "".join(texts)
            self.elements.append(Element(name, given, " ".join(text.split())))
            if self._open:
                self._open[-1][2].append(text)

    def handle_data(self, data: str) -> None:
        """Text within the innermost element."""
        if self._open:
            self._open[-1][2].append(data)

    def all(self, name: str, /, **given: str) -> list[Element]:
        """Elements of a name that have these attributes; an underscore is a hyphen."""
        wanted = {key.replace("_", "-"): value for key, value in given.items()}
        return [each for each in self.elements if each.name == name and wanted.items() <= each.given.items()]

    def texts(self, name: str, /, **given: str) -> list[str]:
        """What stands in such elements."""
        return [each.text for each in self.all(name, **given)]
