"""The pages of one terminal."""

from __future__ import annotations

from typing import Final

from tfserver.web.dashboard.terminal import copies, frames, history, orders, overview, settings
from tfserver.web.route import ADMIN, OPERATOR, READER, Scope
from tfserver.web.tables.page import page

_TERMINAL: Final = "/terminals/{sn}"
TERMINAL: Final = (
    page(_TERMINAL, "terminal", overview.overview, (), READER, Scope.TERMINAL),
    page(f"{_TERMINAL}/orders", "terminal_orders", orders.orders, orders.PARAMETERS, READER, Scope.TERMINAL),
    page(f"{_TERMINAL}/settings", "terminal_settings", settings.settings, (), READER, Scope.TERMINAL),
    page(f"{_TERMINAL}/copies", "terminal_copies", copies.copies, copies.PARAMETERS, READER, Scope.TERMINAL),
    page(f"{_TERMINAL}/frames", "terminal_frames", frames.frames, (), OPERATOR, Scope.TERMINAL),
    page(
        f"{_TERMINAL}/history", "terminal_history", history.history, history.PARAMETERS, ADMIN, Scope.TERMINAL
    ),
)
