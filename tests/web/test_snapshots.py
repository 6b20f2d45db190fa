"""``/snapshots``, ``/terminals/{sn}/restore`` and ``/replace``: who may what, and what never lies open."""

from __future__ import annotations

from typing import Any

from tests.gateway.stand_ins import Face
from tests.web.copied import Chunks, a_restoration, a_snapshot
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER, PagesCase
from tests.web.samples import SN
from tfserver.model import Terminal
from tfserver.people.snapshots import NoSuchSnapshot, NotPossible
from tfserver.store.people.snapshot_file import FileError
from tfserver.store.people.snapshots import SnapshotState
from tfserver.web.site import Pages
from tfserver.web.tables.snapshots import SNAPSHOTS

API = "/api/v1"
OTHER = "ZXELSEWHERE1"
WORDS = "correct horse battery"


class SnapshotTests(PagesCase):
    """Over a desk that does what it is given."""

    def setUp(self) -> None:
        """One snapshot and one restoration."""
        super().setUp()
        self.outgoing: list[tuple[Any, ...]] = []
        self.desk = Face(
            take=a_snapshot(state=SnapshotState.OPEN), one=a_snapshot(), listing=([a_snapshot()], "5"),
            restore=a_restoration(), replace=a_restoration(of=OTHER), upload=a_snapshot(), remove=None,
            restoration=a_restoration(), restorations_of=[a_restoration()],
        )  # fmt: skip
        self.desk.__dict__["outgoing"] = self.give_out
        self.people.__dict__["snapshots"] = self.desk
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, SNAPSHOTS)
        self.site = self.pages.site()
        self.with_terminals(Terminal(SN, site="north"), Terminal(OTHER, site="south"))

    def give_out(self, *asked: Any) -> Chunks:
        """A snapshot as a file."""
        self.outgoing.append(asked)
        return Chunks()

    def test_taken(self) -> None:
        """A snapshot begins, and where it can be seen is told."""
        answer = self.post(f"{API}/terminals/{SN}/snapshots", None)
        self.assertEqual((answer.status, answer.headers["location"]), (202, f"{API}/snapshots/s1"))
        self.assertEqual(self.desk.asked("take"), [(SN, "token o")])
        self.assertEqual(self.noted(), [("token o", "take_snapshot", SN, "done")])

    def test_shown(self) -> None:
        """How much is in it, and never what."""
        answer = self.get(f"{API}/snapshots/s1")
        self.assertEqual((answer.status, answer.body["people"], answer.body["state"]), (200, 2, "done"))
        listed = self.get(f"{API}/terminals/{SN}/snapshots?limit=1")
        self.assertEqual((len(listed.body["snapshots"]), listed.body["next"]), (1, "5"))

    def test_file(self) -> None:
        """A file goes out as it is sealed; the audit knows, and nothing there says the passphrase."""
        answer = self.ask("GET", f"{API}/snapshots/s1/file", b"", ADMIN, Snapshot_Passphrase=WORDS)
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertTrue(answer.raw.endswith(b"7\r\nsealed \r\n5\r\nbytes\r\n0\r\n\r\n"), answer.raw)
        self.assertEqual(self.outgoing[0][1], WORDS)
        self.assertEqual(answer.headers["content-type"], "application/octet-stream")
        self.assertEqual([what for _, what, _, _ in self.noted()], ["get_snapshot_file"])
        self.assertNotIn(WORDS, str(self.audit.calls))

    def test_file_without_passphrase(self) -> None:
        """Without one it is for this server."""
        self.ask("GET", f"{API}/snapshots/s1/file", b"", ADMIN)
        self.assertEqual(self.outgoing[0][1], "")

    def test_bad_passphrase(self) -> None:
        """One that is too short, or odd, is refused without being repeated."""
        for words in ("short", "x" * 201, "tab\tin the middle"):
            answer = self.ask("GET", f"{API}/snapshots/s1/file", b"", ADMIN, Snapshot_Passphrase=words)
            self.assert_problem(answer, 422, "Snapshot-Passphrase")
            self.assertNotIn(words.encode(), answer.raw)
        self.assertEqual(self.outgoing, [])

    def test_roles(self) -> None:
        """Files and changes of terminals are for administrators, and snapshots not for readers."""
        body = {"snapshot": "s1", "confirm": SN}
        for token in (READER, OPERATOR):
            self.assertEqual(self.ask("GET", f"{API}/snapshots/s1/file", b"", token).status, 403)
            self.assertEqual(self.ask("POST", f"{API}/snapshots", b"x", token).status, 403)
            self.assertEqual(self.post(f"{API}/terminals/{SN}/restore", body, token).status, 403)
            replaced = self.post(f"{API}/terminals/{SN}/replace", {"of": OTHER, "confirm": SN}, token)
            self.assertEqual(replaced.status, 403)
        self.assertEqual(self.post(f"{API}/terminals/{SN}/snapshots", None, READER).status, 403)

    def test_uploaded(self) -> None:
        """A file is taken as it came; one that can't be read is bad input."""
        answer = self.ask("POST", f"{API}/snapshots", b"\x00\xff", ADMIN, Snapshot_Passphrase=WORDS)
        self.assertEqual(answer.status, 202, answer.raw)
        self.assertEqual(self.desk.asked("upload"), [(b"\x00\xff", WORDS, "token a (Ana)")])
        self.desk.given["upload"] = FileError("wrong passphrase, or the snapshot is damaged")
        self.assert_problem(self.ask("POST", f"{API}/snapshots", b"x", ADMIN), 422, "body")
        self.assert_problem(self.ask("POST", f"{API}/snapshots", b"", ADMIN), 422, "body")

    def test_restored(self) -> None:
        """A terminal gets what was chosen, in the order in which it is done."""
        body = {"snapshot": "s1", "confirm": SN.lower(), "what": ["people", "settings"]}
        answer = self.post(f"{API}/terminals/{SN}/restore", body, ADMIN)
        self.assertEqual(answer.status, 202, answer.raw)
        self.assertEqual(answer.headers["location"], f"{API}/terminals/{SN}/restorations/r1")
        self.assertEqual(self.desk.asked("restore"), [(SN, "s1", ("settings", "people"), "token a (Ana)")])

    def test_confirmed(self) -> None:
        """Without the serial number again nothing happens."""
        for path, body in (
            ("restore", {"snapshot": "s1", "confirm": OTHER}),
            ("replace", {"of": OTHER, "confirm": OTHER}),
        ):
            self.assert_problem(self.post(f"{API}/terminals/{SN}/{path}", body, ADMIN), 422, "confirm")
            del body["confirm"]
            self.assert_problem(self.post(f"{API}/terminals/{SN}/{path}", body, ADMIN), 422, "confirm")
        self.assertEqual((self.desk.asked("restore"), self.desk.asked("replace")), ([], []))

    def test_replaced(self) -> None:
        """One terminal is to be what another was."""
        body = {"of": OTHER, "confirm": SN, "deny": True}
        self.assertEqual(self.post(f"{API}/terminals/{SN}/replace", body, ADMIN).status, 202)
        self.assertEqual(self.desk.asked("replace"), [(SN, OTHER, True, "token a (Ana)")])

    def test_other_sites(self) -> None:
        """A token that is bound to sites takes nothing from elsewhere, and learns nothing of it."""
        body = {"of": OTHER, "confirm": SN}
        self.assertEqual(self.post(f"{API}/terminals/{SN}/replace", body, BOUND).status, 404)
        self.desk.given["one"] = a_snapshot(sn=OTHER)
        body = {"snapshot": "s1", "confirm": SN}
        self.assertEqual(self.post(f"{API}/terminals/{SN}/restore", body, BOUND).status, 404)
        self.assertEqual(self.post(f"{API}/terminals/{OTHER}/snapshots", None, BOUND).status, 404)
        self.assertEqual(self.ask("GET", f"{API}/snapshots/s1", b"", BOUND).status, 403)
        self.assertEqual((self.desk.asked("restore"), self.desk.asked("replace")), ([], []))

    def test_report(self) -> None:
        """What came of a restoration is told step by step; under another terminal it is not found."""
        answer = self.get(f"{API}/terminals/{SN}/restorations/r1")
        self.assertEqual(
            answer.body["refusals"], [{"enrollid": 7, "backupnum": 0, "why": "made with thbio1.0"}]
        )
        self.assertEqual(self.get(f"{API}/terminals/{OTHER}/restorations/r1").status, 404)
        listed = self.get(f"{API}/terminals/{SN}/restorations")
        self.assertEqual(len(listed.body["restorations"]), 1)

    def test_not_possible(self) -> None:
        """What is missing is 404, what can't be now is 409."""
        self.desk.given["one"] = NoSuchSnapshot("there is no snapshot s1")
        self.assertEqual(self.get(f"{API}/snapshots/s1").status, 404)
        self.desk.given["take"] = NotPossible("terminal is denied")
        self.assertEqual(self.post(f"{API}/terminals/{SN}/snapshots", None).status, 409)

    def test_removed(self) -> None:
        """A snapshot is forgotten."""
        self.assertEqual(self.ask("DELETE", f"{API}/snapshots/s1", b"", OPERATOR).status, 204)
        self.assertEqual(self.desk.asked("remove"), [(a_snapshot(),)])
