"""The pages of enrolment, imports and erasures."""

from __future__ import annotations

from typing import Final

from tfserver.web.route import Route

BRINGING: Final[tuple[Route, ...]] = ()
