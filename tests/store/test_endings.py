"""What the wake-up of an ended order tells."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.order import ENDS, Order, OrderError, OrderState
from tfserver.store.endings import ended_as, read_ending

MS = 1_775_000_000_000
MADE = Order(
    "id1", "ZX1", "ring", {"n": 1}, OrderState.QUEUED, None, None, "token 1", "c", None, None, "e", 0
)


def told(**more: Any) -> str:
    """An ending as the store tells it."""
    return json.dumps(
        {"state": "done", "finished": MS, "sent": MS, "attempts": 1, "reply": None, "error": None, **more}
    )


class EndingTests(SynchronousTestCase):
    """Read from messages."""

    def test_message(self) -> None:
        """A message has the order's id, and perhaps what came of it."""
        self.assertEqual(read_ending("ended id1"), ("id1", ""))
        self.assertEqual(read_ending('ended id1 {"a": 1}'), ("id1", '{"a": 1}'))

    def test_ends(self) -> None:
        """Every end is told with its reply or error; what was fixed at the put stays."""
        for state in ENDS:
            found = ended_as(
                MADE, told(state=state.value, reply={"n": [1]}, error={"message": "no", "reason": 7})
            )
            assert found is not None
            self.assertEqual((found.state, found.reply), (state, {"n": [1]}))
            self.assertEqual(found.error, OrderError("no", 7))
            self.assertEqual((found.sent, found.finished), ("2026-03-31T23:33:20.000Z",) * 2)
            self.assertEqual(
                (found.id, found.args, found.created, found.expires), ("id1", {"n": 1}, "c", "e")
            )

    def test_never_sent(self) -> None:
        """One that was never sent has no such time."""
        fields = json.loads(told(state="expired", attempts=0))
        del fields["sent"]
        found = ended_as(MADE, json.dumps(fields))
        assert found is not None
        self.assertEqual((found.sent, found.attempts), (None, 0))

    def test_unreadable(self) -> None:
        """What can't be read tells nothing: then one has to look."""
        for text in (
            "",
            "{",
            "[]",
            told(state="odd"),
            told(reply=[]),
            told(error={}),
            told(finished=None),
        ):
            self.assertIsNone(ended_as(MADE, text), text)
