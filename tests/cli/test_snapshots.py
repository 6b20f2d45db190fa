"""``tfserver snapshot``, ``snapshots``, ``replace`` and ``enrol``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

from tests.cli.called import call
from tests.cli.stub import TOKEN, Answer, StubCase, problem
from tfserver.cli import enrol, following

SN, OTHER = "ZXDM26010042", "ZXDM26010043"
WORDS = "correct horse battery"


def snapshot(state: str = "done", **changed: Any) -> dict[str, Any]:
    """A snapshot as the API tells of it."""
    found: dict[str, Any] = {
        "id": "s1", "sn": SN, "actor": "token a", "made": "2026-04-02T07:00:00.000Z", "source": "terminal",
        "model": "tfs30", "firmware": "1", "fpalgo": "thbio3.0", "decided": {}, "state": state, "ended": None,
        "stage": "", "people": 2, "credentials": {"fp": 1, "card": 2}, "answers": [], "missing": {},
    }  # fmt: skip
    return {**found, **changed}


def restoration(state: str = "done", **changed: Any) -> dict[str, Any]:
    """A restoration as the API tells of it."""
    found = {
        "id": "r1", "sn": OTHER, "actor": "token a", "made": "2026-04-02T07:00:00.000Z", "what": [],
        "of": None, "deny": False, "snapshot": "s1", "state": state, "ended": None, "stage": "",
        "steps": [{"name": "settings", "state": "done", "told": "2 written"}],
        "done": 3, "same": 0, "refused": 0, "refusals": [],
    }  # fmt: skip
    return {**found, **changed}


class SnapshotCase(StubCase):
    """Nobody waits between looks."""

    def setUp(self) -> None:
        super().setUp()
        for module in (following, enrol):
            patch = mock.patch.object(module, "LOOK_SECONDS", 0)
            patch.start()
            self.addCleanup(patch.stop)

    def place(self, name: str) -> str:
        """A file that is not there yet."""
        return str(Path(self.mktemp()).with_name(name).absolute())


class TakingTests(SnapshotCase):
    """Taking snapshots, and files of them."""

    def test_taken(self) -> None:
        """It waits for the end, and says how much is in it."""
        self.stub.on(f"POST /terminals/{SN}/snapshots", Answer(202, snapshot("open", stage="person 1 of 2")))
        self.stub.on("GET /snapshots/s1", snapshot("open", stage="waits for the terminal"), snapshot())
        done = self.ask("snapshot", SN)
        self.assertEqual((done.status, done.out), (0, f"s1 of {SN} is done: 2 people (1 fp, 2 card)\n"))

    def test_failed(self) -> None:
        """One that can't be taken says why."""
        self.stub.on(f"POST /terminals/{SN}/snapshots", Answer(202, snapshot("failed", stage="no list")))
        done = self.ask("snapshot", SN)
        self.assertEqual((done.status, done.out), (1, f"s1 of {SN} is failed: no list\n"))

    def test_file(self) -> None:
        """A file is written whole, readable by its owner alone; the passphrase goes in a header only."""
        self.stub.on(f"POST /terminals/{SN}/snapshots", Answer(202, snapshot()))
        self.stub.on("GET /snapshots/s1/file", "sealed bytes")
        path, words = self.place("gate.snapshot"), self.place("words")
        Path(words).write_text(f"{WORDS}\nanother line\n")
        done = self.ask("snapshot", SN, "--file", path, "--passphrase-file", words)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(Path(path).read_text(), "sealed bytes")
        self.assertEqual(Path(path).stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.stub.headers[-1]["Snapshot-Passphrase"], WORDS)
        self.assertNotIn(WORDS, str(self.stub.asked) + done.out + done.err)

    def test_no_file(self) -> None:
        """What is refused leaves no file, nor half of one."""
        self.stub.on("GET /snapshots/s1/file", problem(403, "your token may not have templates"))
        path = self.place("gate.snapshot")
        done = self.ask("snapshots", "download", "s1", path)
        self.assertEqual(done.status, 1)
        self.assertIn("may not have templates", done.err)
        self.assertEqual([one.name for one in Path(path).parent.glob("*gate*")], [])

    def test_upload(self) -> None:
        """A file is brought as it is; the passphrase may stand in the environment."""
        path = self.place("gate.snapshot")
        Path(path).write_bytes(b"\x00\xffsealed")
        self.stub.on("POST /snapshots", Answer(202, snapshot("open")))
        self.stub.on("GET /snapshots/s1", snapshot(source="file"))
        given = {"TFSERVER_URL": self.stub.url, "TFSERVER_TOKEN": TOKEN}
        done = call("snapshots", "upload", path, TFSERVER_SNAPSHOT_PASSPHRASE=WORDS, **given)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(self.stub.asked[0].body, b"\x00\xffsealed")
        self.assertEqual(self.stub.headers[0]["Snapshot-Passphrase"], WORDS)

    def test_odd_passphrases(self) -> None:
        """A file that begins with an empty line, or with what no header carries, is refused at once."""
        path, words = self.place("gate.snapshot"), self.place("words")
        for text in ("\n", "pässword-pässword\n", "tab\tin the middle\n"):
            Path(words).write_text(text)
            done = self.ask("snapshots", "download", "s1", path, "--passphrase-file", words)
            self.assertEqual((done.status, self.stub.asked), (1, []))

    def test_list(self) -> None:
        """A line for each."""
        page = {"snapshots": [snapshot(missing={"7/0": "x"})], "next": None}
        self.stub.on(f"GET /terminals/{SN}/snapshots", page)
        out = self.ask("snapshots", SN).out
        self.assertRegex(out, rf"(?m)^s1 +{SN} +done +\S+ +tfs30 +terminal +2 people \(1 fp, 2 card\) +1$")

    def test_remove(self) -> None:
        """Each is forgotten."""
        self.stub.on("DELETE /snapshots/s1", Answer(204, ""))
        self.assertEqual(self.ask("snapshots", "remove", "s1").out, "s1: removed\n")


