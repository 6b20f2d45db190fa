"""Lines of CSV and JSON that the database makes itself: no row becomes an object of Python.

Both databases write what ``forms.lines_of`` writes. A chunk with a row that they would write otherwise (one
that has a ``body``, or an odd number) is told as ``odd``, and is made in Python.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tfserver.store.archive.forms import FORMULA, HEADINGS, Form

_COLUMNS: Final = HEADINGS[1:]
_NUMBERS: Final = ("enrollid", "offset_ms", "mode", "inout", "event")
_INSTANTS: Final = ("utc", "received")
_ABSENT: Final = ("direction", "repeat_of")
"""They stand in JSON only when something is known."""
ALL: Final = 2**31 - 1


def aggregated(dialect: str, form: Form, found: sa.Select[Any]) -> sa.Select[Any]:
    """All lines of what is found as one text, in order, how many they are, and how many of them are odd."""
    line: sa.ColumnElement[str] = sa.literal_column(_LINES[dialect, form]).label("line")
    odd: sa.ColumnElement[int] = sa.literal_column(_ODD[dialect]).label("odd")
    ms, seq = found.selected_columns.ms, found.selected_columns.seq
    made = found.with_only_columns(ms, seq, line, odd, maintain_column_froms=True).order_by(None)
    rows = made.order_by(ms, seq).limit(ALL).subquery()
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import aggregate_order_by

        joined = sa.func.string_agg(rows.c.line, aggregate_order_by(sa.text("''"), rows.c.ms, rows.c.seq))
    else:
        # SQLite keeps the order of a subquery that has a LIMIT.
        joined = sa.func.group_concat(rows.c.line, sa.text("''"))
    return sa.select(joined, sa.func.count(), sa.func.sum(rows.c.odd))


def _text(letters: str) -> str:
    return "'" + letters.replace("'", "''") + "'"


def _sqlite_csv() -> str:
    values = ", ".join(_sqlite_cell(name) for name in _COLUMNS)
    return f"printf('%d-%d{',%s' * len(_COLUMNS)}\r\n', ms, seq, {values})"


def _sqlite_cell(name: str) -> str:
    if name in (*_NUMBERS, *_INSTANTS, "temp"):
        return name
    if name == "extra":
        return f"CASE WHEN extra <> '{{}}' THEN {_quoted(name)} END"
    # a sign at the beginning of a class of GLOB is one of its letters
    signs = "-" + FORMULA.replace("-", "")
    safe = f"CASE WHEN {name} GLOB {_text(f'[{signs}]*')} THEN '''' || {name} ELSE {name} END"
    special = f"{name} GLOB {_text(f'*[,{_QUOTED}]*')}"
    return f"CASE WHEN {special} THEN {_quoted(safe)} ELSE {safe} END"


_QUOTED: Final = '"\r\n'


def _quoted(value: str) -> str:
    return f"""'"' || replace({value}, '"', '""') || '"'"""


def _sqlite_json() -> str:
    names = [name for name in _COLUMNS if name not in _ABSENT]
    form = "".join(f',"{name}":%s' for name in names)
    values = [
        name if name == "extra" else f"ifnull({name}, 'null')" if name in _NUMBERS else f"json_quote({name})"
        for name in names
    ]
    values += [
        f"""CASE WHEN {name} IS NOT NULL THEN ',"{name}":' || json_quote({name}) END""" for name in _ABSENT
    ]
    return f"""printf('{{"id":"%d-%d"{form}%s%s}}\n', ms, seq, {", ".join(values)})"""


def _postgresql_csv() -> str:
    cells = "".join(f", ',', {_postgresql_cell(name)}" for name in _COLUMNS)
    return f"concat(ms, '-', seq{cells}, {_text(_END)})"


_END: Final = "\r\n"


def _postgresql_cell(name: str) -> str:
    if name in _INSTANTS:
        return _instant(name)
    if name == "temp":
        return _temperature()
    if name in _NUMBERS:
        return f'"{name}"'
    if name == "extra":
        return f"CASE WHEN extra::text <> '{{}}' THEN {_quoted('extra::text')} END"
    signs = "-" + FORMULA.replace("-", "")
    safe = f"""CASE WHEN "{name}" ~ {_text(f"^[{signs}]")} THEN '''' || "{name}" ELSE "{name}" END"""
    special = f'"{name}" ~ {_text(f"[,{_QUOTED}]")}'
    return f"CASE WHEN {special} THEN {_quoted(safe)} ELSE {safe} END"


def _instant(name: str) -> str:
    """As ``model.rfc3339`` writes it; connections speak in UTC."""
    return f"""to_char("{name}", 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _temperature() -> str:
    """With a point always, as JSON of ours."""
    return "temp::text || CASE WHEN temp = trunc(temp) THEN '.0' ELSE '' END"


def _postgresql_json() -> str:
    values = "".join(
        f""", ',"{name}":', {_postgresql_value(name)}""" for name in _COLUMNS if name not in _ABSENT
    )
    absent = "".join(f""", ',"{name}":' || to_json("{name}")::text""" for name in _ABSENT)
    return f"""concat('{{"id":"', ms, '-', seq, '"'{values}{absent}, {_text("}" + chr(10))})"""


def _postgresql_value(name: str) -> str:
    if name == "extra":
        return "extra::text"
    if name in _NUMBERS:
        return f"""coalesce("{name}"::text, 'null')"""
    if name == "temp":
        return f"coalesce({_temperature()}, 'null')"
    if name in _INSTANTS:
        return f"""coalesce('"' || {_instant(name)} || '"', 'null')"""
    return f"""coalesce(to_json("{name}")::text, 'null')"""


_ODD_EXTRA: Final = {
    "sqlite": "extra NOT GLOB '{*' OR instr(extra, char(10)) > 0 OR instr(extra, char(13)) > 0",
    "postgresql": "extra::text !~ '^\\{' OR extra::text ~ '[\r\n]'",
}
_ODD: Final = {
    dialect: (
        f"CASE WHEN body IS NOT NULL OR extra IS NULL OR {odd_extra} OR abs(temp) >= 1000000 "
        # in this order: the largest numbers there are can't be compared with their decimals
        f"THEN 1 WHEN temp <> round({decimal}, 6) THEN 1 ELSE 0 END"
    )
    for (dialect, odd_extra), decimal in zip(_ODD_EXTRA.items(), ("temp", "temp::numeric"), strict=True)
}
_LINES: Final = {
    ("sqlite", Form.CSV): _sqlite_csv(),
    ("sqlite", Form.NDJSON): _sqlite_json(),
    ("postgresql", Form.CSV): _postgresql_csv(),
    ("postgresql", Form.NDJSON): _postgresql_json(),
}
