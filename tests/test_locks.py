"""When somebody may pass, as it is compared."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.locks import UNLOCKED, lock_fields, lock_of
from tfserver.person import Access, Validity

UNTOUCHED = {
    **dict.fromkeys(("weekzone", "weekzone2", "weekzone3", "weekzone4", "group"), 0),
    **dict.fromkeys(("starttime", "endtime"), "2000-01-01 00:00:00"),
}


class LockTests(SynchronousTestCase):
    """Digests of access and validity."""

    def test_what_means_the_same_is_the_same(self) -> None:
        """A terminal tells of somebody it was told nothing about as we do."""
        self.assertEqual(lock_of(UNTOUCHED), UNLOCKED)
        self.assertEqual(lock_of(UNTOUCHED | {"endtime": "2099-12-31 23:59:00"}), UNLOCKED)
        days, times = Validity("2026-01-01", "2026-03-31"), ("2026-01-01 00:00:00", "2026-03-31 23:59:59")
        self.assertEqual(lock_fields(None, days), lock_fields(Access(), Validity(*times)))

    def test_any_difference_is_one(self) -> None:
        """Each field counts."""
        other = [
            lock_fields(Access(weekzone=1), Validity()),
            lock_fields(Access(weekzone2=1), Validity()),
            lock_fields(Access(group=1), Validity()),
            lock_fields(None, Validity(begin="2026-01-01")),
            lock_fields(None, Validity(end="2026-01-01")),
        ]
        self.assertEqual(len({UNLOCKED, *map(lock_of, other)}), 6)

    def test_half_of_it_is_not_known(self) -> None:
        """What was left out stays on the terminal, whatever it was."""
        self.assertEqual(lock_of({"weekzone": 1}), "")
