"""Reading single values the way firmware writes them: numbers as strings, stray spaces, 1 for true.

Each reader returns the value or raises ValueError; none raises anything else (protocol §2.1, §2.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

_MOST: Final = 2**63 - 1


def integer(value: object) -> int:
    """A 64-bit integer from a number or a string such as ``" 0017"``, ``"7.0"`` or ``true``."""
    if type(value) is int:
        found = value
    elif isinstance(value, bool):
        found = int(value)
    elif isinstance(value, float):
        found = _whole(value)
    elif isinstance(value, str):
        found = _integer_text(value.strip())
    else:
        raise ValueError("not an integer")
    if not -_MOST - 1 <= found <= _MOST:
        raise ValueError("beyond 64 bits")
    return found


def _whole(value: float) -> int:
    if not math.isfinite(value) or value != int(value):
        raise ValueError("not a whole number")
    return int(value)


def _integer_text(value: str) -> int:
    if not value.isascii() or "_" in value or len(value) > 24:
        raise ValueError("not an integer")
    digits = value[1:] if value[:1] in "+-" else value
    return int(value) if digits.isdigit() else _whole(float(value))


def number(value: object) -> float:
    """A finite float from a number or a string such as ``"36.5"``."""
    if isinstance(value, str):
        if "_" in value or len(value) > 40:
            raise ValueError("not a number")
        value = float(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")
    try:
        found = float(value)
    except OverflowError as too_big:
        raise ValueError("not a finite number") from too_big
    if not math.isfinite(found):
        raise ValueError("not a finite number")
    return found


def text(value: object) -> str:
    """Text as it came; numbers become their decimal form, anything else is refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not text")
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def boolean(value: object) -> bool:
    """True or false from a JSON boolean, 1/0 or ``"true"``/``"false"`` in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("true", "1"):
            return True
        if word in ("false", "0", ""):
            return False
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError("not true or false")


def mapping(value: object) -> dict[str, Any]:
    """An object."""
    if isinstance(value, dict):
        return value
    raise ValueError("not an object")


def sequence(value: object) -> list[Any]:
    """A list; one object stands for a list of one, a missing one is empty (protocol §2.1)."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return [value]
    raise ValueError("not a list")


def temperature(value: object) -> float | None:
    """Degrees Celsius from any of the three scales terminals use; 0 means none (protocol §2.2)."""
    found = number(value)
    if found > 1000:
        found /= 100
    elif found > 100:
        found /= 10
    return round(found, 2) or None


READERS: Final[dict[object, Callable[[object], Any]]] = {
    int: integer,
    float: number,
    str: text,
    bool: boolean,
    dict: mapping,
    list: sequence,
}
