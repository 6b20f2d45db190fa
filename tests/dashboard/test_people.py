"""What operators do with the pages of people, in a real browser against a real server."""

from __future__ import annotations

from typing import Any

from tests.commands.pictures import picture, stripes
from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual
from tests.dashboard.visit import Visit

NEW, OTHER, LEAVING = 9001, 9002, 9003
"""Numbers that nobody else on the stage has."""


class PeopleTests(OfficeScene):
    """People of their own, whom no other test looks at."""

    def person(self, enrollid: int) -> dict[str, Any]:
        """What the API says of somebody."""
        found: dict[str, Any] = usual().server.get(f"/users/{enrollid}")[1]
        return found

    def enter(self, enrollid: int, name: str) -> None:
        """Let somebody be in the directory."""
        status, answer = usual().server.put(f"/users/{enrollid}", {"name": name})
        assert status == 200, answer

    def test_somebody_new(self) -> None:
        """Somebody is added, never in the place of another; a change leaves alone what was not changed."""
        before = self.person(6)
        visit = self.look("/people/new")
        visit.page.get_by_label("Number").fill("6")
        visit.page.get_by_label("Name", exact=True).fill("Dana")
        visit.page.get_by_label("staff").check()
        visit.page.get_by_role("button", name="Add", exact=True).click()
        visit.until(lambda: "look again" in visit.page.inner_text("body"), "the number is taken")
        self.assertEqual(self.person(6), before)
        visit.page.get_by_label("Number").fill(str(NEW))
        visit.page.get_by_role("button", name="Add", exact=True).click()
        visit.page.wait_for_url(f"**/people/{NEW}")
        visit.page.get_by_label("Number of the card").fill("4007907")
        visit.page.get_by_role("button", name="Give the card").click()
        visit.page.wait_for_selector("#credential-11")
        visit.page.locator("#change [name=note]").fill("left-handed")
        visit.page.get_by_role("button", name="Keep the changes").click()
        visit.until(lambda: "left-handed" in visit.page.inner_text("#facts"), "the page has the change")
        found = self.person(NEW)
        kept = (found["name"], found["groups"], found["access"], found["note"], len(found["credentials"]))
        self.assertEqual(kept, ("Dana", ["staff"], None, "left-handed", 1))
        # how a browser tells of what the server refused
        visit.forgive("409")
        visit.assert_clean()

    def test_photo(self) -> None:
        """What is wrong with a photo is told at its field; one that fits stands among the credentials."""
        self.enter(OTHER, "Dana")
        visit = self.look(f"/people/{OTHER}")
        visit.page.get_by_label("Turn it upright").uncheck()
        field = visit.page.locator("#photo [name=record]")
        self._give(visit, picture(2000, 3000))
        visit.page.wait_for_selector("#wrong-photo")
        self.assertEqual(field.get_attribute("aria-describedby"), "wrong-photo")
        self.assertEqual(self.person(OTHER)["credentials"], [])
        self._give(visit, stripes())
        visit.page.wait_for_selector("#credential-50")
        self.assertEqual(visit.page.locator("#wrong-photo").count(), 0)
        visit.forgive("422")
        visit.assert_clean()

    def _give(self, visit: Visit, jpeg: bytes) -> None:
        file: Any = {"name": "dana.jpg", "mimeType": "image/jpeg", "buffer": jpeg}
        visit.page.locator("#photo [name=record]").set_input_files(file)
        visit.page.get_by_role("button", name="Give the photo").click()

    def test_terminal_is_right(self) -> None:
        """What a terminal calls otherwise is adopted; the form below then has the name that counts."""
        self.enter(LEAVING, "Dana")
        client = usual().server.client()
        self.addCleanup(client.shut)
        assert client.register("ADOPT0000001")["result"]
        told = {"enrollid": LEAVING, "name": "Rosa", "admin": 0, "backupnum": 11, "record": 4007908}
        assert client.ask(cmd="senduser", **told)["result"]
        visit = self.look(f"/people/{LEAVING}")
        visit.until(self._told_of(visit), "the page tells of it")
        visit.page.get_by_role("button", name="This terminal is right").first.click()
        visit.until(lambda: "Rosa" in visit.page.inner_text("h1"), "the page begins anew")
        self.assertEqual(visit.page.locator("#change [name=name]").input_value(), "Rosa")
        visit.page.locator("#change [name=note]").fill("by the terminal")
        visit.page.get_by_role("button", name="Keep the changes").click()
        visit.until(lambda: "by the terminal" in visit.page.inner_text("#facts"), "the change is taken")
        self._erase(visit)

    def _told_of(self, visit: Visit) -> Any:
        def is_told() -> bool:
            """Whether it stands on the page, which is loaded again where it does not."""
            if "Rosa" not in visit.page.inner_text("#otherwise"):
                visit.page.reload()
            return "Rosa" in visit.page.inner_text("#otherwise")

        return is_told

    def _erase(self, visit: Visit) -> None:
        """Erasing wants the person's own number, and leads to the report."""
        place = visit.page.url
        visit.page.locator("#erase [name=reason]").fill("left the company")
        visit.page.locator("#erase [name=confirm]").fill("1")
        visit.page.get_by_role("button", name="Erase").click()
        self.assertFalse(
            visit.page.locator("#erase [name=confirm]").evaluate("(each) => each.validity.valid")
        )
        self.assertEqual((visit.page.url, self.person(LEAVING)["name"]), (place, "Rosa"))
        visit.page.locator("#erase [name=confirm]").fill(str(LEAVING))
        visit.page.get_by_role("button", name="Erase").click()
        visit.page.wait_for_url("**/people/erasures/*")
        self.assertEqual(usual().server.get(f"/users/{LEAVING}")[0], 404)
        visit.assert_clean()

    def test_search(self) -> None:
        """A number, an external id and the beginning of a name find people in the same field."""
        for text, wanted in (("6", "HR-1006"), ("HR-1009", "HR-1009"), ("kim h", "HR-1011")):
            visit = self.look("/people")
            visit.page.get_by_label("Search").fill(text)
            visit.page.keyboard.press("Enter")
            visit.page.wait_for_url("**search=**")
            self.assertIn(wanted, visit.page.locator("tbody tr").first.inner_text())
            visit.assert_clean()
