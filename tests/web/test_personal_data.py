"""What leaves the server of one person: only to whom it may, and never without a line in the audit."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.gateway.stand_ins import Face
from tests.web.imported import NDJSON, PLAIN, TRUSTED, ImportedCase
from tests.web.in_memory import OPERATOR, READER, joined
from tests.web.people import BACKUPNUM, ENROLLID, known
from tests.web.samples import SN, a_record, a_row, an_order
from tfserver.errors import StoreUnavailable
from tfserver.people.personal_data import PersonalData, names
from tfserver.person import Held, HeldPerson, Proof
from tfserver.store.people.told import Slot
from tfserver.store.users import Origin, Profile, Pushed

RECORD = f"/api/v1/users/{ENROLLID}/credentials/{BACKUPNUM}/record"
DATA = f"/api/v1/users/{ENROLLID}/data"
SECRET = "4711234567"


class OutCase(ImportedCase):
    """A person with a card, known everywhere."""

    def setUp(self) -> None:
        """Something of it in each place."""
        super().setUp()
        self.directory = self.people.directory
        self.directory.given["record"] = (SECRET, known().credentials[0])
        pushed = Slot("T1", 11, Pushed(Origin("M", "1", "3", "now"), "v1"), None)
        self.told = Face(
            profiles=[("T1", Profile("Ines", 0))],
            slots=[pushed],
            opened=lambda enrollid, slot: slot._replace(record=SECRET),
            pictures=lambda uids: [(uid, "jpeg") for uid in uids[:1]],
        )
        held = {11: Held(Proof.RECOGNISED, "v1", 5, "2026-04-02")}
        self.people.holdings.given["where"] = [("T1", HeldPerson(True, "Ines", 0), held), ("T2", None, {})]
        people: Any = self.people
        people.told = self.told
        self.feed.rows[:] = [a_row(enrollid=ENROLLID, uid="aa"), a_row(enrollid=8, uid="bb")]

    def lines(self, query: str = "", token: str = TRUSTED) -> list[dict[str, Any]]:
        """All that comes."""
        sent = self.begin("GET", DATA + query, b"", token).data
        head, _, body = sent.partition(b"\r\n\r\n")
        self.assertIn(b" 200 ", head.split(b"\r\n")[0], sent)
        self.assertIn(NDJSON.encode(), head)
        return [json.loads(line) for line in joined(body).splitlines()]


class LinesTests(SynchronousTestCase):
    """The lines by themselves."""

    def test_store_away(self) -> None:
        """What fails while it is awaited is told as what it is."""
        asked: Deferred[None] = Deferred()
        places: Any = SimpleNamespace(directory=Face(get=asked))
        data = PersonalData(places, ENROLLID, opens=False)
        self.successResultOf(Deferred.fromCoroutine(data.next()))
        coming = Deferred.fromCoroutine(data.next())
        asked.errback(StoreUnavailable("away"))
        self.failureResultOf(coming, StoreUnavailable)


class RecordTests(OutCase):
    """What stands in one credential."""

    def test_with_the_grant(self) -> None:
        """It is told to a token with templates; the audit knows who, whom and which slot, and not what."""
        answer = self.get(RECORD, TRUSTED)
        self.assertEqual((answer.status, answer.body["record"]), (200, SECRET), answer.raw)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        [told] = self.audit.asked("write")
        self.assertEqual(told[:4], ("token t (Tia)", "get_record", "", "done"))
        self.assertEqual(told[4], {"enrollid": ENROLLID, "backupnum": BACKUPNUM})

    def test_without(self) -> None:
        """Nobody else gets it, whatever the role; that somebody tried is in the audit."""
        for token in (PLAIN, OPERATOR, READER):
            self.assert_problem(self.get(RECORD, token), 403)
        self.assertEqual(self.directory.asked("record"), [])
        self.assertEqual({told[3].split(":")[0] for told in self.audit.asked("write")}, {"refused"})
        self.assertEqual(len(self.audit.asked("write")), 3)

    def test_not_without_the_audit(self) -> None:
        """What can't be noted does not leave."""
        self.audit.given["write"] = StoreUnavailable("away")
        answer = self.get(RECORD, TRUSTED)
        self.assert_problem(answer, 503)
        self.assertNotIn(SECRET.encode(), answer.raw)
        self.assertEqual(self.directory.asked("record"), [])

    def test_nothing_there(self) -> None:
        """No such person, no such credential."""
        self.assert_problem(self.get(RECORD.replace("/11/", "/10/"), TRUSTED), 404)
        self.assert_problem(self.get(RECORD.replace("/7/", "/8/"), TRUSTED), 404)
        self.directory.given["record"] = None
        self.assert_problem(self.get(RECORD, TRUSTED), 404)


