"""Groups, plans, differences and room, as people read them."""

from __future__ import annotations

from msgspec.structs import replace

from tests.web.dashboard.html import Page
from tests.web.dashboard.looking import LookingCase
from tests.web.dashboard.test_system import methods, said
from tests.web.in_memory import BOUND, OPERATOR, READER
from tests.web.people import a_group, known
from tests.web.plans import a_head, a_plan, a_refusal, a_step
from tests.web.samples import ORDER_ID, SN
from tfserver.model import Admission, Capacity, Terminal
from tfserver.people.planner import Differences
from tfserver.person import Access
from tfserver.plan import Options, PlanState

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>"""
GROUP_PATH = "/api/v1/groups/staff"
PLAN = f"/people/plans/{ORDER_ID}"


class GroupTests(LookingCase):
    """Where people belong."""

    def test_empty(self) -> None:
        """Without groups the page says what one is."""
        self.people.groups.given["listing"] = []
        page = self.look("/people/groups", OPERATOR)
        self.assertIn("There are no groups yet.", page.texts("p"))
        self.assertEqual(methods(page), {("PUT", "/api/v1/groups/{name}")})

    def test_listed(self) -> None:
        """Each with its people, where they belong and how it is kept; names are text."""
        groups = [
            a_group(title=HOSTILE, continuous=True),
            a_group(name="north", everywhere=False, sites=("north",), tags=("door",), terminals=("T1",) * 7),
            a_group(name="none", everywhere=False),
        ]
        self.people.groups.given["listing"] = groups
        page = self.look("/people/groups", READER)
        first, second, third = page.texts("tr")[1:]
        for told in (HOSTILE, "all terminals", "by itself", "always"):
            self.assertIn(" ".join(told.split()), first)
        for told in ("north", "#door", "T1", "and 2 more", "by plans"):
            self.assertIn(told, second)
        self.assertIn("no terminal", third)
        self.assertEqual((page.all("img"), methods(page)), ([], set()))

    def test_one(self) -> None:
        """A group can be changed, planned, forgotten, and people taken in and out, by who may."""
        page = self.look("/people/groups/staff", OPERATOR)
        self.assertIn("Ines M", said(page))
        self.assertEqual(
            methods(page),
            {
                ("PUT", GROUP_PATH),
                ("DELETE", GROUP_PATH),
                ("POST", f"{GROUP_PATH}/members"),
                ("POST", "/api/v1/sync/plan"),
            },
        )
        (change,) = page.all("form", id="change")
        self.assertEqual(change.given["data-then"], "/people/groups/{name}")
        self.assertIn("1", [each.given["value"] for each in page.all("input", name="version")])
        self.assertEqual(methods(self.look("/people/groups/staff", READER)), set())
        self.look("/people/groups/nosuch", READER, 404)

    def test_members_by_pages(self) -> None:
        """Many people come in pages."""
        self.people.groups.given["page"] = lambda name, after, limit: [*range(after + 1, after + 1 + limit)]
        self.people.directory.given["many"] = lambda numbers: [known(enrollid=number) for number in numbers]
        page = self.look("/people/groups/staff?limit=2&after=4", READER)
        (following,) = page.all("a", rel="next")
        self.assertEqual(following.given["href"], "/people/groups/staff?after=6")
        self.assertEqual(len(page.all("a", rel="first")), 1)

    def test_zones(self) -> None:
        """Whoever reads sees week zones and the lock group; what is 0 is none."""
        group = a_group(access=Access(weekzone2=3, group=4))
        self.people.groups.given.update(get=group, listing=[group])
        for path in ("/people/groups", "/people/groups/staff"):
            badges = self.look(path, READER).texts("span", **{"class": "badge"})
            zones = [text for text in badges if text.startswith(("Week zone", "Lock group"))]
            self.assertEqual(zones, ["Week zone 2: 3", "Lock group: 4"])

    def test_many_groups(self) -> None:
        """Groups come in pages; to choose among many, names are typed."""
        self.people.groups.given["listing"] = [a_group(name=f"g{n:02}") for n in range(51)]
        page = self.look("/people/groups")
        self.assertEqual(len(page.texts("tr")), 1 + 50)
        (following,) = page.all("a", rel="next")
        self.assertEqual(following.given["href"], "/people/groups?page=2")
        last = self.look("/people/groups?page=9")
        self.assertIn("g50", last.texts("tr")[1])
        self.assertEqual((len(last.texts("tr")), last.all("a", rel="next")), (2, []))
        plans = self.look("/people/plans", OPERATOR)
        self.assertEqual(plans.all("input", name="groups"), [])
        self.assertEqual(plans.all("textarea", name="groups")[0].given["data-as"], "lines")

    def test_commas(self) -> None:
        """A site or tag with a comma in it stays one when the group is changed."""
        group = a_group(sites=("Lyon, Nord", "b"), tags=("x, y",), everywhere=False)
        self.people.groups.given["get"] = group
        page = self.look("/people/groups/staff", OPERATOR)
        for name, lines in (("sites", "Lyon, Nord b"), ("tags", "x, y")):
            (field,) = page.all("textarea", name=name)
            self.assertEqual((field.given["data-as"], field.given["data-empty"]), ("lines", "[]"))
            self.assertIn(lines, page.texts("textarea", name=name))

    def test_taking_in(self) -> None:
        """The form has the words for numbers that could not be taken in."""
        page = self.look("/people/groups/staff", OPERATOR)
        (add,) = page.all("form", id="add")
        self.assertIn("%s", add.given["data-unknown"])
        self.assertIn("%s", add.given["data-full"])


class PlanTests(LookingCase):
    """What terminals are to be told."""

    def test_list(self) -> None:
        """Plans with their state in words; who may makes one."""
        page = self.look("/people/plans", OPERATOR)
        self.assertIn("ready, nothing is changed yet", page.texts("tr")[1])
        self.assertEqual(methods(page), {("POST", "/api/v1/sync/plan")})
        self.people.plans.given["listing"] = ([], None)
        self.assertIn("There is no plan.", self.look("/people/plans", READER).texts("p"))

    def test_ready(self) -> None:
        """A plan that is ready says what it would do, how long, and what it can't; it can be carried out."""
        page = self.look(PLAN, OPERATOR)
        told = said(page)
        for one in ("put a credential ×1", "less than a minute", "ready, nothing is changed yet", SN):
            self.assertIn(one, told)
        self.assertEqual(methods(page), {("POST", "/api/v1/sync/apply")})
        self.assertEqual(methods(self.look(PLAN, READER)), set())

    def test_going_on(self) -> None:
        """One that is being carried out shows how far it is, and can be stopped."""
        plan = a_plan(SN, state=PlanState.APPLYING)
        plans = self.people.plans
        plans.given["get"] = replace(plan, begun=plan.made, begun_by="token o")
        plans.given["terminals"] = [a_head(items=4, counts={"done": 3, "planned": 1})]
        page = self.look(PLAN, OPERATOR)
        (bar,) = page.all("progress")
        self.assertEqual((bar.given["value"], bar.given["max"]), ("75", "100"))
        self.assertEqual(methods(page), {("DELETE", f"/api/v1/sync/plans/{ORDER_ID}")})

    def test_how_far(self) -> None:
        """The list says how far plans are that are being carried out, of few of them; never all too early."""
        plan = a_plan(SN, state=PlanState.APPLYING)
        plans = self.people.plans
        running = [replace(plan, id=f"run{n}") for n in range(7)]
        plans.given["listing"] = ([a_plan(SN), *running], None)
        plans.given["terminals"] = [a_head(items=1000, counts={"done": 999, "ordered": 1})]
        page = self.look("/people/plans")
        self.assertEqual([each.given["value"] for each in page.all("progress")], ["99"] * 5)
        plans.given["listing"] = ([a_plan(SN)], None)
        self.assertEqual(self.look("/people/plans").all("progress"), [])

    def test_being_made(self) -> None:
        """While lists are read nobody knows what is to be done, which is not nothing."""
        plans = self.people.plans
        plans.given.update(get=a_plan(SN, "B2", state=PlanState.READING), terminals=[])
        page = self.look(PLAN, OPERATOR)
        told = said(page)
        self.assertIn("lists are being read", told)
        self.assertIn("Terminals2", told)
        for wrong in ("nothing to do", "Takes about", "Nothing has to be done"):
            self.assertNotIn(wrong, told)
        self.assertEqual(methods(page), set())

    def test_looked_at_again(self) -> None:
        """Of steps nobody is told: a plan that is not over is looked at again, from the beginning on."""
        plans = self.people.plans
        for state in PlanState:
            plans.given["get"] = a_plan(SN, state=state)
            (part,) = self.look(PLAN).all("div", id="plan")
            is_over = state in (PlanState.DONE, PlanState.CANCELLED, PlanState.FAILED)
            self.assertEqual("data-every" not in part.given, is_over, state)
        for counts, is_over in (({"planned": 1}, False), ({"ordered": 1}, False), ({"done": 1}, True)):
            plans.given["terminal"] = a_head(counts=counts)
            (part,) = self.look(f"{PLAN}/terminals/{SN}").all("div", id="steps")
            self.assertEqual("data-every" not in part.given, is_over, counts)

    def test_nothing_possible(self) -> None:
        """A plan without steps is good only when nothing stands in its way."""
        plans = self.people.plans
        good = "Nothing has to be done: terminals have what they are to have, as far as that is known."
        for more, is_good in (
            ({"refused": 0}, True),
            ({"refused": 3}, False),
            ({"refused": 0, "problem": "its list was never read"}, False),
        ):
            plans.given["terminals"] = [a_head(items=0, ops={}, counts={}, **more)]
            page = self.look(PLAN, OPERATOR)
            self.assertEqual(good in said(page), is_good, more)
            self.assertEqual("at each terminal stands why" in said(page), not is_good, more)
            self.assertEqual(methods(page), set())

    def test_removes(self) -> None:
        """A plan that takes people off asks for its id."""
        plan = a_plan(SN)
        plans = self.people.plans
        plans.given["get"] = replace(plan, options=Options(foreign="remove"))
        plans.given["terminals"] = [a_head(ops={"remove": 2})]
        page = self.look(PLAN, OPERATOR)
        (confirm,) = page.all("input", name="confirm")
        self.assertEqual(confirm.given["pattern"], ORDER_ID)
        self.assertEqual(page.texts("button", **{"class": "danger main"}), ["Carry it out"])

    def test_terminal(self) -> None:
        """Step by step what is done at one terminal, and what can't be and why."""
        self.people.plans.given["items"] = [a_step(), a_refusal()]
        done, refused = self.look(f"{PLAN}/terminals/{SN}", READER).texts("tr")[1:]
        for told in ("put a credential: card", "done", "missing"):
            self.assertIn(told, done)
        for told in ("fingerprint 4", "can't be done", "made with thbio1.0"):
            self.assertIn(told, refused)


