"""``/photos/check`` and ``/users/{enrollid}/photo``: what is wrong with one, and giving it to a person."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image
from twisted.internet.defer import Deferred, succeed

from tests.commands.pictures import base64_of, picture
from tests.web.in_memory import OPERATOR, READER, Answer, PagesCase, encoded
from tfserver.commands.photos import look_at
from tfserver.people.darkroom import MOST_WAITING, Darkroom
from tfserver.store.people.directory import NoSuchPerson
from tfserver.web.api.photos import MOST_BYTES
from tfserver.web.routes import ROUTES
from tfserver.web.site import Pages
from tfserver.web.tables.photos import PHOTOS

CHECK = "/api/v1/photos/check"
PUT = "/api/v1/users/7/photo"
MOST = 150_000


def face(width: int = 480, height: int = 640, **options: Any) -> bytes:
    """Something to see: light and dark stripes; ``noise`` makes it large."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    if options.pop("noise", 0):
        image = Image.blend(image, Image.effect_noise((width, height), 200).convert("RGB"), 0.6)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, **options)
    return file.getvalue()


def at_once(function: Any, *args: Any) -> Deferred[Any]:
    """As a thread that has time at once."""
    return succeed(function(*args))


class PhotoTests(PagesCase):
    """Over a directory that takes everything."""

    def setUp(self) -> None:
        """Somebody who looks at photos at once."""
        super().setUp()
        self.people.photos = Darkroom(at_once)  # type: ignore[assignment]
        known = {(route.method, route.path) for route in ROUTES}
        more = [route for route in PHOTOS if (route.method, route.path) not in known]
        self.pages = Pages(self.clock, self.sources(), self.web, self.limits, [*ROUTES, *more])
        self.site = self.pages.site()
        self.site.most_body_bytes = MOST_BYTES

    def put(self, body: Any, path: str = PUT, token: str = OPERATOR) -> Answer:
        """A PUT of a picture."""
        return self.ask("PUT", path, encoded(body), token, Content_Type="image/jpeg")

    def check(self, body: Any, query: str = "", token: str = OPERATOR) -> Answer:
        """A photo is looked at."""
        kind = "image/jpeg" if isinstance(body, bytes) else "application/json"
        return self.post(CHECK + query, body, token, Content_Type=kind)

    def kept(self) -> list[tuple[int, int, bytes]]:
        """What was given to the directory."""
        return [
            (who, slot, base64.b64decode(record))
            for who, slot, record, _ in self.people.directory.asked("put_credential")
        ]

    def test_good(self) -> None:
        """A photo that fits is said to, as a picture and as text; it is not kept."""
        good = face()
        for body in (
            good,
            {"record": base64_of(good)},
            {"record": "data:image/jpeg;base64," + base64_of(good)},
        ):
            answer = self.check(body)
            expected = {"fits": True, "width": 480, "height": 640, "bytes": len(good), "problems": []}
            self.assertEqual((answer.status, answer.body), (200, {**expected, "mended": None}), answer.raw)
        self.assertEqual(self.kept(), [])

    def test_faults(self) -> None:
        """Everything that is wrong is told in a word and in words."""
        for body, *faults in (
            (face(1000, 2000), "pixels"),
            (face(1000, 2000, noise=1), "bytes", "pixels"),
            (face(exif=turned(6)), "turned"),
            (picture(tone=120), "flat"),
            (b"\xff\xd8 no picture", "unreadable"),
            (face()[:3000], "unreadable"),
            (picture(kind="PNG"), "unreadable"),
        ):
            answer = self.check(body)
            self.assertEqual([one["what"] for one in answer.body["problems"]], faults)
            self.assertFalse(answer.body["fits"])
            self.assertTrue(all("expected" in one["message"] for one in answer.body["problems"]))

    def test_no_picture(self) -> None:
        """A body that is no picture and no object with one names its field."""
        for body in ({}, {"record": 5}, {"record": "not base64!"}):
            self.assert_problem(self.check(body), 422, "record")
        self.assert_problem(self.check({"record": "", "more": 1}), 422, "more")
        self.assert_problem(self.post(CHECK, face(), Content_Type="image/png"), 415)

    def test_no_json(self) -> None:
        """What is said to be JSON and is none is refused, and not looked at as a picture."""
        for body in (b"\x00", face()):
            self.assert_problem(self.post(CHECK, body, OPERATOR, Content_Type="application/json"), 400)
        self.assertEqual(self.check(b"\x00").body["problems"][0]["what"], "unreadable")

    def test_mended(self) -> None:
        """It is told what it would be when mended, without the picture itself."""
        answer = self.check(face(1200, 1600, noise=1, exif=turned(1)), "?mend=true")
        self.assertEqual([one["what"] for one in answer.body["problems"]], ["bytes", "pixels"])
        mended = answer.body["mended"]
        self.assertEqual((mended["fits"], mended["width"], mended["height"]), (True, 480, 640))
        self.assertEqual(set(mended), {"fits", "width", "height", "bytes", "problems"})
        hopeless = self.check(b"\xff\xd8 no picture", "?mend=true")
        self.assertIsNone(hopeless.body["mended"])

    def test_put(self) -> None:
        """A photo that fits is given to the person, as it came."""
        good = face()
        answer = self.put(good)
        self.assertEqual(answer.status, 200, answer.raw)
        self.assertEqual(self.kept(), [(7, 50, good)])
        self.assertNotIn(base64_of(good)[40:80], answer.raw.decode("latin-1"))
        self.assertEqual(self.noted(), [("token o", "put_photo", "", "done")])

    def test_put_refused(self) -> None:
        """One that does not is refused with all that is wrong, and nothing is kept."""
        answer = self.put(face(1000, 2000, noise=1))
        self.assert_problem(answer, 422, "record", "record")
        self.assert_problem(self.put(b"no picture"), 422, "record")
        self.assertEqual(self.kept(), [])

    def test_put_mended(self) -> None:
        """With ``mend`` it is turned, made smaller and given without what stood beside it."""
        large = face(1200, 900, noise=1, exif=turned(6), comment=b"at home")
        answer = self.put(large, f"{PUT}?mend=true")
        self.assertEqual(answer.status, 200, answer.raw)
        [(_, _, jpeg)] = self.kept()
        self.assertEqual(look_at(jpeg, MOST)[:2], (480, 640))
        self.assertEqual(look_at(jpeg, MOST).faults, ())
        self.assertNotIn(b"at home", jpeg)
        self.assertNotIn(b"Exif", jpeg)

    def test_put_hopeless(self) -> None:
        """What no mending helps is told as it is after it."""
        answer = self.put(picture(1600, 1600, tone=120), f"{PUT}?mend=true")
        self.assert_problem(answer, 422, "record")
        self.assertIn("one tone", answer.body["errors"][0]["message"])

    def test_nobody(self) -> None:
        """Nobody has this number, or nobody can; readers give no photos."""
        self.people.directory.given["put_credential"] = NoSuchPerson(7)
        self.assert_problem(self.put(face()), 404)
        self.assert_problem(self.put(face(), "/api/v1/users/99999999/photo"), 422, "enrollid")
        self.assert_problem(self.put(face(), token=READER), 403)
        self.assert_problem(self.check(face(), token=READER), 403)

    def test_crowded(self) -> None:
        """One photo after the other, and only so many wait."""
        looked: list[Deferred[Any]] = []

        def later(function: Any, *args: Any) -> Deferred[Any]:
            looked.append(Deferred().addCallback(lambda _: function(*args)))
            return looked[-1]

        self.people.photos = Darkroom(later)  # type: ignore[assignment]
        asking = [
            self.begin("POST", CHECK, face(), OPERATOR, Content_Type="image/jpeg")
            for _ in range(MOST_WAITING + 2)
        ]
        self.assertEqual(len(looked), 1)
        self.assert_problem(asking[-1].answer(), 429)
        while looked:
            looked.pop().callback(None)
        self.assertEqual([one.answer().status for one in asking[:-1]], [200] * (MOST_WAITING + 1))


def turned(orientation: int) -> Any:
    """EXIF that says which way is up."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif
