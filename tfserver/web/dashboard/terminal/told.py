"""The texts of commands and fields as translators find them: a method of Babel, named in ``babel.cfg``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tfserver.web.dashboard.terminal.fields import Form
from tfserver.web.dashboard.terminal.orders import forms

Found = tuple[int, None, str, list[str]]


def collect(source: IO[bytes], _keywords: Any, _tags: Any, options: Any) -> Iterator[Found]:
    """What forms show of the commands of one module, ``source``, as Babel takes it: the line is not known."""
    module = Path(source.name).stem
    for form in forms():
        if form.subject == module:
            yield from ((0, None, text, []) for text in shown(form))


def shown(form: Form) -> list[str]:
    """All texts that stand in a form."""
    found = [form.told]
    for field in form.fields:
        found += filter(None, (field.told, field.expects if field.is_explained else ""))
    return list(dict.fromkeys(found))
