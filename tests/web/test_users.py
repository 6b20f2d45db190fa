"""The directory of people over HTTP."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from PIL import Image

from tests.web.directory import PeopleCase
from tests.web.in_memory import BOUND, OPERATOR, READER
from tests.web.people import known
from tests.web.samples import AT
from tfserver.person import (
    Access,
    Collision,
    Credential,
    Held,
    HeldPerson,
    Known,
    Made,
    Person,
    Proof,
    Validity,
)
from tfserver.store.people.directory import BeingErased, ExternalIdTaken, NoSuchGroup, NoSuchPerson, Outdated

FIELDS = (
    "enrollid name external_id admin validity access groups note source created changed version credentials "
    "collisions"
)


def jpeg(width: int, height: int) -> str:
    """A picture as base64 text."""
    kept = io.BytesIO()
    Image.new("RGB", (width, height)).save(kept, "JPEG")
    return base64.b64encode(kept.getvalue()).decode()


class ListTests(PeopleCase):
    """Who comes."""

    def test_fields(self) -> None:
        """A person has all its fields, and its credentials without what stands in them."""
        answer = self.fetch("/users")
        self.assertEqual((answer.status, answer.body["next"]), (200, None))
        [found] = answer.body["users"]
        self.assertEqual(set(found), set(FIELDS.split()))
        [credential] = found["credentials"]
        self.assertEqual(set(credential), {"backupnum", "label", "kind", "version", "bytes", "made"})
        self.assertEqual((credential["label"], credential["kind"]), ("card", "card"))
        made = {"sn": "T1", "model": "", "firmware": "", "fpalgo": "", "at": AT}
        self.assertEqual(credential["made"], made)

    def test_pages(self) -> None:
        """Pages by number end with null, and go on behind the last."""
        people = [Known(Person(enrollid=number)) for number in range(1, 6)]

        def page(after: int, limit: int, group: str = "") -> list[Known]:
            """As the directory does it."""
            return [one for one in people if one.person.enrollid > after][:limit]

        self.directory.given.update(page=page, collided=page)
        for query in ("", "&group=staff", "&collided=true"):
            found, cursor = list[int](), ""
            for _ in range(3):
                answer = self.fetch(f"/users?limit=2{query}{cursor}").body
                found += [one["enrollid"] for one in answer["users"]]
                cursor = f"&cursor={answer['next']}"
            self.assertEqual((found, answer["next"]), ([1, 2, 3, 4, 5], None), query)
        self.assertIn((0, 3, "staff"), self.directory.asked("page"))

    def test_by_name(self) -> None:
        """Names are looked for by how they begin, and the place in them is the directory's."""
        self.directory.given["find"] = ([known()], "aW5lcw")
        answer = self.fetch("/users?prefix=ine&limit=1")
        self.assertEqual((len(answer.body["users"]), answer.body["next"]), (1, "aW5lcw"))
        self.fetch("/users?prefix=ine&limit=1&cursor=aW5lcw")
        self.assertEqual(self.directory.asked("find"), [("ine", "", 1), ("ine", "aW5lcw", 1)])

    def test_by_external_id(self) -> None:
        """One external id is one person's or nobody's."""
        self.assertEqual(self.fetch("/users?external_id=P-1").body, {"users": [], "next": None})
        self.directory.given["by_external_id"] = 7
        [found] = self.fetch("/users?external_id=P-1").body["users"]
        self.assertEqual(found["enrollid"], 7)

    def test_wrong(self) -> None:
        """What can't be asked is 422 with the name of the parameter."""
        self.directory.given["find"] = ValueError("no place")
        for query, *fields in (
            ("limit=0", "limit"),
            ("cursor=a", "cursor"),
            ("cursor=*", "cursor"),
            ("cursor=99999999999999999999", "cursor"),
            ("prefix=a&cursor=zz", "cursor"),
            ("collided=false", "collided"),
            ("prefix=a&group=b", "prefix", "group"),
            ("nobody=1", "nobody"),
        ):
            self.assert_problem(self.fetch(f"/users?{query}"), 422, *fields)


