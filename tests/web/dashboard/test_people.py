"""The pages of people: the directory, and somebody new."""

from __future__ import annotations

import re

from tests.web.dashboard.peopled import HOSTILE, PERSON, PeopleCase, crowd, forms, here, said, somebody
from tests.web.in_memory import BOUND, OPERATOR, READER
from tests.web.people import GROUP, a_group
from tests.web.samples import AT, SN
from tfserver.person import Collision, Validity
from tfserver.web.dashboard.people.directory import PAGE


class DirectoryTests(PeopleCase):
    """All people."""

    def shown(self, path: str) -> list[str]:
        """Whose rows a page has."""
        page = self.look(path)
        links = [each for each in page.all("a") if re.fullmatch(r"/people/\d+", each.given.get("href", ""))]
        return [each.text for each in links]

    def test_row(self) -> None:
        """A row tells name, number, external id, groups, credentials by kind, and until when."""
        one = somebody(0, 1, 50, 51, name="Ines", external_id="HR-7", groups=(GROUP,))
        self.hold(page=[one])
        told = self.look("/people").texts("tr")[1]
        for word in ("Ines", "7", "HR-7", GROUP, "fingerprint ×2", "face ×2", "always"):
            self.assertIn(word, told)
        self.assertNotIn("called otherwise", told)

    def test_validity(self) -> None:
        """Both bounds, either, or none are told."""
        for bounds, words_ in (
            (Validity("2026-01-01", "2026-12-31"), "from 2026-01-01 until 2026-12-31"),
            (Validity("2026-01-01"), "from 2026-01-01"),
            (Validity(None, "2026-12-31"), "until 2026-12-31"),
        ):
            self.hold(page=[somebody(validity=bounds)])
            self.assertIn(words_, self.look("/people").texts("tr")[1].replace("\u2068", ""))

    def test_empty(self) -> None:
        """With nobody, the ways to get people are told and linked, to who may go them."""
        self.hold(page=[], count=0)
        page = self.look("/people", OPERATOR)
        self.assertIn("Nobody is in the directory yet.", said(page))
        (ways,) = page.all("div", **{"class": "empty"})
        self.assertIn("Add a person", ways.text)
        self.assertEqual(len(page.all("a", href="/people/new")), 2)
        self.assertEqual(len(page.all("a", href="/people/imports")), 2)
        reader = self.look("/people", READER)
        self.assertEqual(reader.all("a", href="/people/new"), [])

    def test_nobody_fits(self) -> None:
        """Who finds nobody is told how to look; that nobody is called otherwise is good news."""
        self.hold(find=([], None), many=[])
        self.assertIn("Nobody fits.", said(self.look("/people?search=zzz")))
        self.assertIn("No terminal calls anybody otherwise.", said(self.look("/people?collided=true")))

    def test_search(self) -> None:
        """One field finds how names begin, the number, and the external id; nobody stands there twice."""
        ines, max_ = somebody(name="Ines"), somebody(enrollid=12, name="7 of 9")
        known = {7: ines, 12: max_}
        self.hold(find=([max_, ines], None), many=lambda numbers: [known[n] for n in numbers if n in known])
        self.hold(by_external_id=12)
        self.assertEqual(self.shown("/people?search=7"), ["Ines", "7 of 9"])
        self.assertEqual(self.asked("many")[-1], ([7, 12],))
        self.assertEqual(self.asked("by_external_id")[-1], ("7",))
        self.hold(by_external_id=7)
        self.assertEqual(self.shown("/people?search=7"), ["Ines", "7 of 9"])
        self.assertEqual(self.asked("many")[-1], ([7],))
        self.hold(by_external_id=12)
        self.assertEqual(self.asked("find")[-1], ("7", "", PAGE))
        self.shown("/people?search=+in+")
        self.assertEqual((self.asked("many")[-1], self.asked("find")[-1]), (([12],), ("in", "", PAGE)))

    def test_search_further(self) -> None:
        """On further pages of a search there are only names, and the search stays in links."""
        self.hold(find=(crowd(1, 3), "bmV4dA"))
        page = self.look("/people?search=per&cursor=YWZ0ZXI")
        self.assertEqual(self.asked("by_external_id"), [])
        self.assertEqual(self.asked("find"), [("per", "YWZ0ZXI", PAGE)])
        self.assertEqual([a.given["href"] for a in page.all("a", rel="first")], ["/people?search=per"])
        self.assertEqual(
            [a.given["href"] for a in page.all("a", rel="next")], ["/people?search=per&cursor=bmV4dA"]
        )

    def test_pages(self) -> None:
        """Fifty a page, by number; forward alone, and back to the first."""
        self.hold(page=lambda after, limit, group: crowd(after + 1, min(limit, 60 - after)))
        page = self.look("/people")
        self.assertEqual([a.given["href"] for a in page.all("a", rel="next")], ["/people?cursor=50"])
        self.assertEqual((page.all("a", rel="first"), len(page.texts("tr"))), ([], PAGE + 1))
        last = self.look("/people?cursor=50")
        self.assertEqual(last.all("a", rel="next"), [])
        self.assertEqual([a.given["href"] for a in last.all("a", rel="first")], ["/people"])
        self.assertEqual(self.look("/people?cursor=").all("a", rel="first"), [])

    def test_group(self) -> None:
        """A group alone is chosen by its name, and stays so on the next page and in the file."""
        self.people.groups.given["listing"] = [a_group(), a_group(name="night")]
        self.hold(page=crowd(1, PAGE + 1))
        page = self.look("/people?group=night")
        self.assertEqual(self.asked("page"), [(0, PAGE + 1, "night")])
        self.assertEqual([o.text for o in page.all("option") if "selected" in o.given], ["night"])
        (following,) = page.all("a", rel="next")
        self.assertEqual(following.given["href"], "/people?group=night&cursor=50")
        self.assertEqual(page.texts("a", href="/people/people.csv?group=night"), ["As CSV"])
        self.assertEqual(self.look("/people").texts("a", href="/people/people.csv"), ["As CSV"])

    def test_collided(self) -> None:
        """Those whom a terminal calls otherwise are a list of their own; a badge is on them everywhere."""
        other = somebody(collisions=(Collision(SN, "name", "Ines", "Max", AT),))
        self.hold(collided=[other], page=[other])
        page = self.look("/people?collided=true")
        (link,) = page.all("a", href="/people?collided=true")
        self.assertEqual(link.given["aria-current"], "true")
        self.assertIn("called otherwise", page.texts("tr")[1])
        self.assertIn("called otherwise", self.look("/people").texts("tr")[1])

    def test_one_way_at_a_time(self) -> None:
        """Several ways to find people at once are refused, as the API does; empty ones are none."""
        for query in ("search=a&group=staff", "group=staff&collided=true", "search=a&collided=true"):
            self.look(f"/people?{query}", status=422)
        self.look("/people?search=&group=staff&cursor=")

    def test_bad_places(self) -> None:
        """A place that is none is told on a page."""
        self.hold(find=ValueError("no"))
        for query in ("cursor=abc", "search=a&cursor=abc", "collided=true&cursor=abc", "cursor=1.5"):
            self.look(f"/people?{query}", status=422)

    def test_file(self) -> None:
        """The file is the API's: all people, or those of a group."""
        self.hold(page=[somebody(name="Ines")])
        answer = self.get("/people/people.csv?group=staff", READER)
        self.assertEqual(answer.headers["content-type"], "text/csv; charset=utf-8")
        self.assertIn(b"Ines", answer.raw)
        self.assertEqual(self.asked("page")[0][2], "staff")

    def test_hostile(self) -> None:
        """Names are text, whatever stands in them."""
        self.hold(page=[somebody(name=HOSTILE, external_id=HOSTILE)])
        page = self.look("/people")
        self.assertEqual((page.all("img"), len(page.all("script"))), ([], 1))
        self.assertIn(HOSTILE, page.texts("a", href=PERSON)[0])

    def test_roles(self) -> None:
        """Readers look, operators add; who is bound to sites sees no directory."""
        self.assertEqual(forms(self.look("/people", OPERATOR)), set())
        self.assertEqual(len(self.look("/people", OPERATOR).all("a", href="/people/new")), 1)
        self.assertEqual(self.look("/people", READER).all("a", href="/people/new"), [])
        self.look("/people", BOUND, 403)
        self.look("/people/new", READER, 403)

    def test_many_terminals(self) -> None:
        """Of no row it is asked who has the person: that would be a question for each."""
        self.hold(page=crowd(1, PAGE))
        self.look("/people")
        self.assertEqual(self.people.holdings.calls, [])


class NewTests(PeopleCase):
    """Somebody new."""

    def test_form(self) -> None:
        """The number stands in the path; nobody who is there already is overwritten."""
        page = self.look("/people/new", OPERATOR)
        self.assertEqual(forms(page), {("PUT", "/api/v1/users/{enrollid}")})
        (form,) = page.all("form", id="new")
        self.assertEqual(form.given["data-then"], "/people/{enrollid}")
        (number,) = page.all("input", name="enrollid")
        self.assertEqual(number.given["data-part"], "path")
        (version,) = page.all("input", name="version")
        self.assertEqual((version.given["value"], version.given["data-as"]), ("0", "number"))
        self.assertEqual([each.given["value"] for each in page.all("input", name="groups")], [GROUP])
        self.assertEqual(here(page), ["People", "Directory"])

    def test_no_groups(self) -> None:
        """Without groups there is nothing to choose from."""
        self.people.groups.given["listing"] = []
        self.assertEqual(self.look("/people/new", OPERATOR).all("input", name="groups"), [])
