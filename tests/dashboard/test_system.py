"""What administrators do with the pages of the system, in a real browser against a real server."""

from __future__ import annotations

from tests.dashboard.office import OfficeScene
from tests.dashboard.stage import usual
from tests.dashboard.visit import Visit
from tests.real.client import log
from tests.real.receiver import RealReceiver, refusing, well

PASSWORD, ANOTHER = "seven quiet harbours", "eight loud harbours"
NAME, TOKEN = "otto", "payroll of the walk"


class SystemTests(OfficeScene):
    """Tokens, accounts and webhooks of their own, whom no other test looks at."""

    def test_token(self) -> None:
        """A token is shown once, in a dialog, works from then on, and is revoked with one click."""
        visit = self.look("/system/tokens")
        visit.page.locator("#make [name=name]").fill(TOKEN)
        visit.page.get_by_role("button", name="Make the token").click()
        shown = visit.page.locator("#secret code")
        visit.until(lambda: shown.is_visible() and shown.inner_text(), "the token is shown")
        token = shown.inner_text()
        self.assertNotIn(token, self.visit(usual().url, token=token).goto("/punches").text())
        visit.page.get_by_role("button", name="I have kept it").click()
        row = visit.page.locator("#tokens tr", has_text=TOKEN)
        visit.until(row.count, "the list has it")
        self.assertNotIn(token, visit.page.content())
        row.get_by_role("button").click()
        visit.until(lambda: not row.count(), "it is revoked")
        answer = visit.context.request.post(f"{usual().url}/api/v1/session", data={"token": token})
        self.assertEqual(answer.status, 401)
        visit.assert_clean()

    def test_account(self) -> None:
        """An account is made; what it may do changes; disabled, it is signed out at once."""
        self.addCleanup(usual().server.ask, "DELETE", f"/accounts/{NAME}", b"")
        visit = self.look("/system/accounts")
        visit.page.locator("#make [name=name]").fill(NAME)
        visit.page.locator("#make [name=password]").fill(PASSWORD)
        visit.page.get_by_role("button", name="Make the account").click()
        visit.page.get_by_role("link", name=NAME).click()
        visit.page.wait_for_url(f"**/accounts/{NAME}")
        other = self.visit(usual().url)
        body = {"name": NAME, "password": PASSWORD}
        self.assertEqual(other.context.request.post(f"{usual().url}/api/v1/session", data=body).status, 201)
        self.assertEqual(other.goto("/system").status, 403)
        visit.page.locator("#may [name=role]").select_option("operator")
        visit.page.get_by_role("button", name="Keep the changes").click()
        visit.until(lambda: "operator" in visit.page.inner_text("#state"), "the page has the change")
        self.assertEqual(other.goto("/system").status, 200)
        visit.page.get_by_role("button", name="Disable").click()
        visit.until(lambda: "disabled" in visit.page.inner_text("#state"), "it is disabled")
        other.goto("/system")
        self.assertIn("/sign-in", other.page.url)
        # how a browser tells of the page that was not for a reader
        other.forgive("403")
        other.assert_clean()
        visit.assert_clean()

    def test_webhook(self) -> None:
        """A webhook is made with a secret that is shown once; what its receiver refused is sent again."""
        receiver = RealReceiver().up()
        self.addCleanup(receiver.down)
        visit = self.look("/system/webhooks")
        visit.page.locator("#make [name=url]").fill(receiver.url)
        visit.page.get_by_role("button", name="Make the webhook").click()
        shown = visit.page.locator("#secret code")
        visit.until(lambda: shown.is_visible() and shown.inner_text(), "the secret is shown")
        first = shown.inner_text()
        visit.page.get_by_role("button", name="I have kept it").click()
        visit.page.get_by_role("link", name=receiver.url).click()
        visit.page.wait_for_url("**/system/webhooks/*")
        hook = visit.page.url.rpartition("/")[2]
        self.addCleanup(usual().server.ask, "DELETE", f"/webhooks/{hook}", b"")
        again = self._another_secret(visit, first)
        receiver.secret = self._another_secret(visit, again)
        client = usual().server.client()
        self.addCleanup(client.shut)
        receiver.become(refusing(lambda punch: punch["enrollid"] == 9))
        assert client.register("HOOK00000001")["result"]
        records = [log(9, "2026-04-02 08:15:05"), log(10, "2026-04-02 08:15:06")]
        assert client.ask(cmd="sendlog", count=2, record=records)["result"]
        letters = visit.page.locator("#letters tbody tr")
        visit.until(lambda: self._reloaded(visit) and letters.count(), "it is refused for good")
        self.assertEqual(letters.count(), 1)
        count = len(receiver.uids())
        receiver.become(well)
        letters.get_by_role("button", name="Send again").click()
        visit.until(lambda: len(receiver.uids()) > count, "the receiver has it")
        visit.page.get_by_role("button", name="Pause").click()
        visit.until(lambda: "paused" in visit.page.inner_text("#fares"), "it is paused")
        self.assertEqual(usual().server.get(f"/webhooks/{hook}")[1]["state"], "paused")
        visit.page.get_by_role("button", name="Delete").click()
        visit.page.wait_for_url("**/system/webhooks")
        self.assertEqual(usual().server.get(f"/webhooks/{hook}")[0], 404)
        visit.assert_clean()

    def _another_secret(self, visit: Visit, before: str) -> str:
        """A new secret is shown, each time that one is made."""
        shown = visit.page.locator("#secret code")
        visit.page.get_by_role("button", name="New secret").click()
        visit.until(lambda: shown.is_visible() and shown.inner_text() != before, "another secret is shown")
        found = shown.inner_text()
        visit.page.get_by_role("button", name="I have kept it").click()
        return found

    def _reloaded(self, visit: Visit) -> bool:
        visit.page.reload()
        return True