class OneTests(PeopleCase):
    """One person."""

    def test_terminals(self) -> None:
        """With the person comes what each terminal has of it, and how far that is proven."""
        clash = Collision("T2", "name", "Ines M", "Bob", AT)
        credentials = (Credential(11, "v1", Made()), Credential(10, "v3", Made()))
        self.directory.given["get"] = Known(known().person, credentials, (clash,))
        there = {
            11: Held(Proof.RECOGNISED, "v1", 5, "2026-04-02"),
            10: Held(Proof.LISTED, "", 5),
            0: Held(Proof.READ, "v2", 5),
        }
        self.people.holdings.given["where"] = [
            ("T1", HeldPerson(True, "Ines M", 0, seen="2026-04-02"), there),
            ("T2", None, {11: Held(Proof.SENT, "v9", 5)}),
        ]
        found = self.fetch("/users/7").body
        self.assertEqual(set(found), {*FIELDS.split(), "terminals"})
        self.assertEqual(
            found["collisions"], [{"sn": "T2", "what": "name", "ours": "Ines M", "theirs": "Bob", "at": AT}]
        )
        first, second = found["terminals"]
        self.assertEqual((first["sn"], first["ours"], first["seen"]), ("T1", True, "2026-04-02"))
        told = [(one["label"], one["proof"], one["same"], one["recognised"]) for one in first["credentials"]]
        expected = [
            ("fingerprint 0", "read", False, None),
            ("password", "listed", None, None),
            ("card", "recognised", True, "2026-04-02"),
        ]
        self.assertEqual(told, expected)
        self.assertEqual((second["name"], second["credentials"][0]["same"]), (None, False))
        self.assertEqual(first["credentials"][0]["at"], "1970-01-01T00:00:00.005Z")

    def test_nobody(self) -> None:
        """Who is not there is 404; what is no number is no path."""
        self.assert_problem(self.fetch("/users/8"), 404)
        for path in ("/users/0", "/users/-7", "/users/seven", "/users/07"):
            self.assertEqual(self.fetch(path).status, 404, path)


