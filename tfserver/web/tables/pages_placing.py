"""The pages of groups, plans, differences and room."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.people import placing
from tfserver.web.route import READER, Scope
from tfserver.web.tables.page import page

_ALL: Final = Scope.ALL_SITES
_ONE: Final = f"{placing.DIFFERENCES}/{{sn}}"
_PLAN: Final = f"{placing.PLANS}/{{id}}"
PLACING: Final = (
    page(placing.GROUPS, "groups", placing.all_groups, placing.PLACED, READER, _ALL),
    page(f"{placing.GROUPS}/{{name}}", "group", placing.group, placing.BEHIND, READER, _ALL),
    page(placing.PLANS, "plans", placing.plans, placing.LISTED, READER, _ALL),
    page(_PLAN, "plan", placing.plan, placing.LISTED, READER, _ALL),
    page(f"{_PLAN}/terminals/{{sn}}", "plan_terminal", placing.steps, placing.BEHIND, READER, _ALL),
    page(placing.DIFFERENCES, "differences", placing.differences, placing.TERMINALS, READER, _ALL),
    page(
        f"{placing.DIFFERENCES}/{{sn}}",
        "terminal_differences",
        placing.differing,
        placing.BEHIND,
        READER,
        _ALL,
    ),
    page(placing.FORECAST, "forecast", placing.forecast, placing.TERMINALS, READER, _ALL),
    page(f"{placing.FORECAST}/{{sn}}", "terminal_room", placing.room, placing.ROOM, READER, _ALL),
)
