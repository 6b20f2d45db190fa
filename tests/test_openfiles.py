"""Room for connections: what is asked of the system, and what is said when it does not suffice."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.openfiles import OTHERS, make_room

NEEDED = 1000 + 100 + OTHERS


class System:
    """Stands in for the module resource: notes what was set."""

    RLIMIT_NOFILE = 7
    RLIM_INFINITY = -1

    def __init__(self, soft: int, hard: int, most: int = 10**9) -> None:
        self.limits = (soft, hard)
        self.asked: list[tuple[int, int]] = []
        self._most = most

    def getrlimit(self, which: int) -> tuple[int, int]:
        """Soft and hard."""
        assert which == self.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        """Set both; ValueError beyond what the system allows."""
        assert which == self.RLIMIT_NOFILE
        self.asked.append(limits)
        if limits[0] > self._most:
            raise ValueError("not allowed to raise maximum limit")
        self.limits = limits


class RoomTests(SynchronousTestCase):
    """1,000 connections and 100 handshakes."""

    def test_raised(self) -> None:
        """The soft limit becomes what is needed, however much more is allowed; the hard one stays."""
        for hard in (NEEDED, 10**6, System.RLIM_INFINITY):
            system = System(256, hard)
            room = make_room(1000, 100, system)
            self.assertEqual(system.asked, [(NEEDED, hard)])
            self.assertEqual((room.is_enough, room.fitting), (True, 1000))
            self.assertEqual(str(room), "room for 1000 connections of terminals")

    def test_never_lowered(self) -> None:
        """Where more is allowed than needed, or anything at all, nothing is set."""
        for soft, hard in ((NEEDED, NEEDED), (10**6, 10**6), (System.RLIM_INFINITY, System.RLIM_INFINITY)):
            system = System(soft, hard)
            self.assertEqual(make_room(1000, 100, system).fitting, 1000)
            self.assertEqual(system.asked, [])

    def test_hard_limit_too_low(self) -> None:
        """All that is allowed is taken; the warning has the limit, what is needed and what to do."""
        system = System(256, 800)
        room = make_room(1000, 100, system)
        self.assertEqual(system.asked, [(800, 800)])
        self.assertEqual((room.is_enough, room.fitting), (False, 800 - OTHERS))
        for part in (
            f"only {800 - OTHERS} connections",
            "limits.connections is 1000",
            "800 open files allowed",
            f"{NEEDED} needed",
            f"LimitNOFILE={NEEDED}",
            f"ulimit -n {NEEDED}",
        ):
            self.assertIn(part, str(room))
        self.assertNotIn("\n", str(room))

    def test_bounds_of_fitting(self) -> None:
        """Never less than none, and never more than the settings allow."""
        self.assertEqual(make_room(1000, 100, System(64, 64)).fitting, 0)
        self.assertEqual(make_room(1000, 100, System(NEEDED - 1, NEEDED - 1)).fitting, 1000)

    def test_system_says_no(self) -> None:
        """A system that does not do what it allows leaves the limit as it is, and it is said."""
        room = make_room(1000, 100, System(400, System.RLIM_INFINITY, most=500))
        self.assertEqual((room.is_enough, room.allowed), (False, 400))

    def test_no_such_limit(self) -> None:
        """Where there is no such limit nothing is set and everything fits."""
        self.assertEqual(make_room(1000, 100, None).fitting, 1000)
