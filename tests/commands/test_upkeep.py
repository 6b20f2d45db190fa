"""Starting anew, and stopping the use of a terminal (protocol §5.1, §5.3)."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, said, wrong_fields

WORDS = ("reboot", "initsys", "enabledevice", "disabledevice")


class UpkeepTests(SynchronousTestCase):
    """Commands without fields."""

    def test_nothing_beside(self) -> None:
        """They are said alone, and take nothing."""
        for word in WORDS:
            self.assertEqual(said(word), {})
            self.assertEqual(wrong_fields(word, delay=5), ["delay"])

    def test_subjects(self) -> None:
        """Stopping never overtakes resuming; deleting everybody is in order with everybody."""
        found = [ordered(word).subject() for word in WORDS]
        self.assertEqual(found, ["reboot", "users", "use", "use"])
