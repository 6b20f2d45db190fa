"""Cases that were found once, and some examples of one seed, at every door."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.targets import Files, Frames, Requests, Target, Words
from tests.gateway.raw_peer import WireCase
from tests.web.in_memory import PagesCase

CASES: Final = Path(__file__).with_name("cases")
EXAMPLES: Final = int(os.environ.get("TFSERVER_FUZZ_EXAMPLES", "0"))
"""How many, at random; without it few of one seed."""
FEW: Final = 100


def found_cases(target: Target) -> list[bytes]:
    """What was found once, oldest name first."""
    return [path.read_bytes() for path in sorted(CASES.joinpath(target.name).glob("*.bin"))]


def explore(case: Any, target: Target) -> None:
    """Feed examples; one that breaks something is made small, and kept as a case beside this file."""

    @settings(
        max_examples=EXAMPLES or FEW,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.generate, Phase.shrink],
    )
    @given(target.inputs)
    def examples(data: bytes) -> None:
        """One example."""
        try:
            target.check(case, data)
        except BaseException:
            if EXAMPLES:
                CASES.joinpath(target.name, "latest.bin").write_bytes(data)
            raise

    examples()


def both(target_type: Callable[[], Target]) -> Callable[[Any], None]:
    """A test of one target: first what was found once, then examples."""

    def nothing_breaks(self: Any) -> None:
        """Nothing breaks."""
        target = target_type()
        known = found_cases(target)
        self.assertTrue(known, "no case was found yet?")
        for data in known:
            target.check(self, data)
        explore(self, target)

    return nothing_breaks


class Plain(SynchronousTestCase):
    """What needs nothing around it."""

    test_words = both(Words)
    test_files = both(Files)


class OnTheTerminalsPort(WireCase):
    """Bytes on the terminals' port."""

    test_frames = both(Frames)


class OnThePeoplesPort(PagesCase):
    """Bytes on the people's port."""

    test_requests = both(Requests)