class RestoringTests(SnapshotCase):
    """Restoring, and replacing."""

    def test_restored(self) -> None:
        """The steps are told; what was chosen goes along."""
        self.stub.on(f"POST /terminals/{OTHER}/restore", Answer(202, restoration("open")))
        self.stub.on(f"GET /terminals/{OTHER}/restorations/r1", restoration("open"), restoration())
        done = self.ask("snapshots", "restore", OTHER, "s1", "--what", "people", "--confirm", OTHER)
        self.assertEqual(done.status, 0, done.err)
        self.assertRegex(done.out, r"(?m)^settings +done +2 written$")
        body = {"snapshot": "s1", "what": ["people"], "confirm": OTHER}
        self.assertEqual(self.stub.asked[0].body, body)

    def test_not_all(self) -> None:
        """What could not be brought over is told with its reason; exit code 1."""
        why = {"enrollid": 7, "backupnum": 0, "why": "made with thbio1.0, and it reads thbio3.0"}
        over = restoration(refused=3, refusals=[why])
        self.stub.on(f"POST /terminals/{OTHER}/replace", Answer(202, over))
        done = self.ask("replace", SN, OTHER, "--confirm", OTHER, "--deny")
        self.assertEqual(done.status, 1)
        self.assertRegex(done.out, r"(?m)^7 +0 +made with thbio1.0, and it reads thbio3.0$")
        self.assertEqual(self.only().body, {"of": SN, "confirm": OTHER, "deny": True})

    def test_step_failed(self) -> None:
        """A step that was refused makes the exit code 1, though everybody was brought over."""
        steps = [{"name": "holidays", "state": "refused", "told": "reason 1"}]
        self.stub.on(f"POST /terminals/{OTHER}/replace", Answer(202, restoration(steps=steps)))
        self.assertEqual(self.ask("replace", SN, OTHER, "--confirm", OTHER).status, 1)

    def test_not_confirmed(self) -> None:
        """Where nobody can type the serial number again nothing is asked."""
        for words in (("replace", SN, OTHER), ("snapshots", "restore", OTHER, "s1")):
            self.assertEqual(self.ask(*words).status, 2)
        self.assertEqual(self.stub.asked, [])


class EnrolTests(SnapshotCase):
    """Enrolling at a terminal."""

    def enrolment(self, state: str, **changed: Any) -> dict[str, Any]:
        """An enrolment as the API tells of it."""
        found = {"id": "e1", "sn": SN, "enrollid": 7, "backupnum": 0, "state": state, "scans": 0, "told": ""}
        return {**found, **changed}

    def test_done(self) -> None:
        """It waits until the credential is in the directory."""
        self.stub.on("POST /enrolments", Answer(202, self.enrolment("asked")))
        course = [self.enrolment("waiting"), self.enrolment("scanning", scans=2), self.enrolment("done")]
        self.stub.on("GET /enrolments/e1", *course)
        done = self.ask("enrol", SN, "7", "0", "--name", "Ines")
        self.assertEqual((done.status, done.out), (0, f"{SN}: done: done\n"))
        body = {"sn": SN, "enrollid": 7, "backupnum": 0, "seconds": 120, "name": "Ines"}
        self.assertEqual(self.stub.asked[0].body, body)

    def test_refused(self) -> None:
        """Why it ended otherwise is told."""
        self.stub.on("POST /enrolments", Answer(202, self.enrolment("refused", told="no such sensor")))
        done = self.ask("enrol", SN, "7", "30")
        self.assertEqual((done.status, done.out), (1, f"{SN}: refused: no such sensor\n"))

    def test_interrupted(self) -> None:
        """Ctrl-C stops it at the terminal too."""
        self.stub.on("POST /enrolments", Answer(202, self.enrolment("waiting")))
        self.stub.on("DELETE /enrolments/e1", self.enrolment("waiting"))
        with mock.patch("time.sleep", side_effect=KeyboardInterrupt):
            self.assertEqual(self.ask("enrol", SN, "7", "0").status, 130)
        self.assertEqual([asked.method for asked in self.stub.asked], ["POST", "DELETE"])
