"""The pages of one terminal."""

from __future__ import annotations

from typing import Any

from tests.web.dashboard.html import Page
from tests.web.dashboard.looking import LookingCase
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER
from tests.web.samples import SN, an_order
from tfserver.config import ModelProfile
from tfserver.model import Admission, Capacity, Completeness, Gap, Terminal
from tfserver.order import LIVES, Danger, OrderState
from tfserver.store.changed import Change
from tfserver.store.inquiries import Found
from tfserver.web.dashboard.terminal import orders, words
from tfserver.web.dashboard.terminal.frames import named
from tfserver.web.shapes import RecordedFrame
from tfserver.wire.table import vocabulary

PLACE = f"/terminals/{SN}"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class TerminalCase(LookingCase):
    """One terminal at the site north."""

    def setUp(self) -> None:
        """It is approved and online."""
        super().setUp()
        self.put()

    def put(self, **more: Any) -> None:
        """Let it be so."""
        known = {"admission": Admission.APPROVED, "online": True, "site": "north", "name": "Gate"}
        self.with_terminals(Terminal(SN, **{**known, **more}))


class OverviewTests(TerminalCase):
    """How it is."""

    def test_what_is_shown(self) -> None:
        """Name, number, why, room and gaps stand on one page."""
        room = {"user": Capacity(3000, 2900, 100)}
        gap = Gap("2026-04-01T00:00:00Z", "2026-04-01T08:00:00Z", "x", "the log was overwritten")
        whole = Completeness("2026-04-02T08:00:00Z", gaps=(gap,))
        self.put(capacity=room, completeness=whole, devinfo={"modelname": "TM20", "mac": "00-01"})
        page = self.look(PLACE)
        self.assertEqual(page.texts("h1"), ["Gate"])
        text = " ".join(page.texts("main"))
        for told in (SN, "2,900/3,000", "TM20", "00-01", "the log was overwritten", "It is connected since"):
            self.assertIn(told, text)

    def test_what_changed(self) -> None:
        """What it says of itself otherwise than before, in words; what nobody knows is left out."""
        self.terminals.given["changes"] = [
            Change(1_775_000_000_000, "firmware", "6.1", "6.4"),
            Change(1_774_000_000_000, "nosuch", "x", "y"),
        ]
        ((row,),) = ([each for each in self.look(PLACE).texts("li") if "became" in each],)
        self.assertIn("Firmware: 6.1 became 6.4", row)

    def test_unknown(self) -> None:
        """There is no page of a terminal that nobody knows, or that is at another site."""
        self.look("/terminals/NOSUCH", status=404)
        self.put(site="south")
        for path in ("", "/orders", "/settings", "/copies", "/frames", "/history"):
            self.look(PLACE + path, BOUND, 404)

    def test_hostile(self) -> None:
        """Whatever it says of itself is text, on each page."""
        self.put(name=HOSTILE, devinfo={"modelname": HOSTILE, HOSTILE: HOSTILE}, tags=[HOSTILE])
        row = {
            "at": "2026-04-02T08:00:00Z", "direction": "in", "word": HOSTILE, "size": 3, "result": None,
            "content": {HOSTILE: HOSTILE}, "connection": "c", "address": "a", "process": "p",
        }  # fmt: skip
        self.inquiries.given["ask"] = Found([row], True)
        order = an_order(OrderState.DONE, reply={HOSTILE: HOSTILE}, args={"name": HOSTILE})
        self.commander.given["listing"] = ([order], None)
        for path in ("", "/orders", "/settings", "/copies", "/frames", "/history"):
            page = self.look(PLACE + path, ADMIN)
            self.assertEqual(page.all("img"), [])
            self.assertTrue(
                all(each.given.get("src", "").startswith("/assets/") for each in page.all("script"))
            )


