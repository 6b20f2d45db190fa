"""The page of one person."""

from __future__ import annotations

from typing import Any

from tests.web.dashboard.html import Page
from tests.web.dashboard.looking import LookingCase
from tests.web.dashboard.peopled import API, CHANGES, HOSTILE, PERSON, PeopleCase, forms, here, said, somebody
from tests.web.in_memory import ADMIN, BOUND, OPERATOR, READER
from tests.web.people import GROUP
from tests.web.samples import AT, SN
from tfserver.credentials import TABLE, Kind, label_of
from tfserver.model import Terminal
from tfserver.person import UNSURE, Access, Collision, Held, HeldPerson, Proof, Validity
from tfserver.web.dashboard.people import words


class PersonTests(PeopleCase):
    """One person."""

    def test_facts(self) -> None:
        """What the directory has of somebody, and where it came from by the terminal's name."""
        self.with_terminals(Terminal(SN, name="Front gate"))
        page = self.show(somebody(0, name="Ines", external_id="HR-7", note="left-handed", admin=1, source=SN))
        for word in ("Ines", "HR-7", "left-handed", "administrator", "Front gate", "fingerprint 1"):
            self.assertIn(word, said(page))
        self.assertEqual(here(page), ["People", "Directory"])
        self.assertEqual(len(page.all("a", href="/people/enrolments?person=7")), 1)

    def test_nobody(self) -> None:
        """A number that nobody has is a page that says so."""
        self.look("/people/8", READER, 404)

    def test_change_is_whole(self) -> None:
        """The form says all that a person is, so that nothing is lost, and which version it replaces."""
        access, validity = Access(weekzone=3, group=9), Validity("2026-01-01", "2026-12-31 18:00:00")
        more: dict[str, Any] = {"note": "n", "external_id": "HR-7", "admin": 2, "version": 5}
        more["groups"] = (GROUP, "gone")
        page = self.show(somebody(access=access, validity=validity, **more))
        values = {
            each.given["name"]: each.given.get("value") for each in page.all("input") if "name" in each.given
        }
        wanted = {"name": "Ines M", "external_id": "HR-7", "version": "5", "access.weekzone": "3"}
        wanted.update({"access.group": "9", "access.weekzone2": "0", "validity.from": "2026-01-01"})
        wanted.update({"validity.until": "2026-12-31 18:00:00"})
        self.assertEqual({name: values[name] for name in wanted}, wanted)
        checked = [
            each.given["value"] for each in page.all("input", name="groups") if "checked" in each.given
        ]
        self.assertEqual(checked, [GROUP, "gone"])
        self.assertEqual([o.given["value"] for o in page.all("option") if "selected" in o.given], ["2"])
        self.assertEqual(page.texts("textarea"), ["n"])

    def test_access_of_groups(self) -> None:
        """Without times of its own the fields are empty, so that those of the groups stay."""
        page = self.show(somebody())
        fields = [each for each in page.all("input") if each.given.get("name", "").startswith("access.")]
        self.assertEqual([each.given["value"] for each in fields], [""] * 5)
        self.assertEqual([each for each in fields if "data-empty" in each.given], [])

    def test_groups_that_went(self) -> None:
        """Groups of the person stay chosen where there are no groups any more."""
        self.people.groups.given["listing"] = []
        page = self.show(somebody(groups=("gone",)))
        self.assertEqual([each.given["value"] for each in page.all("input", name="groups")], ["gone"])

    def test_roles(self) -> None:
        """Readers look; operators change; administrators also see what is kept, and erase."""
        self.assertEqual(forms(self.show(somebody(0), READER)), set())
        operator = self.show(somebody(0), OPERATOR)
        self.assertEqual((forms(operator), operator.all("a", href=f"{API}/data")), (CHANGES, []))
        admin = self.show(somebody(0), ADMIN)
        self.assertEqual(forms(admin), {*CHANGES, ("POST", "/api/v1/erasures")})
        self.assertEqual(len(admin.all("a", href=f"{API}/data")), 1)
        self.assertEqual(self.show(somebody(0), READER).all("form", id="photo"), [])
        self.look(PERSON, BOUND, 403)

    def test_erase(self) -> None:
        """Erasing asks first, wants the number again, looks dangerous, and leads to the report."""
        page = self.show(somebody(), ADMIN)
        (form,) = page.all("form", id="erase")
        self.assertEqual(form.given["data-then"], "/people/erasures/{id}")
        self.assertIn("can't be undone", form.given["data-confirm"])
        (confirm,) = page.all("input", name="confirm")
        self.assertEqual((confirm.given["pattern"], "required" in confirm.given), ("7", True))
        self.assertEqual(page.texts("button", **{"class": "danger main"}), ["Erase"])

    def test_taking_away(self) -> None:
        """Whatever is taken away asks first, and says that terminals keep what they have."""
        page = self.show(somebody(0))
        taking = page.all("form", data_method="DELETE", data_path=f"{API}/credentials/0")
        for form in (*taking, *page.all("form", data_method="DELETE", data_path=API)):
            self.assertIn("until a plan is carried out", form.given["data-confirm"])
        self.assertEqual(len(taking), 1)

    def test_hostile(self) -> None:
        """Names are text, in questions and on terminals too."""
        collisions = (Collision(SN, "name", HOSTILE, HOSTILE, AT),)
        self.with_terminals(Terminal(SN, name=HOSTILE))
        self.people.holdings.given["where"] = [(SN, HeldPerson(False, HOSTILE), {})]
        page = self.show(somebody(name=HOSTILE, note=HOSTILE, external_id=HOSTILE, collisions=collisions))
        self.assertEqual((page.all("img"), len(page.all("script"))), ([], 2))
        (leave,) = page.all("form", data_method="DELETE", data_path=API)
        self.assertIn(HOSTILE, leave.given["data-confirm"])

    def test_nothing_opened(self) -> None:
        """What stands in a credential is never asked for."""
        self.show(somebody(0, 10, 11, 50), ADMIN)
        self.assertEqual(self.asked("record"), [])


