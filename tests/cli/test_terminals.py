"""``tfserver terminals``."""

from __future__ import annotations

from tests.cli.stub import TOKEN, Answer, StubCase, problem, terminal

SN = "ZXDM26010042"


class TerminalsTests(StubCase):
    """Looking and deciding."""

    def test_alone_is_list(self) -> None:
        """Without a sub-command it lists; options go along."""
        self.stub.on("GET /terminals", {"terminals": [terminal()], "next": None})
        for words in (("terminals",), ("terminals", "list")):
            done = self.ask(*words, "--state", "online", "--site", "Lisbon")
            self.assertEqual((done.status, done.err), (0, ""))
            self.assertIn(f"{SN}   online  TFS30", done.out)
        self.assertEqual(self.stub.asked[0], self.stub.asked[1])
        self.assertEqual(self.stub.asked[0].query, {"state": "online", "site": "Lisbon", "limit": "1000"})
        self.assertEqual(self.stub.asked[0].token, TOKEN)

    def test_pages(self) -> None:
        """The list goes on until the cursor is null."""
        pages = ({"terminals": [terminal("A")], "next": "A"}, {"terminals": [terminal("B")], "next": None})
        self.stub.on("GET /terminals", *pages)
        self.assertEqual([row["sn"] for row in self.ask("terminals", "--json").json], ["A", "B"])
        self.assertEqual(self.stub.asked[1].query["cursor"], "A")

    def test_states(self) -> None:
        """Each state is one word."""
        rows = [
            terminal("A"),
            terminal("B", online=False),
            terminal("C", admission="pending", online=False),
            terminal("D", admission="quarantined"),
        ]
        self.stub.on("GET /terminals", {"terminals": rows, "next": None})
        lines = self.ask("terminals").out.splitlines()[1:]
        self.assertEqual([line.split()[1] for line in lines], ["online", "offline", "pending", "quarantined"])

    def test_show(self) -> None:
        """Everything, a line for each field, nested ones too; with ``--json`` as the API tells it."""
        self.stub.on(f"GET /terminals/{SN}", terminal())
        done = self.ask("terminals", "show", SN)
        self.assertRegex(done.out, r"(?m)^capacity\.log\.free +990$")
        self.assertRegex(done.out, r"(?m)^online +yes$")
        self.assertEqual(self.ask("terminals", "show", SN, "--json").json, [terminal()])

    def test_decide(self) -> None:
        """Approving and denying changes the admission, of several terminals in turn."""
        for action, admission in (("approve", "approved"), ("deny", "denied")):
            for sn in ("A", "B"):
                self.stub.on(f"PATCH /terminals/{sn}", terminal(sn, admission=admission))
            self.stub.asked.clear()
            done = self.ask("terminals", action, "A", "B", "--json")
            self.assertEqual([row["sn"] for row in done.json], ["A", "B"])
            self.assertEqual([asked.body for asked in self.stub.asked], [{"admission": admission}] * 2)

    def test_path(self) -> None:
        """Each terminal gets a secret path, which is shown this once; ``--remove`` takes them away."""
        for sn in ("A", "B"):
            self.stub.on(f"POST /terminals/{sn}/path", Answer(201, {"sn": sn, "path": f"/of-{sn}"}))
            self.stub.on(f"DELETE /terminals/{sn}/path", Answer(204, ""))
        done = self.ask("terminals", "path", "A", "B")
        self.assertRegex(done.out, r"(?m)^A +/of-A$")
        self.assertRegex(done.out, r"(?m)^B +/of-B$")
        done = self.ask("terminals", "path", "A", "B", "--remove")
        self.assertEqual((done.status, done.out), (0, ""))
        self.assertEqual([asked.method for asked in self.stub.asked], ["POST"] * 2 + ["DELETE"] * 2)

    def test_refused(self) -> None:
        """What the server refuses is status 1, with its sentence and what is wrong with each field."""
        self.stub.on(
            "GET /terminals", problem(422, "wrong query", ("state", "expected some of online, offline"))
        )
        done = self.ask("terminals", "--state", "onlin")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertEqual(
            done.err, "tfserver terminals: wrong query\n  state: expected some of online, offline\n"
        )

    def test_field_said_once(self) -> None:
        """What the sentence says already of the fields is not repeated."""
        fields = (("state", "expected x"), ("site", "expected y"))
        self.stub.on("GET /terminals", problem(422, "state: expected x; site: expected y", *fields))
        self.assertEqual(self.ask("terminals").err.count("expected"), 2)

    def test_odd_refusal(self) -> None:
        """A refusal without our words, of a proxy perhaps, is told by its status."""
        for body in ("<html>", "[]", '{"detail": "x", "errors": [1]}'):
            self.stub.on("GET /terminals", Answer(502, body))
            done = self.ask("terminals")
            self.assertEqual((done.status, done.err.count("\n")), (1, 1))
            self.assertIn("502", done.err)

    def test_not_followed(self) -> None:
        """A redirect is not followed: the token would go along."""
        self.stub.on("GET /terminals", Answer(302, "", {"Location": f"{self.stub.url}/elsewhere"}))
        self.assertEqual(self.ask("terminals").status, 1)
        self.assertEqual(len(self.stub.asked), 1)

    def test_no_api(self) -> None:
        """Something that answers, but not with JSON or not with a list, is no server of ours."""
        for body, status in (("<html>hello</html>", 3), ("{}", 1), ("7", 1)):
            self.stub.on("GET /terminals", Answer(200, body))
            done = self.ask("terminals")
            self.assertEqual((done.status, done.out, done.err.count("\n")), (status, "", 1), body)

    def test_hostile_text(self) -> None:
        """What a terminal or a person wrote can't steer the screen."""
        rows = [terminal("A", name="x\x1b[2Jy\u202ez\n")]
        self.stub.on("GET /terminals", {"terminals": rows, "next": None})
        out = self.ask("terminals").out
        self.assertIn(r"x\x1b[2Jy\u202ez\n", out)
        self.assertNotIn("\x1b", out)
        self.stub.on("GET /terminals", problem(422, "no \x1b[2J", ("a\x1b", "b\x1b")))
        self.assertNotIn("\x1b", self.ask("terminals").err)

    def test_quoted(self) -> None:
        """A serial number with odd characters stays one part of the path."""
        self.stub.on("GET /terminals/a b/c?d", terminal("a b/c?d"))
        self.assertEqual(self.ask("terminals", "show", "a b/c?d").status, 0)