class PutTests(PeopleCase):
    """Making and replacing."""

    def test_put(self) -> None:
        """All that is said reaches the directory, and the person comes back as it is then."""
        said = {
            "name": " Ines M ",
            "external_id": "P-0012",
            "admin": 1,
            "validity": {"from": "2026-01-01", "until": "2026-12-31 18:00:00"},
            "access": {"weekzone": 3, "group": 2},
            "groups": ["staff"],
            "note": "x",
            "version": 0,
        }
        answer = self.put("/users/7", said)
        self.assertEqual((answer.status, answer.body["name"]), (200, "Ines M"), answer.raw)
        [(person, expected)] = self.directory.asked("put")
        self.assertEqual(
            person,
            Person(
                enrollid=7,
                name="Ines M",
                external_id="P-0012",
                admin=1,
                validity=Validity("2026-01-01", "2026-12-31 18:00:00"),
                access=Access(weekzone=3, group=2),
                groups=("staff",),
                note="x",
            ),
        )
        self.assertEqual(expected, 0)
        self.assertEqual(self.put("/users/7", {}).status, 200)
        self.assertEqual(self.directory.asked("put")[-1], (Person(enrollid=7), None))

    def test_audited_without_a_name(self) -> None:
        """The audit knows whom it was about, and nothing that would outlive an erasure."""
        self.put("/users/7", {"name": "Ines M", "note": "secret"})
        [told] = self.audit.asked("write")
        self.assertEqual((told[1], told[4]["enrollid"]), ("put_user", 7))
        self.assertNotIn("Ines", str(told))
        self.assertNotIn("secret", str(told))

    def test_wrong(self) -> None:
        """Every field that is wrong is named, and nothing is put."""
        for said, *fields in (
            ({"name": "x" * 65}, "name"),
            ({"name": "张" * 22}, "name"),
            ({"name": "a\nb"}, "name"),
            ({"external_id": " P"}, "external_id"),
            ({"external_id": "P\n"}, "external_id"),
            ({"external_id": ""}, "external_id"),
            ({"admin": 3}, "admin"),
            ({"groups": ["a b", "ok", "day\n"]}, "groups[0]", "groups[2]"),
            ({"groups": ["g"] * 21}, "groups"),
            ({"note": "x" * 1001}, "note"),
            ({"version": -1}, "version"),
            ({"validity": {"until": "soon"}}, "validity.until"),
            ({"validity": {"from": "2026-02-30"}}, "validity.from"),
            ({"validity": {"until": "2026-02-01 24:00:00"}}, "validity.until"),
            ({"validity": {"until": "2026-02-01\n"}}, "validity.until"),
            ({"validity": {"from": "2026-02-02", "until": "2026-02-01"}}, "validity.until"),
            ({"validity": {"from": "2026-02-02 08:00:00", "until": "2026-02-02 07:59:59"}}, "validity.until"),
            ({"access": {"weekzone": 256}}, "access.weekzone"),
            ({"nam": "x"}, "nam"),
            ({"73915284": "x"}, "body"),
            ({"c51b" * 200: "x"}, "body"),
            ({"name": "a\nb", "validity": {"from": "never"}}, "validity.from"),
        ):
            self.assert_problem(self.put("/users/7", said), 422, *fields)
        self.assert_problem(self.put("/users/99999999", {}), 422, "enrollid")
        self.assertEqual(self.directory.asked("put"), [])

    def test_words(self) -> None:
        """What is expected of a time or a group is said in words, not as a pattern; no secret is repeated."""
        for said, words in (
            ({"validity": {"until": "soon"}}, "as in 2026-04-01 08:00:00"),
            ({"73915284": "x"}, "whose name is no name"),
        ):
            told = self.put("/users/7", said).raw.decode()
            self.assertIn(words, told)
            for hidden in ("regex", "73915284"):
                self.assertNotIn(hidden, told)

    def test_one_day(self) -> None:
        """A person may be valid on one day alone."""
        day = {"from": "2026-02-02", "until": "2026-02-02"}
        self.assertEqual(self.put("/users/7", {"validity": day}).status, 200)

    def test_refused(self) -> None:
        """What the directory refuses is said in its words, with the field it is about."""
        for why, status, *fields in (
            (ExternalIdTaken(8), 409, "external_id"),
            (Outdated("person 7", 3), 409, "version"),
            (BeingErased(7), 409),
            (NoSuchGroup("night"), 422, "groups"),
        ):
            self.directory.given["put"] = why
            answer = self.put("/users/7", {})
            self.assert_problem(answer, status, *fields)
            self.assertIn(str(why), answer.body["detail"])

    def test_removed(self) -> None:
        """Who is taken out is noted; who is not there is 404."""
        self.assertEqual(self.delete("/api/v1/users/7", OPERATOR).status, 204)
        self.assertEqual(self.noted()[-1][1:], ("delete_user", "", "done"))
        self.assert_problem(self.delete("/api/v1/users/8", OPERATOR), 404)