class TerminalTests(LookingCase):
    """How terminals differ, and their room."""

    def setUp(self) -> None:
        """A full terminal and an empty one."""
        super().setUp()
        full = {"user": Capacity(100, 95, 5)}
        self.with_terminals(
            Terminal(SN, name=HOSTILE, admission=Admission.APPROVED, capacity=full),
            Terminal("A1", name="!", admission=Admission.APPROVED),
            Terminal("NEW"),
        )

    def links(self, page: Page, path: str) -> list[str]:
        """Where a list of terminals leads."""
        found = (each.given["href"] for each in page.all("a"))
        return [href for href in found if href.startswith(f"{path}/")]

    def test_lists(self) -> None:
        """Terminals that may have people, by name or the fullest first, found by words."""
        for path, first, second in (("/people/differences", "A1", SN), ("/people/forecast", SN, "A1")):
            page = self.look(path)
            self.assertEqual(self.links(page, path), [f"{path}/{first}", f"{path}/{second}"])
            self.assertEqual(page.all("img"), [])
            page = self.look(f"{path}?search=a1")
            self.assertEqual(self.links(page, path), [f"{path}/A1"])
            self.assertIn("No terminal fits.", self.look(f"{path}?search=nosuch").texts("p"))
            self.look(path, BOUND, 403)

    def test_differences(self) -> None:
        """Person by person in words, with what is proven; a plan for it is one click."""
        page = self.look(f"/people/differences/{SN}", OPERATOR)
        row = page.texts("tr")[1]
        for told in ("Ines M", "missing", "card", "not sent yet"):
            self.assertIn(told, row)
        self.assertEqual(methods(page), {("POST", "/api/v1/sync/plan")})
        (following,) = page.all("a", rel="next")
        self.assertEqual(following.given["href"], f"/people/differences/{SN}?after=7")
        self.people.planning.given["differences"] = Differences(None, [], None)
        page = self.look(f"/people/differences/{SN}", READER)
        self.assertIn("Its list was never read: there may be more people on it.", page.texts("p"))
        self.people.planning.given["differences"] = None
        self.look("/people/differences/NOSUCH", READER, 404)

    def test_room(self) -> None:
        """How full, when full, who could leave."""
        page = self.look(f"/people/forecast/{SN}")
        self.assertIn("95/100", said(page))
        self.assertIn("Ines M 7 never seen here", said(page))
        (days,) = page.all("input", name="unseen_days")
        self.assertEqual(days.given["value"], "90")
        self.look("/people/forecast/NOSUCH", READER, 404)

    def test_full(self) -> None:
        """What is full says so; of what is not known, nobody says that it will never be full."""
        for used, told in ((100, "full now"), (95, "not known yet")):
            capacity = {"user": Capacity(100, used, 100 - used)}
            terminal = Terminal("F1", admission=Admission.APPROVED, capacity=capacity)
            self.with_terminals(terminal)
            row = self.look("/people/forecast/F1").texts("tr")[1]
            self.assertTrue(row.endswith(told), row)

    def test_some_who_could_leave(self) -> None:
        """When more could leave than are shown, the page says so."""
        page = self.look(f"/people/forecast/{SN}?limit=1")
        self.assertIn("Only the first is shown.", page.texts("p"))
        self.assertNotIn("Only the first", said(self.look(f"/people/forecast/{SN}?limit=2")))
