"""The pages of punches."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.punches import wall
from tfserver.web.tables.page import page

PUNCHES: Final = (page("/punches", "punches", wall.wall, wall.PARAMETERS),)