class CollisionTests(PeopleCase):
    """Terminals that tell something else."""

    def told(self, *collisions: Collision, token: str = OPERATOR) -> Page:
        """The page of a person of whom that is told."""
        self.with_terminals(Terminal(SN, name="Front gate"))
        return self.show(somebody(0, collisions=collisions), token)

    def test_name(self) -> None:
        """Both names stand there, with the terminal's."""
        page = self.told(Collision(SN, "name", "Ines M", "Max", AT))
        (told,) = page.texts("div", id="otherwise")
        for word in ("Front gate", "Max", "Ines M"):
            self.assertIn(word, told)

    def test_credential(self) -> None:
        """A slot is called as in the list beside it, where people count from one."""
        page = self.told(Collision(SN, "fingerprint 0", "", "", AT))
        self.assertIn("another credential: fingerprint 1", page.texts("div", id="otherwise")[0])
        self.assertIn("fingerprint 1", page.texts("tr", id="credential-0")[0])
        odd = self.told(Collision(SN, "something new", "", "", AT))
        self.assertIn("something new", odd.texts("div", id="otherwise")[0])

    def test_adopt(self) -> None:
        """The terminal can be right; what is dropped is told first, and the page begins anew afterwards."""
        collisions = (Collision(SN, "name", "Ines M", "Max", AT),)
        (form,) = self.told(*collisions).all("form", data_path=f"{API}/adopt")
        self.assertIn("credentials that this terminal lacks are dropped", form.given["data-confirm"])
        # the form below would replace the version before
        self.assertEqual(form.given["data-then"], "/people/{enrollid}")
        self.assertEqual(self.told(*collisions, token=READER).all("form", data_path=f"{API}/adopt"), [])

    def test_none(self) -> None:
        """Where all agree nothing is said."""
        self.assertEqual(self.told().texts("div", id="otherwise"), [""])


class ThereTests(PeopleCase):
    """What terminals have of a person."""

    def rows(self, path: str = PERSON) -> list[str]:
        """A row for each terminal."""
        (table,) = self.look(path).texts("section", id="there")
        return [row for row in self.look(path).texts("tr") if row in table and "T0" in row]

    def test_proofs(self) -> None:
        """How far each credential is proven stands there in words; what is another is marked."""
        held = {slot: Held(proof, "v0", 5) for slot, proof in enumerate(Proof)}
        self.people.holdings.given["where"] = [("T001", HeldPerson(True, "Ines M", seen="2026-04-01"), held)]
        self.hold(get=somebody(*range(len(Proof))))
        (row,) = self.rows()
        for proof in Proof:
            self.assertIn(words.PROOFS[proof.value], row)
        # only the first has the version of the directory
        self.assertEqual(row.count("another than here"), len(Proof) - 1)
        self.assertIn("2026-04-01", row)

    def test_not_known(self) -> None:
        """Of what nobody read it is not said that it is another."""
        slots = {0: Held(Proof.LISTED, "", 5), 1: Held(Proof.SENT, UNSURE, 5)}
        self.people.holdings.given["where"] = [("T001", None, slots)]
        self.hold(get=somebody(0, 1))
        (row,) = self.rows()
        self.assertNotIn("another than here", row)
        self.assertIn("not read", row)
        self.assertIn("entered at the terminal", row)

    def test_what_matters_first(self) -> None:
        """Fifty terminals a page, first those where something is not proven; one behind the last is it."""
        fine, weak = {0: Held(Proof.READ, "v0", 5)}, {0: Held(Proof.SENT, "v0", 5)}
        where = [(f"T{n:03}", HeldPerson(True, "I"), weak if n == 59 else fine) for n in range(60)]
        self.people.holdings.given["where"] = where
        self.hold(get=somebody(0))
        rows = self.rows()
        self.assertEqual((len(rows), rows[0][:4]), (50, "T059"))
        self.assertEqual(len(self.rows(f"{PERSON}?page=99")), 10)
        page = self.look(PERSON)
        self.assertEqual([a.given["href"] for a in page.all("a", rel="next")], [f"{PERSON}?page=2"])
        self.assertIn("60 terminals have this person.", said(page))

    def test_nowhere(self) -> None:
        """Where no terminal has it, it is told how it gets there."""
        self.assertIn("No terminal is known to have this person.", said(self.show(somebody())))


class WordsTests(LookingCase):
    """Words of the API."""

    def test_whole(self) -> None:
        """Each kind, slot and proof has a word, and each label of a slot is known."""
        self.assertEqual(set(words.PROOFS), {proof.value for proof in Proof})
        self.assertEqual(set(words.PROVEN), set(words.PROOFS))
        self.assertEqual(set(words.SLOTS), {slots.label for slots in TABLE})
        self.assertEqual(set(words.KINDS), {kind.value for kind in Kind})
        self.assertEqual(words.NUMBERS[label_of(27)], 27)
        self.assertEqual(words.slot(99), (words.UNKNOWN, 99))
