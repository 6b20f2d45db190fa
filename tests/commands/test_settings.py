"""Settings of terminals: known ones have ranges, others pass, and some are never touched (protocol §5.3)."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.commands.decided import PROFILE, ordered, problems, replied, said, wrong_fields
from tfserver.commands.settings import GetDevInfo
from tfserver.wire.ordering import decode, restored


class KnownTests(SynchronousTestCase):
    """The classic settings."""

    def test_ranges(self) -> None:
        """Each has its ends."""
        ranges = {
            "language": (0, 18),
            "volume": (0, 10),
            "screensaver": (0, 255),
            "verifymode": (0, 4),
            "sleep": (0, 1),
            "userfpnum": (1, 10),
            "reverifytime": (0, 255),
            "disablemenu": (0, 1),
            "deviceid": (0, 2**32 - 1),
            "loghint": (0, 2**31 - 1),
        }
        for name, (least, most) in ranges.items():
            for right in (least, most):
                self.assertEqual(said("setdevinfo", **{name: right}), {name: right})
            for wrong in (least - 1, most + 1, "1", 1.5, None, [1]):
                self.assertEqual(wrong_fields("setdevinfo", **{name: wrong}), [name], wrong)

    def test_booleans(self) -> None:
        """What is on or off may be true or false."""
        self.assertEqual(
            said("setdevinfo", sleep=True, disablemenu=False), {"sleep": True, "disablemenu": False}
        )
        self.assertEqual(wrong_fields("setdevinfo", volume=True), ["volume"])


class OtherTests(SynchronousTestCase):
    """The eighty others."""

    def test_flat(self) -> None:
        """They stand beside the known ones, in their own spelling and type."""
        given = {"volume": 7, "stranger_lock": 1, "ttsvoice": True, "masktreshold": 0.5, "timeformat": "24h"}
        self.assertEqual(said("setdevinfo", **given), given)
        self.assertEqual(ordered("setdevinfo", **given).fields(), given)

    def test_word_in_the_body(self) -> None:
        """The body of a request may hold the word itself."""
        found, wrong = decode("setdevinfo", {"cmd": "setdevinfo", "volume": 7, "glogwarn": 5}, PROFILE)
        assert found is not None
        self.assertEqual((found.said(""), wrong), ({"volume": 7, "glogwarn": 5}, []))

    def test_restored(self) -> None:
        """What waited says the same afterwards."""
        order = ordered("setdevinfo", volume=7, glogwarn=5)
        self.assertEqual(restored("setdevinfo", order.fields()), order)

    def test_nothing(self) -> None:
        """Nothing to set is a mistake."""
        self.assertEqual(wrong_fields("setdevinfo"), ["cmd"])

    def test_values(self) -> None:
        """Only plain values: the nesting of one library is not understood by terminals."""
        for value in ({"volume": 7}, [1], None, "x" * 201, 2**63):
            self.assertEqual(wrong_fields("setdevinfo", devinfo=value), ["devinfo"], value)

    def test_names(self) -> None:
        """A name is a name, and no part of the message itself."""
        for name in ("", "a b", "1a", "ü", "a.b", "(more)", "x" * 65, "a\n", "ret", "sn", "result", "stn"):
            self.assertEqual(wrong_fields("setdevinfo", **{name: 1}), [name], name)

    def test_too_many(self) -> None:
        """A message has room for a hundred."""
        many = {f"k{n}": n for n in range(101)}
        self.assertEqual(wrong_fields("setdevinfo", **many), ["cmd"])
        del many["k0"]
        self.assertEqual(wrong_fields("setdevinfo", **many), [])


class DangerTests(SynchronousTestCase):
    """What is never set from here."""

    def test_cutting_off(self) -> None:
        """Settings by which the terminal finds the server are refused in every spelling, and the sentence
        says why."""
        for name in (
            *("serverip", "serverport", "usebs", "use_bs", "domainname", "bs_domain_name", "usedomainname"),
            *("use_domain_name", "server_ip", "ServerPort", "netip", "wlanssid", "net_gateway", "dnsip"),
        ):
            ((field, told),) = problems("setdevinfo", **{name: 1})
            self.assertEqual(field, name)
            self.assertIn("cuts the terminal off", told)

    def test_harmless_neighbours(self) -> None:
        """Others of the server's settings are not."""
        for name in ("server_verify", "serververify", "servertimeout", "serveradduser"):
            self.assertEqual(wrong_fields("setdevinfo", **{name: 1}), [], name)

    def test_passwords(self) -> None:
        """A password would lie open in the history."""
        for name in ("menupwd", "AdminPassword", "wifi_psk", "pin", "commkey", "menukey", "token"):
            self.assertEqual(wrong_fields("setdevinfo", **{name: "x"}), [name])
        for name in ("keypad", "hotkey", "pinyin", "antpass"):
            self.assertEqual(wrong_fields("setdevinfo", **{name: "x"}), [])

    def test_addresses(self) -> None:
        """So would one in an address."""
        for address, wrong in (("http://a:geheim@host/", ["otaurl"]), ("http://host:80/", [])):
            self.assertEqual(wrong_fields("setdevinfo", otaurl=address), wrong)

    def test_one_wrong_spoils_all(self) -> None:
        """Nothing is set when one of them is refused."""
        self.assertEqual(wrong_fields("setdevinfo", volume=7, serverip=1, glogwarn=5), ["serverip"])


class ReplyTests(SynchronousTestCase):
    """``getdevinfo``."""

    def shown(self, **fields: Any) -> dict[str, Any]:
        """The settings as people see them."""
        return replied(GetDevInfo, **fields).shown()

    def test_all(self) -> None:
        """Known ones as numbers, the others as they came."""
        found = self.shown(volume="6", sleep=0, stranger_lock=1, serverip=3232235777, sn="ZX1")
        expected = {"volume": 6, "sleep": 0, "stranger_lock": 1, "serverip": 3232235777, "sn": "ZX1"}
        self.assertEqual(found, expected)

    def test_secrets(self) -> None:
        """Passwords among them are not shown, however they are called."""
        secrets = {"wlanpassword": "geheim", "menupwd": 507311, "wifi_psk": "geheim", "password": "geheim"}
        found = self.shown(volume=6, **secrets)
        self.assertEqual(found["volume"], 6)
        for name in secrets:
            self.assertTrue(found[name]["redacted"], name)
        self.assertEqual(self.shown(otaurl="http://a:geheim@host/"), {"otaurl": "http://***@host/"})
        self.assertNotIn("geheim", json.dumps(found))
        self.assertNotIn("507311", json.dumps(found))