class DataTests(OutCase):
    """All that is kept of a person."""

    def test_everything(self) -> None:
        """Each place has its lines, and the last says that it is whole."""
        audited = [
            a_record("9-0", detail={"order": "0af3", "args": {"enrollid": 7, "name": "Ines"}}),
            a_record("8-0", detail={"order": "0af4", "args": {"record": [{"enrollid": 7}, {"enrollid": 8}]}}),
            a_record("7-0", detail={"enrollid": 8}),
            a_record("6-0", detail={"group": "x", "add": [7, 8]}),
        ]
        self.audit.given["page"] = lambda before, *_: audited if before == "+" else []
        self.commander.given["get"] = lambda order_id: an_order(
            id=order_id, args={"enrollid": 7} if order_id == "0af3" else {"record": [{"enrollid": 8}]}
        )
        found = self.lines()
        self.assertEqual(
            [one["data"] for one in found],
            [
                *("person_data", "person", "credential", "told", "told_credential", "held", "held", "punch"),
                *("audit", "audit", "audit", "order", "order", "end"),
            ],
        )
        by = {one["data"]: one for one in reversed(found)}
        self.assertEqual((by["person"]["person"]["name"], by["held"]["sn"]), ("Ines M", "T1"))
        self.assertEqual((by["punch"]["uid"], by["punch"]["enrollid"]), ("aa", ENROLLID))
        told = [one["audit"] for one in found if one["data"] == "audit"]
        self.assertEqual([one["id"] for one in told], ["9-0", "8-0", "6-0"])
        self.assertEqual(["detail" in one for one in told], [True, False, False])
        orders = [one["order"] for one in found if one["data"] == "order"]
        self.assertEqual([(one["id"], "args" in one) for one in orders], [("0af3", True), ("0af4", False)])

    def test_records(self) -> None:
        """What stands in credentials, and pictures, come only if they are asked for, to whom they may."""
        self.assertNotIn(SECRET, str(self.lines()))
        found = self.lines("?records=true")
        self.assertEqual([one["record"] for one in found if "record" in one], [SECRET, SECRET])
        self.assertEqual([one["picture"] for one in found if one["data"] == "picture"], ["jpeg"])
        self.assert_problem(self.get(f"{DATA}?records=true", PLAIN), 403)
        self.assertNotIn(SECRET, str(self.lines("?records=false", PLAIN)))

    def test_audited(self) -> None:
        """Each export is in the audit before a line of it leaves, with whether records were in it."""
        self.lines("?records=true")
        self.lines(token=PLAIN)
        told = [(one[1], one[4]) for one in self.audit.asked("write")]
        self.assertEqual(
            told, [("get_user_data", {"enrollid": ENROLLID, "records": yes}) for yes in (True, False)]
        )
        self.audit.given["write"] = StoreUnavailable("away")
        self.assert_problem(self.get(DATA, PLAIN), 503)

    def test_who(self) -> None:
        """It is for administrators."""
        for token in (OPERATOR, READER):
            self.assert_problem(self.get(DATA, token), 403)

    def test_nobody(self) -> None:
        """Somebody whom the directory does not know may have passed all the same."""
        self.directory.given["get"] = None
        self.assertIn("punch", [one["data"] for one in self.lines()])

    def test_cut_off(self) -> None:
        """One that can't go on has no end."""
        page = self.audit.given["page"] = Deferred()
        connection = self.begin("GET", DATA, b"", TRUSTED)
        page.errback(StoreUnavailable("away"))
        self.assertTrue(connection.is_aborted)
        self.assertNotIn(b'"data":"end"', connection.data)

    def test_named(self) -> None:
        """A person is found by number wherever it may stand, and in no other number."""
        named: tuple[Any, ...] = (
            {"enrollid": 7},
            {"args": {"enrollid": 7}},
            {"args": {"record": [{"enrollid": 6}, {"enrollid": 7}]}},
            {"members": [6, 7]},
        )
        others: tuple[Any, ...] = (
            *({"enrollid": 77}, {"count": 7}, {"args": {"backupnum": 7}}),
            *({"list": [7]}, {}, {"sn": SN}),
        )
        self.assertEqual([names(detail, 7) for detail in named], [True] * len(named))
        self.assertEqual([names(detail, 7) for detail in others], [False] * len(others))
