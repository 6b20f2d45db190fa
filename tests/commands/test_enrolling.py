"""``setuserinfo`` and ``adduser``: what each slot takes, and what goes out (protocol §2.2, §5.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import ordered, problems, said, wrong_fields
from tests.commands.pictures import base64_of, picture
from tfserver.wire.message import Profile
from tfserver.wire.ordering import decode, restored

ALLOWED = Profile(allow=frozenset({"setuserinfo"}))
TEMPLATE = "c51b(12)07aa93e4" * 70


class RecordCase(SynchronousTestCase):
    """Tests that put a credential on a terminal."""

    def sent(self, backupnum: int, record: Any) -> Any:
        """The record as it goes out."""
        return said("setuserinfo", enrollid=7, backupnum=backupnum, record=record)["record"]

    def refused(self, backupnum: int, *records: Any) -> None:
        """None of these is taken, and none is told again."""
        for record in records:
            wrong = problems("setuserinfo", enrollid=7, backupnum=backupnum, record=record)
            self.assertEqual([field for field, _ in wrong], ["record"], record)
            if len(str(record)) > 1:
                self.assertNotIn(str(record), wrong[0][1])


class NumberTests(RecordCase):
    """Passwords and cards."""

    def test_passwords(self) -> None:
        """A password goes out as a number, however it was given."""
        for record in (507311, "507311"):
            self.assertEqual(self.sent(10, record), 507311)
            self.assertIs(type(self.sent(10, record)), int)
        self.assertEqual(self.sent(10, "99999999"), 99_999_999)
        self.assertEqual(self.sent(10, 7), 7)

    def test_wrong_passwords(self) -> None:
        """Leading zeros would be lost, nine digits are too many, and nothing else is a password."""
        self.refused(10, "007311", "0", 0, 100_000_000, "123456789", -5, "", "secret", "12 34", "٣٣٣", "1e3")
        self.refused(10, 1.5, True, None, [1], {"a": 1})

    def test_cards(self) -> None:
        """A card is a number of 32 bits; the zeros printed before it mean nothing."""
        self.assertEqual(self.sent(11, "0003120457"), 3_120_457)
        self.assertEqual(self.sent(11, 4_294_967_295), 4_294_967_295)
        self.refused(11, 4_294_967_296, "4294967296", 0, "0", -1, "", "my card", "0x10", "9" * 5000)


class TextTests(RecordCase):
    """Templates and photos."""

    def test_templates(self) -> None:
        """A template goes back byte for byte."""
        for backupnum in (0, 9, 20, 27, 30, 37, 40, 41, 51):
            self.assertEqual(self.sent(backupnum, TEMPLATE), TEMPLATE)
        # text that looks like a number stays text
        self.assertEqual(self.sent(0, "12345"), "12345")

    def test_long_templates(self) -> None:
        """Fingerprints are shorter than 1620 characters, other templates may be long."""
        self.assertEqual(len(self.sent(0, "a" * 1619)), 1619)
        self.refused(0, "a" * 1620)
        self.assertEqual(len(self.sent(20, "a" * 200_000)), 200_000)
        self.refused(20, "a" * 200_001)

    def test_wrong_templates(self) -> None:
        """What is no ASCII was never made by a terminal."""
        self.refused(0, "", "ü", "张", "a\nb", "a\x00")
        self.refused(30, "", "ü")

    def test_photos(self) -> None:
        """A photo loses the prefix that browsers put before it."""
        text = base64_of(picture())
        for record in (text, f"data:image/jpeg;base64,{text}", f" {text}\n"):
            self.assertEqual(self.sent(50, record), text)
        self.refused(50, "hello", 5, base64_of(picture(100, 100)), base64_of(picture(kind="PNG")))

    def test_photo_limit_of_the_model(self) -> None:
        """How large a photo may be is the model's affair."""
        raw = picture()
        given = {"enrollid": 7, "backupnum": 50, "record": base64_of(raw)}
        self.assertEqual(decode("setuserinfo", given, Profile(most_photo_bytes=len(raw)))[1], [])
        wrong = decode("setuserinfo", given, Profile(most_photo_bytes=len(raw) - 1))[1]
        self.assertEqual([field for field, _ in wrong], ["record"])


