"""How people come and go, in a real browser against a real server: enrolment, files, erasure."""

from __future__ import annotations

from typing import Any

from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual
from tests.dashboard.visit import Visit

ENROLLED, IMPORTED, ERASED = 9101, 9102, 9103
"""Numbers that nobody else on the stage has."""
ROWS = f"enrollid,name\r\n{IMPORTED},Nora\r\nx,Nobody\r\n".encode()


class BringingTests(OfficeScene):
    """People of their own, whom no other test looks at."""

    def person(self, enrollid: int) -> tuple[int, Any]:
        """Status and body of what the API says of somebody."""
        status, body = usual().server.get(f"/users/{enrollid}")
        return status, body

    def test_enrolment(self) -> None:
        """Somebody new lays a finger on a terminal; the page goes along until the directory has it."""
        sn = usual().live[0]
        visit = self.look(f"/people/enrolments?person={ENROLLED}")
        self.assertEqual(visit.page.locator("#begin [name=enrollid]").input_value(), str(ENROLLED))
        visit.page.locator("#begin [name=name]").fill("Lea")
        visit.page.locator("#begin [name=sn]").select_option(sn)
        visit.page.locator("#begin [name=backupnum]").select_option("3")
        visit.page.get_by_role("button", name="Begin").click()
        visit.page.wait_for_url("**/people/enrolments/*")
        visit.page.evaluate("window.isSame = true")
        state = visit.page.locator("#course [role=status]")
        visit.until(lambda: "in the directory" in state.inner_text(), "it is done")
        self.assertTrue(visit.page.evaluate("window.isSame === true"))
        self.assertEqual(visit.page.locator("#course li.past").count(), 5)
        _, found = self.person(ENROLLED)
        self.assertEqual((found["name"], [each["backupnum"] for each in found["credentials"]]), ("Lea", [3]))
        visit.page.get_by_role("link", name="Enrol something else here").click()
        visit.page.wait_for_url("**person=**")
        self.assertEqual(visit.page.locator("#begin [name=sn]").input_value(), sn)
        visit.assert_clean()

    def test_import(self) -> None:
        """A trial changes nothing and names row and field; then the same file brings in what is right."""
        visit = self.look("/people/imports")
        self._send(visit)
        errors = visit.page.locator("#import tbody tr")
        visit.until(errors.count, "the page tells what is wrong")
        self.assertEqual(errors.count(), 1)
        self.assertIn("enrollid", errors.first.inner_text())
        self.assertIn("A trial", visit.page.inner_text("#import"))
        self.assertEqual(self.person(IMPORTED)[0], 404)
        visit.goto("/people/imports")
        visit.page.locator("#begin [name=dry_run]").uncheck()
        self._send(visit)
        state = visit.page.locator("#import [role=status]")
        visit.until(lambda: "100%" in state.inner_text() and "done" in state.inner_text(), "it is over")
        status, found = self.person(IMPORTED)
        self.assertEqual((status, found["name"]), (200, "Nora"))
        visit.assert_clean()

    def _send(self, visit: Visit) -> None:
        file: Any = {"name": "people.csv", "mimeType": "text/csv", "buffer": ROWS}
        visit.page.locator("#begin [name=file]").set_input_files(file)
        visit.page.get_by_role("button", name="Send the file").click()
        visit.page.wait_for_url("**/people/imports/*")

    def test_erasure(self) -> None:
        """Erasing wants the number twice; the report tells place by place what became of the person."""
        status, answer = usual().server.put(f"/users/{ERASED}", {"name": "Otto"})
        assert status == 200, answer
        visit = self.look("/people/erasures")
        form = visit.page.locator("#erase")
        form.locator("[name=enrollid]").fill(str(ERASED))
        form.locator("[name=reason]").fill("asked for it")
        form.locator("[name=confirm]").fill("9104")
        form.get_by_role("button", name="Erase").click()
        confirm = form.locator("[name=confirm]")
        visit.until(lambda: confirm.get_attribute("aria-invalid"), "what is wrong is told at the field")
        self.assertEqual(self.person(ERASED)[0], 200)
        confirm.fill(str(ERASED))
        form.get_by_role("button", name="Erase").click()
        visit.page.wait_for_url("**/people/erasures/*")
        self.assertEqual(self.person(ERASED)[0], 404)
        row = visit.page.locator("#report tbody tr", has_text="the directory")
        visit.until(lambda: row.locator(".badge.good").count(), "it is erased here")
        self.assertNotIn("Otto", visit.page.content())
        visit.page.get_by_role("link", name="All erasures").click()
        visit.page.wait_for_url("**/people/erasures")
        self.assertIn("asked for it", visit.page.inner_text("#erasures"))
        visit.forgive("422")
        visit.assert_clean()
