"""What other systems call people goes into their punches when these come in, and stays."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import SN, Desk
from tests.commands.test_logs import record
from tfserver.commands.logs import SendLog, sendlog


class IngestTests(SynchronousTestCase):
    """Punches of people with and without an external id."""

    def setUp(self) -> None:
        """One terminal."""
        self.desk = Desk().admit()
        known: Any = self.desk.context.services.external_ids
        self.known: dict[int, str] = known

    def pushed(self, *enrollids: int) -> list[tuple[int, str | None, str]]:
        """Number, external id and uid of the punches that are kept of these people."""
        request = SendLog(sn=SN, logindex=41, record=[record(one) for one in enrollids])
        self.successResultOf(Deferred.fromCoroutine(sendlog(request, self.desk.context)))
        kept = [json.loads(one.body) for one in self.desk.punches.batches[-1][2]]
        return [(one["enrollid"], one["external_id"], one["uid"]) for one in kept]

    def test_fixed_when_it_comes(self) -> None:
        """Who has one has it in the punch; of others, of doors and of strangers there is none."""
        self.known.update({7: "P-007", 99: "P-99"})
        found = self.pushed(7, 8, 0, 99_999_999)
        self.assertEqual([one[:2] for one in found], [(7, "P-007"), (8, None), (0, None), (99_999_999, None)])

    def test_same_punch(self) -> None:
        """A punch that comes again after somebody got an external id is the same punch."""
        [(_, before, uid)] = self.pushed(7)
        self.known[7] = "P-007"
        [(_, after, again)] = self.pushed(7)
        self.assertEqual((before, after, again), (None, "P-007", uid))
