"""What operators do with the page of the fleet, in a real browser against a real server."""

from __future__ import annotations

from tests.dashboard.browser import BrowserScene
from tests.dashboard.stage import Stage, usual
from tests.dashboard.visit import Visit
from tests.real.process import free_port

MARK = "window.isSame = true"
SAME = "window.isSame === true"


class FleetTests(BrowserScene):
    """A fleet of its own: terminals are approved, denied and moved."""

    def setUp(self) -> None:
        """Twenty terminals, two of them live, some pending."""
        super().setUp()
        self.stage = Stage(20, 2, 40)
        self.addCleanup(self.stage.stop)
        # the same place again after a restart
        self.stage.server.options += ("--http", f"tcp:{free_port()}:interface=127.0.0.1")
        self.stage.start()

    def look(self) -> Visit:
        """An operator with the page open, told of what changes."""
        visit = self.visit(self.stage.url, token=self.stage.token)
        visit.goto("/")
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.page.evaluate(MARK)
        return visit

    def admission(self, sn: str) -> str:
        """What the API says of a terminal."""
        found: str = self.stage.server.get(f"/terminals/{sn}")[1]["admission"]
        return found

    def test_one_click(self) -> None:
        """Approve and deny are one click each; the card goes, the list has it, nothing is reloaded."""
        visit = self.look()
        cards = visit.page.locator("li.card[id^=w-]")
        first, second = (cards.nth(n).locator("bdi").first.inner_text() for n in (0, 1))
        visit.page.get_by_role("button", name=f"Approve {first}").click()
        visit.until(lambda: not visit.page.locator(f"#w-{first}").count(), "the first card is gone")
        visit.page.get_by_role("button", name=f"Deny {second}").click()
        visit.until(lambda: not visit.page.locator(f"#w-{second}").count(), "the second card is gone")
        self.assertEqual((self.admission(first), self.admission(second)), ("approved", "denied"))
        visit.until(lambda: visit.page.locator(f"#t-{first}").count(), "the terminal is in the list")
        self.assertTrue(visit.page.evaluate(SAME))
        visit.assert_clean()

    def test_punch_changes_its_row(self) -> None:
        """A punch changes the cell of its terminal and no other; what was checked and focused stays so."""
        visit, client = self.look(), self.stage.server.client()
        assert client.register("LIVE00000001")["result"]
        visit.until(lambda: visit.page.locator("#t-LIVE00000001").count(), "the new terminal is in the list")
        box = visit.page.locator("#t-LIVE00000001 input")
        box.check()
        visit.page.evaluate(
            """() => {
              window.cells = [];
              const note = (node) => window.cells.push(node.dataset.label);
              new MutationObserver((all) => all.forEach((each) => each.addedNodes.forEach(note)))
                .observe(document.querySelector('#t-LIVE00000001'), { childList: true });
            }"""
        )
        record = {"enrollid": 7, "time": "2026-04-02 08:15:04", "mode": 0, "inout": 0, "event": 0}
        assert client.ask(cmd="sendlog", count=1, record=[record])["result"]
        visit.until(lambda: visit.page.evaluate("window.cells.length"), "a cell has changed")
        self.assertEqual(visit.page.evaluate("[...new Set(window.cells)]"), ["Last punch"])
        self.assertTrue(box.is_checked())
        self.assertTrue(visit.page.evaluate(SAME))
        visit.page.evaluate("window.cells = []")
        self.stage.server.patch("/terminals/LIVE00000001", {"site": "Harbour"})
        visit.until(lambda: visit.page.evaluate("window.cells.length"), "another cell has changed")
        self.assertEqual(visit.page.evaluate("[...new Set(window.cells)]"), ["Site"])
        client.shut()
        row = visit.page.locator("#t-LIVE00000001")
        visit.until(lambda: "offline" in row.inner_text(), "it is offline")
        visit.assert_clean()

    def test_search_and_filter(self) -> None:
        """Words, sites and chips narrow the list down; the address says how, so that it can be kept."""
        visit = self.look()
        visit.page.get_by_label("Search").fill("front door")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_url("**search=front+door**")
        self.assertEqual(visit.page.locator("[data-rows] tr").count(), 1)
        visit.page.locator("#chip-offline").click()
        visit.page.wait_for_url("**state=offline**")
        self.assertEqual(visit.page.locator("[data-rows] tr").count(), 0)
        self.assertIn("No terminal fits.", visit.page.locator("main").inner_text())
        visit.assert_clean()

    def test_several(self) -> None:
        """What is chosen in the list is changed together once somebody says yes, and the page shows it."""
        visit = self.look()
        visit.page.once("dialog", lambda asked: asked.accept())
        sns = self.stage.live
        for sn in sns:
            visit.page.locator(f"#t-{sn} input").check()
        self.assertEqual(visit.page.locator("[data-picked]").inner_text(), "2")
        # another device may claim the number of one that was approved long ago
        self.assertEqual(visit.page.locator("#bulk").get_by_role("button", name="Approve").count(), 0)
        visit.page.locator("#bulk [name=site]").fill("Harbour")
        visit.page.get_by_role("button", name="Set the site").click()
        row = visit.page.locator(f"#t-{sns[1]}")
        visit.until(lambda: "Harbour" in row.inner_text(), "the row shows the site")
        self.assertEqual(
            [self.stage.server.get(f"/terminals/{sn}")[1]["site"] for sn in sns], ["Harbour"] * 2
        )
        self.assertTrue(visit.page.locator("#bulk").is_hidden())
        visit.assert_clean()

    def test_approve_several(self) -> None:
        """Those that wait are approved together from their own list."""
        visit = self.look()
        waiting = [each["sn"] for each in self.stage.server.get("/terminals?state=pending")[1]["terminals"]]
        self.assertGreater(len(waiting), 1)
        visit.goto("/?state=pending")
        visit.page.locator("[data-all]").check()
        visit.page.locator("#bulk").get_by_role("button", name="Approve").click()
        visit.until(lambda: not visit.page.locator("[data-rows] tr").count(), "nobody waits")
        self.assertEqual({self.admission(sn) for sn in waiting}, {"approved"})
        visit.assert_clean()

    def test_tried_again(self) -> None:
        """What a page is told once it looks at later when it could not at first; meanwhile it says so."""
        visit = self.look()
        address, chip = f"{self.stage.url}/", visit.page.locator("#chip-denied")
        denied = int(chip.locator("b").inner_text())
        visit.page.route(address, lambda route: route.fulfill(status=503), times=1)
        self.stage.server.patch(f"/terminals/{self.stage.live[0]}", {"admission": "denied"})
        visit.page.wait_for_selector("[data-live-state=off]")
        visit.until(lambda: int(chip.locator("b").inner_text()) == denied + 1, "the page has it")
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.forgive("503")
        visit.assert_clean()

    def test_away_and_back(self) -> None:
        """Without the server the page says that it is not live, and catches up once it is there again."""
        visit = self.look()
        chip, sn = visit.page.locator("#chip-denied b"), self.stage.live[0]
        denied = int(chip.inner_text())
        self.stage.server.stop()
        visit.page.wait_for_selector("[data-live-state=off]")
        self.stage.server.start()
        self.assertEqual(self.stage.server.patch(f"/terminals/{sn}", {"admission": "denied"})[0], 200)
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.until(lambda: int(chip.inner_text()) == denied + 1, "the page has it")
        # how a browser tells of a server that is not there
        visit.forgive(r"ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK|request failed|503|502")
        visit.assert_clean()


