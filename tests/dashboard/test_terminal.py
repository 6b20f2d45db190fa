"""What operators do with the pages of a terminal, in a real browser against a real server."""

from __future__ import annotations

from typing import Any

from tests.dashboard.browser import ARABIC, DESKTOP, View
from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual
from tests.dashboard.visit import Visit
from tests.real.client import RealClient, log

MARK = "window.isSame = true"
SAME = "window.isSame === true"


class TerminalTests(OfficeScene):
    """One that obeys, and others of their own, which only talk."""

    def look(self, path: str, view: View = DESKTOP) -> Visit:
        """The same, once the page is told what changes."""
        visit = super().look(path, view)
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.page.evaluate(MARK)
        return visit

    def talker(self, sn: str, **devinfo: Any) -> RealClient:
        """A terminal that is connected."""
        client = usual().server.client()
        self.addCleanup(client.shut)
        assert client.register(sn, **devinfo)["result"]
        return client

    def orders(self, sn: str) -> list[dict[str, Any]]:
        """What people told it to do, the newest first; erasures of other tests reach every terminal."""
        found: list[dict[str, Any]] = usual().server.get(f"/terminals/{sn}/commands")[1]["commands"]
        return [each for each in found if each["actor"] != "erasure"]

    def test_door(self) -> None:
        """The large button opens the door, and the page tells by itself that it did."""
        sn = usual().live[0]
        visit = self.look(f"/terminals/{sn}/orders")
        visit.page.get_by_role("button", name="Open the door").click()
        # not that it was ordered: that it is open
        visit.page.get_by_text("opendoor: done").wait_for()
        row = visit.page.locator("tbody[data-rows] tr").first
        visit.until(lambda: row.count() and "opendoor" in row.inner_text(), "the order is in the list")
        visit.until(lambda: row.locator(".badge.good").count(), "it is done")
        self.assertTrue(visit.page.evaluate(SAME))
        found = self.orders(sn)[0]
        self.assertEqual((found["cmd"], found["state"]), ("opendoor", "done"))
        visit.assert_clean()

    def test_form(self) -> None:
        """A command is found by typing, its form sends what was filled in, and the answer can be read."""
        sn = usual().live[0]
        visit = self.look(f"/terminals/{sn}/orders")
        visit.page.get_by_label("Find a command").fill("getuserprof")
        link = visit.page.get_by_role("link", name="getuserprofile")
        visit.until(link.is_visible, "its subject is open")
        self.assertFalse(visit.page.get_by_role("link", name="reboot").is_visible())
        link.click()
        visit.page.wait_for_url("**cmd=getuserprofile")
        self.assertEqual(visit.page.evaluate("document.activeElement.name"), "enrollid")
        visit.page.keyboard.type("7")
        visit.page.locator("#form [name=ttl]").fill("60")
        visit.page.get_by_role("button", name="Send getuserprofile").click()
        row = visit.page.locator("tbody[data-rows] tr").first
        visit.until(lambda: row.count() and "getuserprofile" in row.inner_text(), "the order is in the list")
        found = self.orders(sn)[0]
        self.assertEqual((found["cmd"], found["args"]), ("getuserprofile", {"enrollid": 7}))
        visit.assert_clean()

    def test_destructive(self) -> None:
        """What can't be undone looks so and wants the serial number; with another one nothing is ordered."""
        sn = "WIPE00000001"
        self.talker(sn)
        visit = self.look(f"/terminals/{sn}/orders?cmd=cleanlog")
        confirm = visit.page.locator("#form [name=confirm]")
        self.assertTrue(visit.page.locator("#form.destructive").count())
        visit.page.get_by_role("button", name="Send cleanlog").click()
        self.assertFalse(confirm.evaluate("(each) => each.validity.valid"))
        confirm.fill("WIPE00000002")
        visit.page.get_by_role("button", name="Send cleanlog").click()
        visit.until(lambda: confirm.get_attribute("aria-invalid"), "what is wrong is told at the field")
        told = visit.page.locator(f"#{confirm.get_attribute('aria-describedby')}")
        self.assertIn("serial number", told.inner_text())
        self.assertEqual(self.orders(sn), [])
        visit.forgive("422")
        visit.assert_clean()

    def test_refused_in_arabic(self) -> None:
        """What the API refuses is told in the language of the page: at its field, and where it has none."""
        sn = "WIPE00000003"
        self.talker(sn)
        visit = self.look(f"/terminals/{sn}/orders?cmd=cleanlog", DESKTOP.of(**ARABIC))
        confirm = visit.page.locator("#form [name=confirm]")
        confirm.fill("WIPE00000002")
        confirm.press("Enter")
        visit.until(lambda: confirm.get_attribute("aria-invalid"), "what is wrong is told at the field")
        told = visit.page.locator(f"#{confirm.get_attribute('aria-describedby')}")
        self.assertIn("المتوقع الرقم التسلسلي للجهاز", told.inner_text())
        self.assertIsNone(told.get_attribute("lang"))
        self.assertEqual(usual().server.delete(f"/terminals/{sn}")[0], 204)
        confirm.fill(sn)
        confirm.press("Enter")
        notice = visit.page.locator("#notices .bad")
        visit.until(lambda: "لم يسجَّل هنا جهاز" in notice.inner_text(), "the rest is told in the corner")
        self.assertEqual(notice.get_attribute("lang"), "ar")
        for status in ("422", "404"):
            visit.forgive(status)
        visit.assert_clean()

    def test_taken_back(self) -> None:
        """What waits for a terminal that is away is taken back with one click."""
        sn = "AWAY00000001"
        self.talker(sn).shut()
        visit = self.look(f"/terminals/{sn}/orders?cmd=gettime")
        visit.page.get_by_role("button", name="Send gettime").click()
        visit.page.get_by_role("button", name="Take gettime back").click()
        row = visit.page.locator("tbody[data-rows] tr").first
        visit.until(lambda: "taken back" in row.inner_text(), "its end stands there")
        self.assertEqual([each["state"] for each in self.orders(sn)], ["cancelled"])
        self.assertTrue(visit.page.evaluate(SAME))
        visit.assert_clean()

    def test_secret_path(self) -> None:
        """A secret path is shown once, counts from then on, and is dropped again."""
        sn = "PATH00000001"
        self.talker(sn)
        visit = self.look(f"/terminals/{sn}/settings")
        visit.page.get_by_role("button", name="Make a secret path").click()
        shown = visit.page.locator("[data-secret] output")
        visit.until(lambda: shown.is_visible() and shown.inner_text().strip(), "the path is shown")
        path = shown.inner_text().strip()
        self.assertTrue(usual().server.get(f"/terminals/{sn}")[1]["has_path"])
        visit.until(lambda: "It has to say" in visit.page.inner_text("#path"), "the page says so")
        visit.page.reload()
        self.assertNotIn(path, visit.page.content())
        visit.page.get_by_role("button", name="Drop the path").click()
        visit.until(lambda: "Any path does" in visit.page.inner_text("#path"), "it is dropped")
        self.assertFalse(usual().server.get(f"/terminals/{sn}")[1]["has_path"])
        visit.assert_clean()

    def test_snapshot(self) -> None:
        """A snapshot is taken and shows by itself when it is done; giving it back wants the serial number."""
        sn = usual().live[0]
        visit = self.look(f"/terminals/{sn}/copies")
        visit.page.get_by_role("button", name="Take a snapshot").click()
        card = visit.page.locator("#snapshots li.card").first
        visit.until(lambda: card.count() and card.locator(".badge.good").count(), "it is done")
        self.assertTrue(visit.page.evaluate(SAME))
        card.locator("summary", has_text="Give it back").click()
        people = card.locator("[name=what][value=people]")
        people.uncheck()
        card.locator("[name=confirm]").fill("another")
        people.focus()
        self.changed_elsewhere(visit, sn)
        self.assertEqual(
            (people.is_checked(), card.locator("[name=confirm]").input_value()), (False, "another")
        )
        card.get_by_role("button", name="Give it back").click()
        visit.until(lambda: card.locator("[aria-invalid]").count(), "what is wrong is told at the field")
        self.assertEqual(usual().server.get(f"/terminals/{sn}/restorations")[1]["restorations"], [])
        visit.forgive("422")
        visit.assert_clean()

    def changed_elsewhere(self, visit: Visit, sn: str) -> None:
        """Somebody else takes a snapshot, and the page has looked at that."""
        told = "new Promise((go) => document.addEventListener('patched', () => go(true), { once: true }))"
        visit.page.evaluate(f"window.isPatched = {told}; 0")
        status, made = usual().server.post(f"/terminals/{sn}/snapshots", {})
        self.assertEqual(status, 202, made)
        self.assertTrue(visit.page.evaluate("window.isPatched"))

    def test_own_punches(self) -> None:
        """Its punches come by themselves, those of others do not; what it says otherwise is told."""
        client, other = self.talker("OWNS00000001", firmware="6.1"), self.talker("OWNS00000002")
        visit = self.look("/terminals/OWNS00000001")
        assert other.ask(cmd="sendlog", count=1, record=[log(8, "2026-04-02 08:15:04")])["result"]
        assert client.ask(cmd="sendlog", count=1, record=[log(9, "2026-04-02 08:15:05")])["result"]
        wall = visit.page.locator("#wall tr")
        visit.until(lambda: wall.count() == 1, "the punch is on the wall")
        self.assertIn("08:15:05", wall.first.inner_text())
        self.assertTrue(visit.page.evaluate(SAME))
        client.shut()
        self.talker("OWNS00000001", firmware="6.4")
        changes = visit.page.locator("#changes")
        visit.until(lambda: changes.count() and "6.1 became 6.4" in changes.inner_text(), "it is told")
        visit.assert_clean()