class CredentialTests(PeopleCase):
    """Credentials of a person."""

    def sent(self, backupnum: int, record: Any, **more: str) -> tuple[Any, ...]:
        """What reaches the directory of one that is put."""
        answer = self.put(f"/users/7/credentials/{backupnum}", {"record": record, **more})
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertNotIn("record", answer.body)
        last: tuple[Any, ...] = self.directory.asked("put_credential")[-1]
        return last

    def test_put(self) -> None:
        """A credential reaches the directory as terminals say it: numbers without zeros before them, photos
        without a prefix, templates untouched."""
        now = Made(at="1970-01-01T00:00:00.000Z")
        self.assertEqual(self.sent(10, 4815), (7, 10, "4815", now))
        self.assertEqual(self.sent(11, "0012345678"), (7, 11, "12345678", now))
        photo = jpeg(480, 640)
        self.assertEqual(self.sent(50, f"data:image/jpeg;base64,{photo}")[2], photo)
        template = self.sent(0, " c51b(12)07", fpalgo="thbio3.0", model="AiFace")
        self.assertEqual(template[2], " c51b(12)07")
        self.assertEqual((template[3].fpalgo, template[3].model, template[3].sn), ("thbio3.0", "AiFace", ""))

    def test_wrong(self) -> None:
        """What no terminal takes is refused with the field, and without what was sent."""
        for backupnum, said, field in (
            (10, {"record": "0815"}, "record"),
            (10, {"record": 123456789}, "record"),
            (11, {"record": 0}, "record"),
            (11, {"record": 2**32}, "record"),
            (50, {"record": "AAAA"}, "record"),
            (50, {"record": jpeg(100, 100)}, "record"),
            (0, {"record": "x" * 1620}, "record"),
            (0, {"record": ""}, "record"),
            (0, {"record": "täte"}, "record"),
            (10, {"record": True}, "record"),
            (10, {}, "record"),
            (12, {"record": "1"}, "backupnum"),
            (99, {"record": "1"}, "backupnum"),
            (0, {"record": "x", "fpalgo": "a\n"}, "fpalgo"),
        ):
            answer = self.put(f"/users/7/credentials/{backupnum}", said)
            self.assert_problem(answer, 422, field)
            self.assertNotIn("0815", answer.raw.decode())
        self.assertEqual(self.directory.asked("put_credential"), [])

    def test_never_told(self) -> None:
        """Neither the answer nor the audit has what stands in a credential."""
        answer = self.put("/users/7/credentials/10", {"record": "48151623"})
        self.assertNotIn(b"48151623", answer.raw)
        self.assertNotIn("48151623", json.dumps([list(args) for args in self.audit.asked("write")]))

    def test_large(self) -> None:
        """A template or a photo may be longer than other bodies, up to a bound."""
        self.sent(20, "x" * 200_000)
        answer = self.put("/users/7/credentials/20", {"record": "x" * 600_000})
        self.assert_problem(answer, 413)

    def test_refused(self) -> None:
        """Without the person it is 404; of one that is being erased 409."""
        for why, status in ((NoSuchPerson(7), 404), (BeingErased(7), 409)):
            self.directory.given["put_credential"] = why
            self.assert_problem(self.put("/users/7/credentials/10", {"record": 4815}), status)

    def test_removed(self) -> None:
        """What is taken away is noted; what is not there is 404, and what is no slot 422."""
        path = "/api/v1/users/7/credentials/10"
        self.assertEqual(self.delete(path, OPERATOR).status, 204)
        self.assertEqual(self.audit.asked("write")[-1][4], {"enrollid": 7, "backupnum": 10})
        self.directory.given["remove_credential"] = False
        self.assert_problem(self.delete(path, OPERATOR), 404)
        self.assert_problem(self.delete("/api/v1/users/7/credentials/13", OPERATOR), 422, "backupnum")


class AdoptTests(PeopleCase):
    """A terminal is right."""

    def test_adopted(self) -> None:
        """The person comes back as it is then, and it is noted which terminal that was."""
        answer = self.post("/api/v1/users/7/adopt", {"sn": "ZXAB1"})
        self.assertEqual((answer.status, answer.body["enrollid"]), (200, 7))
        self.assertEqual(self.directory.asked("adopt"), [(7, "ZXAB1")])
        self.assertEqual(self.noted()[-1][1:], ("adopt_user", "ZXAB1", "done"))

    def test_refused(self) -> None:
        """A terminal that told nothing is 404; a person that is being erased 409; what is no number 422."""
        self.directory.given["adopt"] = False
        self.assert_problem(self.post("/api/v1/users/7/adopt", {"sn": "ZXAB1"}), 404)
        self.directory.given["adopt"] = BeingErased(7)
        self.assert_problem(self.post("/api/v1/users/7/adopt", {"sn": "ZXAB1"}), 409)
        self.assert_problem(self.post("/api/v1/users/7/adopt", {"sn": "a b"}), 422, "sn")


class ReachTests(PeopleCase):
    """Who may."""

    def test_roles(self) -> None:
        """Readers change nothing; tokens that are bound to sites see nobody."""
        self.assert_problem(self.put("/users/7", {}, READER), 403)
        self.assert_problem(self.put("/users/7/credentials/10", {"record": 1}, READER), 403)
        for path in ("/users", "/users/7"):
            self.assert_problem(self.get(f"/api/v1{path}", BOUND), 403)
            self.assert_problem(self.get(f"/api/v1{path}", None), 401)
