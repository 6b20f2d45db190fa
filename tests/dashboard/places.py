"""Terminals as a company may have them, with names, sites, models, clocks and states; the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

SITES: Final = (
    ("Zürich", "Europe/Zurich"),
    ("Riyadh", "Asia/Riyadh"),
    ("القاهرة", "Africa/Cairo"),
    ("Mumbai plant 2", "Asia/Kolkata"),
    ("New York", "America/New_York"),
    ("São Paulo", "America/Sao_Paulo"),
    ("Harbour warehouse, gate B, behind the customs office", "Europe/Lisbon"),
)
DOORS: Final = (
    *("Main entrance", "Canteen", "Loading bay", "Server room", "Turnstile 1", "Turnstile 2", "Workshop"),
    *("المدخل الرئيسي", "Büro 3. Stock", "Parking, level −2", "Night gate", "Laboratory"),
)
HOSTILE: Final = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %} ${7*7} &lt;b&gt;",
    "‮evil‬ ﷽ Z̶̤̽a̵͚͑l̸̰̈g̵̖̈o",
    "Averyveryverylongnamewithoutanyspacesinitwhichnobodyeverbrokeintolines",
)
"""Names that a page has to show as they are, and survive."""
MODELS: Final = (
    ("AiFace F43V", "AiF43V_v4.50", "thbio3.0", 5000),
    ("AiFace 11", "Ai11_v2.18", "thbio3.0", 1000),
    ("TM20", "TM20-5.3.1", "thbio1.0", 500),
    ("BioDoor X7", "X7.2024.11.02-rc3", "thbio3.0", 10000),
)
TAGS: Final = ("entrance", "payroll", "door", "visitors", "to be replaced")
STATES: Final = {"online": 82, "offline": 10, "pending": 4, "denied": 2, "silent": 2}
"""How many of a hundred stand so; ``silent``: online, and no punch for days."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS


class Place(NamedTuple):
    """One terminal, and what is known of it; moments are UTC in ms."""

    sn: str
    name: str
    site: str
    timezone: str
    state: str
    model: tuple[str, str, str, int]
    tags: tuple[str, ...]
    used: float
    """How full it is, 0 to 1."""
    drift_ms: int | None
    connected: int
    heard: int
    punched: int | None
    whole: int | None
    """Until when its records are complete."""
    has_gap: bool

    @property
    def devinfo(self) -> dict[str, Any]:
        """What it says of itself."""
        modelname, firmware, fpalgo, size = self.model
        sizes = {
            "user": size,
            "fp": 2 * size,
            "card": size,
            "pwd": size,
            "face": size // 2,
            "log": 100 * size,
        }
        used = {f"used{kind}": int(most * self.used) for kind, most in sizes.items()}
        told = {f"{kind}size": most for kind, most in sizes.items()}
        mac = ":".join(f"{byte:02X}" for byte in (0, 1, 169, *random.Random(self.sn).randbytes(3)))
        more = {"modelname": modelname, "firmware": firmware, "fpalgo": fpalgo, "mac": mac}
        return {**more, **told, **used, "usednewlog": 0}


def places(count: int, now_ms: int, seed: int = 8) -> Iterator[Place]:
    """So many terminals; the first are one of each state, so that a small fleet has some of all."""
    chance = random.Random(seed)
    names, weights = list(STATES), list(STATES.values())
    for number in range(count):
        few = names[number] if number < len(names) else ""
        yield _place(number, few or chance.choices(names, weights)[0], now_ms, chance)


def _place(number: int, state: str, now_ms: int, chance: random.Random) -> Place:
    site, timezone = chance.choice(SITES)
    is_hostile = 10 <= number < 10 + len(HOSTILE)
    heard = now_ms - (
        chance.randrange(2 * HOUR_MS, 9 * DAY_MS) if state == "offline" else chance.randrange(50_000)
    )
    quiet = chance.randrange(3 * DAY_MS, 6 * DAY_MS) if state == "silent" else chance.randrange(2 * HOUR_MS)
    is_known = state not in ("pending", "denied")
    return Place(
        sn=f"{chance.choice(('AYTI', 'ZXDM', 'F43V'))}{10_000_000 + 7919 * number:08d}",
        name=HOSTILE[number - 10] if is_hostile else f"{chance.choice(DOORS)} {number // len(DOORS) + 1}",
        site=site if is_known else "",
        timezone=timezone,
        state=state,
        model=chance.choice(MODELS),
        tags=tuple(chance.sample(TAGS, chance.choice((0, 0, 1, 2)))),
        used=min(1.0, chance.betavariate(2, 4) + (0.5 if chance.random() < 0.05 else 0)),
        drift_ms=_drift(chance),
        connected=heard - chance.randrange(HOUR_MS, 20 * DAY_MS),
        heard=heard,
        punched=heard - quiet if is_known else None,
        whole=heard - chance.randrange(60_000, 30 * HOUR_MS) if chance.random() < 0.93 else None,
        has_gap=chance.random() < 0.02,
    )


def _drift(chance: random.Random) -> int | None:
    kind = chance.random()
    if kind < 0.02:
        return None
    if kind < 0.05:
        return chance.choice((-1, 1)) * chance.randrange(121_000, 4_000_000)
    return round(chance.gauss(0, 900))
