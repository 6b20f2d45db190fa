"""What operators do with the pages of groups and plans, in a real browser against a real server."""

from __future__ import annotations

from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual

NAME = "walkers"
NOBODY = 987_654
"""Nobody on the stage has this number."""


class PlacingTests(OfficeScene):
    """A group of its own, which chooses one terminal."""

    def make(self, sn: str) -> None:
        """Let the group be there, and go again."""
        server = usual().server
        status, answer = server.put(f"/groups/{NAME}", {"title": "Walkers", "terminals": [sn]})
        assert status == 200, answer
        self.addCleanup(server.ask, "DELETE", f"/groups/{NAME}", b"")

    def test_group(self) -> None:
        """A group is made; a site with a comma stays one through a change; who can't be taken in is told."""
        server = usual().server
        self.addCleanup(server.ask, "DELETE", f"/groups/{NAME}", b"")
        visit = self.look("/people/groups")
        visit.page.locator("#make [name=name]").fill(NAME)
        visit.page.locator("#make [name=sites]").fill("Lyon, Nord\nBasel")
        visit.page.get_by_role("button", name="Make the group").click()
        visit.page.wait_for_url(f"**/people/groups/{NAME}")
        visit.page.locator("#change [name=title]").fill("Those who walk")
        visit.page.get_by_role("button", name="Keep the changes").click()
        visit.until(lambda: "Those who walk" in visit.page.inner_text("h1"), "the page has the change")
        found = server.get(f"/groups/{NAME}")[1]
        self.assertEqual((found["title"], found["sites"]), ("Those who walk", ["Lyon, Nord", "Basel"]))
        visit.page.locator("#add [name=add]").fill(f"7, {NOBODY}")
        visit.page.get_by_role("button", name="Take in", exact=True).click()
        told = visit.page.locator("#notices .bad")
        visit.until(lambda: told.count() and str(NOBODY) in told.inner_text(), "it is told who is unknown")
        self.assertNotIn("7,", told.inner_text())
        visit.until(lambda: visit.page.locator("#members li").count() == 1, "the other is in")
        self.assertEqual(server.get(f"/groups/{NAME}/members")[1]["members"], [7])
        visit.assert_clean()

    def test_plan(self) -> None:
        """A plan is made from the page of a group, carried out, and its page says so by itself."""
        sn = usual().live[1]
        self.make(sn)
        visit = self.look(f"/people/groups/{NAME}")
        visit.page.get_by_role("button", name="Plan its terminals").click()
        visit.page.wait_for_url("**/people/plans/*")
        plan = visit.page.url.rpartition("/")[2]
        visit.page.wait_for_selector("[data-live-state=on]")
        visit.page.evaluate("window.isSame = true")
        visit.page.wait_for_selector(f"#t-{sn}")
        visit.page.get_by_role("button", name="Carry it out").click()
        state = visit.page.locator("#plan [role=status]")
        visit.until(lambda: state.inner_text().strip() == "carried out", "it is over")
        self.assertEqual(visit.page.locator(f"#t-{sn} progress").get_attribute("value"), "100")
        self.assertTrue(visit.page.evaluate("window.isSame === true"))
        self.assertEqual(usual().server.get(f"/sync/plans/{plan}")[1]["state"], "done")
        visit.page.locator(f"#t-{sn} a").click()
        visit.page.wait_for_url(f"**/terminals/{sn}")
        self.assertIn("done", visit.page.inner_text("#steps"))
        visit.assert_clean()