class FirstTests(BrowserScene):
    """A server that no terminal has come to."""

    def test_the_first_terminal(self) -> None:
        """It waits as a card and is in the list once it is approved; nothing is reloaded or contradicts."""
        stage = Stage(0, 0, 0)
        stage.server.settings = "admission: {policy: approve}"
        self.addCleanup(stage.stop)
        stage.start()
        visit = self.visit(stage.url, token=stage.token)
        visit.goto("/")
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.page.evaluate(MARK)
        none = visit.page.get_by_text("No terminal has registered yet.")
        self.assertTrue(none.is_visible())
        self.assertFalse(visit.page.get_by_role("table").is_visible())
        client = stage.server.client()
        client.register("FIRST0000001")
        self.addCleanup(client.shut)
        visit.page.get_by_role("button", name="Approve FIRST0000001").click()
        visit.until(visit.page.locator("#t-FIRST0000001").is_visible, "the terminal is in the list")
        self.assertEqual((none.count(), visit.page.locator("li.card").count()), (0, 0))
        self.assertTrue(visit.page.get_by_text("1 terminal fits").is_visible())
        self.assertTrue(visit.page.evaluate(SAME))
        visit.assert_clean()


class ChoosingTests(BrowserScene):
    """More terminals than one page has, which nobody changes."""

    def test_choose_all_that_fit(self) -> None:
        """One click chooses all on all pages; whoever unticks one is back at this page alone."""
        visit = self.visit(usual().url, token=usual().token)
        visit.goto("/")
        rows, picked = visit.page.locator("[data-rows] input"), visit.page.locator("[data-picked]")
        visit.page.locator("[data-all]").check()
        self.assertEqual(picked.inner_text(), str(rows.count()))
        button = visit.page.locator("[data-fitting]")
        fitting = "".join(filter(str.isdigit, button.inner_text()))
        self.assertGreater(int(fitting), rows.count())
        button.click()
        visit.until(lambda: picked.inner_text() == fitting, "all that fit are chosen")
        rows.first.uncheck()
        self.assertEqual(picked.inner_text(), str(rows.count() - 1))
        visit.assert_clean()