class UserTests(SynchronousTestCase):
    """The fields beside the record."""

    def test_left_out(self) -> None:
        """What was not given is not sent."""
        self.assertEqual(
            said("setuserinfo", enrollid=7, backupnum=11, record=5),
            {"enrollid": 7, "backupnum": 11, "record": 5},
        )

    def test_all_wrong_at_once(self) -> None:
        """Everything that is wrong is told at once, types first."""
        self.assertEqual(
            wrong_fields("setuserinfo", enrollid=0, name=5, admin=3),
            ["enrollid", "name", "admin", "backupnum", "record"],
        )
        given = {"enrollid": 99_999_999, "name": "x\n", "backupnum": 10, "record": "x"}
        self.assertEqual(wrong_fields("setuserinfo", **given), ["enrollid", "name", "record"])

    def test_undefined_slot(self) -> None:
        """Where the slot is wrong, nothing can be said of the record."""
        for backupnum in (12, 13, 19, 28, 42):
            self.assertEqual(
                wrong_fields("setuserinfo", enrollid=7, backupnum=backupnum, record=5), ["backupnum"]
            )

    def test_sealed(self) -> None:
        """A record waits sealed, and what is made of it again says the same."""
        for backupnum, record in ((10, 507311), (11, "312"), (0, TEMPLATE), (50, base64_of(picture()))):
            order = ordered("setuserinfo", enrollid=7, backupnum=backupnum, record=record)
            self.assertEqual(order.secrets(), {"record": str(record)})
            again = restored("setuserinfo", {**order.fields(), **order.secrets()})
            self.assertEqual(again.said(""), order.said(""))


class ExtraTests(SynchronousTestCase):
    """What only newer models take beside a credential."""

    usual: ClassVar[dict[str, Any]] = {"enrollid": 7, "backupnum": 10, "record": 507311}
    extras: ClassVar[dict[str, Any]] = {
        "verifymode": 8,
        "card": "0003120457",
        "pwd": "4711",
        "enable": 1,
        "shiftid": 2,
        "zoneid": 3,
        "groupid": 4,
        "birthday": "02-29",
        "department": "张",
        "aliasid": "0017",
        "starttime": "2026-01-01 00:00:00",
        "endtime": "2099-12-31 23:59:00",
    }

    def wrong(self, profile: Profile, **more: Any) -> list[str]:
        """What is wrong with an order that is right without these."""
        return [field for field, _ in decode("setuserinfo", {**self.usual, **more}, profile)[1]]

    def test_not_allowed(self) -> None:
        """Where the profile does not allow them each is refused, with what to do."""
        for name, value in self.extras.items():
            self.assertEqual(self.wrong(Profile(allow=frozenset({"adduser"})), **{name: value}), [name])
        self.assertEqual(self.wrong(Profile()), [])
        [(_, told)] = problems("setuserinfo", **self.usual, enable=1)
        self.assertIn("profiles.<name>.allow", told)

    def test_said(self) -> None:
        """Where it does they go out, numbers as numbers."""
        command, wrong = decode("setuserinfo", {**self.usual, **self.extras}, ALLOWED)
        assert command is not None, wrong
        told = {**self.usual, **self.extras, "card": 3_120_457, "pwd": 4711}
        self.assertEqual(command.said(""), told)

    def test_sealed(self) -> None:
        """A card and a password wait sealed, and are shown to nobody."""
        command, _ = decode("setuserinfo", {**self.usual, **self.extras}, ALLOWED)
        assert command is not None
        self.assertEqual(command.secrets(), {"record": "507311", "card": "0003120457", "pwd": "4711"})
        again = restored("setuserinfo", {**command.fields(), **command.secrets()})
        self.assertEqual(again.said(""), command.said(""))
        for secret in ("507311", "3120457", "4711"):
            self.assertNotIn(secret, str(command.shown()))

    def test_wrong(self) -> None:
        """What no terminal takes in them is refused field by field."""
        for name, *values in (
            *(("card", 0, "x", 2**32, -1), ("pwd", "007", 10**8, "x"), ("enable", 2, "1")),
            *((name, -1, 256, "1") for name in ("verifymode", "shiftid", "zoneid", "groupid")),
            *(("birthday", "02-30", "2000-01-01", ""), ("department", "x\n", "张" * 22), ("aliasid", "\t")),
            *((name, "2026-02-30 00:00:00", "2026-01-01") for name in ("starttime", "endtime")),
        ):
            for value in values:
                self.assertEqual(self.wrong(ALLOWED, **{name: value}), [name], value)


class AddUserTests(SynchronousTestCase):
    """``adduser``."""

    def test_password(self) -> None:
        """A password goes out as a number and waits sealed."""
        order = ordered("adduser", enrollid=9, backupnum=10, flag=2, password="507311")
        self.assertEqual(order.said("")["password"], 507311)
        self.assertEqual(order.secrets(), {"password": "507311"})
        for wrong in ("007", "", 0, 10**8, "x"):
            fields = wrong_fields("adduser", enrollid=9, backupnum=10, password=wrong)
            self.assertEqual(fields, ["password"], wrong)

    def test_cancel(self) -> None:
        """An enrolment can be stopped."""
        found = said("adduser", enrollid=9, backupnum=50, cancel=True)
        self.assertEqual(found, {"enrollid": 9, "backupnum": 50, "cancel": True})

    def test_subject(self) -> None:
        """It is in order with what else is done about the person."""
        self.assertEqual(ordered("adduser", enrollid=9, backupnum=50).subject(), "user 9")
