"""Groups of people over HTTP."""

from __future__ import annotations

from tests.web.directory import PeopleCase
from tests.web.in_memory import BOUND, OPERATOR, READER
from tfserver.person import Access, Group, Validity
from tfserver.store.people.directory import Outdated
from tfserver.store.people.groups import GroupFills, Moved, TooManyGroups

FIELDS = "name title sites tags terminals everywhere access validity continuous version members"


class GroupTests(PeopleCase):
    """Groups."""

    def test_listing(self) -> None:
        """All groups come, with how many people are in each."""
        answer = self.fetch("/groups")
        [found] = answer.body["groups"]
        self.assertEqual(set(found), set(FIELDS.split()))
        self.assertEqual((found["name"], found["members"]), ("staff", 1))

    def test_one(self) -> None:
        """One group; who is not there is 404."""
        self.assertEqual(self.fetch("/groups/staff").body["everywhere"], True)
        self.assert_problem(self.fetch("/groups/night"), 404)
        self.assertEqual(self.fetch("/groups/a%20b").status, 404)

    def test_put(self) -> None:
        """All that is said reaches the store, each thing once."""
        said = {
            "title": "Night",
            "sites": ["north", "north"],
            "tags": ["gate"],
            "terminals": ["zxab1", "ZXAB1"],
            "everywhere": False,
            "access": {"weekzone": 2},
            "validity": {"until": "2026-12-31"},
            "continuous": True,
            "version": 3,
        }
        answer = self.put("/groups/night", said)
        self.assertEqual(answer.status, 200, answer.raw)
        [(group, expected)] = self.groups.asked("put")
        kept = Group(
            name="night",
            title="Night",
            sites=("north",),
            tags=("gate",),
            terminals=("ZXAB1",),
            access=Access(weekzone=2),
            validity=Validity(None, "2026-12-31"),
            continuous=True,
        )
        self.assertEqual((group, expected), (kept, 3))
        self.assertEqual(self.noted()[-1][1:], ("put_group", "", "done"))

    def test_wrong(self) -> None:
        """Every field that is wrong is named."""
        for said, field in (
            ({"sites": [""]}, "sites[0]"),
            ({"terminals": ["a b"]}, "terminals[0]"),
            ({"validity": {"from": "2026-13-01"}}, "validity.from"),
            ({"everywhere": 1}, "everywhere"),
            ({"name": "x"}, "name"),
        ):
            self.assert_problem(self.put("/groups/night", said), 422, field)
        self.assertEqual(self.groups.asked("put"), [])

    def test_refused(self) -> None:
        """What the store refuses is 409 with why."""
        for why, *fields in ((Outdated("group 'night'", 2), "version"), (TooManyGroups(),)):
            self.groups.given["put"] = why
            self.assert_problem(self.put("/groups/night", {}), 409, *fields)
        self.groups.given["remove"] = GroupFills("staff")
        self.assert_problem(self.delete("/api/v1/groups/staff", OPERATOR), 409)

    def test_removed(self) -> None:
        """What is forgotten is noted; what is not there is 404."""
        self.assertEqual(self.delete("/api/v1/groups/staff", OPERATOR).status, 204)
        self.assertEqual(self.noted()[-1][1:], ("delete_group", "", "done"))
        self.assert_problem(self.delete("/api/v1/groups/night", OPERATOR), 404)


class MemberTests(PeopleCase):
    """People in groups."""

    def test_pages(self) -> None:
        """The numbers come in order, and the pages end."""
        numbers = [1, 5, 9]
        self.groups.given["page"] = lambda name, after, limit: [n for n in numbers if n > after][:limit]
        first = self.fetch("/groups/staff/members?limit=2").body
        self.assertEqual(first, {"members": [1, 5], "next": "5"})
        second = self.fetch("/groups/staff/members?limit=2&cursor=5").body
        self.assertEqual(second, {"members": [9], "next": None})
        self.assert_problem(self.fetch("/groups/night/members"), 404)
        self.assert_problem(self.fetch("/groups/staff/members?cursor=x"), 422, "cursor")

    def test_moved(self) -> None:
        """Who comes and goes is counted, and who can't is named."""
        answer = self.post("/api/v1/groups/staff/members", {"add": [7, 8, 9], "remove": [1]})
        self.assertEqual(answer.body, {"added": 2, "removed": 1, "unknown": [8], "full": [9]})
        self.assertEqual(self.groups.asked("change_members"), [("staff", [7, 8, 9], [1])])
        self.assertEqual(self.audit.asked("write")[-1][4], {"group": "staff", "added": 2, "removed": 1})
        self.groups.given["change_members"] = Moved(0, 0, (), ())
        self.assertEqual(self.post("/api/v1/groups/staff/members", {}).status, 200)

    def test_wrong(self) -> None:
        """Numbers that are none, and too many of them, are refused."""
        for said, field in (
            ({"add": [0]}, "add[0]"),
            ({"remove": ["7"]}, "remove[0]"),
            ({"add": [7] * 5001}, "add"),
        ):
            self.assert_problem(self.post("/api/v1/groups/staff/members", said), 422, field)
        self.assert_problem(self.post("/api/v1/groups/night/members", {}), 404)
        self.assertEqual(self.groups.asked("change_members"), [])

    def test_roles(self) -> None:
        """Readers change nothing; tokens that are bound to sites see no group."""
        self.assert_problem(self.put("/groups/night", {}, READER), 403)
        self.assert_problem(self.post("/api/v1/groups/staff/members", {}, READER), 403)
        for path in ("/groups", "/groups/staff", "/groups/staff/members"):
            self.assert_problem(self.get(f"/api/v1{path}", BOUND), 403)
