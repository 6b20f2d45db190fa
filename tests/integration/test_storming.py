"""A short storm of `tests.integration.storming`, always the same one."""

from __future__ import annotations

from tests.integration.storming import SETTINGS, Storming


class Short(Storming):
    """Two thousand terminals."""

    terminals = 2000
    talkers = 40
    settings = SETTINGS + "limits: {registrations_at_once: 30}\n"

    def test_short(self) -> None:
        """All come back after a reset and after a kill; what was acknowledged is there, once."""
        self.run_through()
        for name in ("first", "reset", "killed"):
            self.assertEqual(self.told[name]["registered"], self.terminals)
        # a backlog of one, another after the reset, and what the talkers said besides
        self.assertGreaterEqual(self.told["punches"]["kept"], 2 * self.terminals - self.talkers)
        # more came than may wait for the store, and nobody was refused: they waited in the system's queue
        self.assertGreater(sum(self.told["reset"]["pauses"]), 0)
        for name in ("first", "reset"):
            seen = self.told[name]["seen"]
            self.assertEqual([what for what in seen if "refused" in what or "answered" in what], [])