class OrdersTests(TerminalCase):
    """What it is told to do."""

    def test_a_form_for_each(self) -> None:
        """Every command of the vocabulary has a form with all its fields, and a life within its bounds."""
        self.commander.given["profile"] = self.everything()
        for kind in vocabulary:
            page = self.look(f"{PLACE}/orders?cmd={kind.word()}", ADMIN)
            names = {
                each.given.get("name") for name in ("input", "select", "textarea") for each in page.all(name)
            }
            form = orders.form_of(kind)
            self.assertLessEqual({"cmd", "ttl", *(field.name for field in form.fields)}, names, kind.word())
            self.assertEqual("confirm" in names, kind.danger is Danger.DESTRUCTIVE, kind.word())
            (ttl,) = page.all("input", name="ttl")
            self.assertEqual(ttl.given["max"], str(LIVES[kind.danger].most))

    def everything(self) -> ModelProfile:
        """A profile that allows every experimental command."""
        return ModelProfile(allow=[kind.word() for kind in vocabulary if not kind.core])

    def test_secrets_are_masked(self) -> None:
        """What is private is typed unseen."""
        page = self.look(f"{PLACE}/orders?cmd=setuserinfo", ADMIN)
        self.assertEqual(page.all("input", name="record")[0].given["type"], "password")

    def test_required(self) -> None:
        """Only what a command can't do without has to be filled in."""
        self.commander.given["profile"] = self.everything()
        for word, wanted in (
            ("setuserinfo", {"enrollid", "backupnum", "record"}),
            ("opendoor", set()),
            ("setdevlock", set()),
            ("cleanlog", {"confirm"}),
        ):
            page = self.look(f"{PLACE}/orders?cmd={word}", ADMIN)
            fields = [each for name in ("input", "select", "textarea") for each in page.all(name)]
            needed = {each.given["name"] for each in fields if "required" in each.given}
            self.assertEqual(needed, wanted, word)

    def test_danger_is_seen(self) -> None:
        """What can't be undone says so in words, and its button looks so."""
        page = self.look(f"{PLACE}/orders?cmd=cleanlog", ADMIN)
        self.assertIn("It can't be undone.", " ".join(page.texts("p")))
        (button,) = (each for each in page.all("button") if each.text == "Send cleanlog")
        self.assertIn("danger", button.given["class"])

    def test_readers(self) -> None:
        """A reader sees what was ordered and has no form, no door and nothing to take back."""
        self.commander.given["listing"] = ([an_order()], None)
        page = self.look(f"{PLACE}/orders", READER)
        self.assertIn("waits for the terminal", " ".join(page.texts("td")))
        self.assertEqual(
            [each for each in page.all("form") if "api/v1/session" not in each.given["data-path"]], []
        )
        self.look(f"{PLACE}/orders?cmd=opendoor", READER, 404)

    def test_ends(self) -> None:
        """Each state has its words; only what waits can be taken back."""
        for state in OrderState:
            self.commander.given["listing"] = ([an_order(state)], None)
            page = self.look(f"{PLACE}/orders", OPERATOR)
            self.assertIn(words.ORDER_STATES[state.value], " ".join(page.texts("td")))
            self.assertEqual("Take back" in page.texts("button"), state is OrderState.QUEUED)

    def test_unknown_command(self) -> None:
        """There is no form of what nobody knows, or of what this terminal may not be told."""
        self.look(f"{PLACE}/orders?cmd=nosuch", ADMIN, 404)


class OtherTests(TerminalCase):
    """Settings and messages."""

    def buttons(self, page: Page) -> set[str]:
        """What can be pressed."""
        return {text for text in page.texts("button") if text}

    def test_settings(self) -> None:
        """Operators change what people decide; only administrators forget a terminal; readers look."""
        self.assertLessEqual(
            {"Save", "Save the rule", "Deny"}, self.buttons(self.look(f"{PLACE}/settings", OPERATOR))
        )
        self.assertNotIn("Forget it", self.buttons(self.look(f"{PLACE}/settings", OPERATOR)))
        self.assertIn("Forget it", self.buttons(self.look(f"{PLACE}/settings", ADMIN)))
        self.assertNotIn("Save", self.buttons(self.look(f"{PLACE}/settings", READER)))

    def test_frames(self) -> None:
        """Messages stand newest first, with what is in them; one that misses a process says so."""
        row = {
            "at": "2026-04-02T08:00:00Z", "direction": "in", "word": "reg", "size": 30, "result": None,
            "content": {"cmd": "reg"}, "connection": "c", "address": "a", "process": "p",
        }  # fmt: skip
        later = {**row, "at": "2026-04-02T08:00:01Z", "direction": "out", "word": "reg", "result": True}
        self.inquiries.given["ask"] = Found([row, later], False)
        page = self.look(f"{PLACE}/frames", OPERATOR)
        found = [each.text for each in page.all("tr") if each.given.get("id", "").startswith("f-")]
        self.assertEqual(["to the terminal" in text for text in found], [True, False])
        self.assertIn("did not answer in time", " ".join(page.texts("p")))
        self.assertIn('"cmd": "reg"', " ".join(page.texts("pre")))

    def test_names_of_messages(self) -> None:
        """Messages of one moment are told apart, and keep their names while others come."""
        row = RecordedFrame("t", "in", "reg", 3, None, {}, "c", "a", "p")
        first = [name for name, _ in named([row, row])]
        self.assertEqual(len(set(first)), 2)
        self.assertEqual([name for name, _ in named([row, row, row])][:2], first)
