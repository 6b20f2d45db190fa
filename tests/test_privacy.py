"""What may lie open: no template, password or picture, wherever it stands and whatever it is."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver import privacy
from tfserver.privacy import MOST_OPEN, PRIVATE, is_private, opened, redacted

SECRET = "sesame-48213377"
BOUNDS = settings(derandomize=True, deadline=None, database=None, max_examples=200)
NAMES = st.sampled_from(("name", "list", "Record", "inner", "", "é"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


class OpenedTests(SynchronousTestCase):
    """Objects as people see them."""

    def test_private_names(self) -> None:
        """A private value is told by its size only, whatever kind it is and however its name is written."""
        for name in (
            *PRIVATE,
            "Password",
            " PWD ",
            "Record",
            "passwords",
            "wifi_pwd",
            "admin_password",
            "secretconf",
            "x" * 80 + "psk",
            *("token", "Access-Token", "deviceToken", "token2", "pass_code", "passphrase"),
            *("commkey", "comm_key", "CommKey", "comkey", "menukey", "MenuKey2", "apiKey", "aes_key"),
            *("PIN", "userpin", "user_pin", "userPin", "pincode", "PINCode", "pin_2", "adminpin"),
            *("accountpwd", "account_password", "numeric_password"),
        ):
            self.assertTrue(is_private(name), name)
            for value in (SECRET, 48213377, [SECRET], {"x": SECRET}, None, True):
                shown = opened({name: value})[name]
                self.assertEqual(shown, {"redacted": True, "bytes": len(msgspec.json.encode(value))})

    def test_other_names(self) -> None:
        """What is neither private nor long is shown as it is."""
        plain: dict[str, Any] = {
            "n": 1,
            "f": 1.5,
            "none": None,
            "yes": True,
            "list": [1, {"x": "y"}],
            "text": "Zoë",
        }
        self.assertEqual(opened(plain), plain)
        for name in (
            *("records", "usedpwd", "pwdsize", "recording", "enrollid", "name"),
            *("pinyin", "spin", "pinned", "opinion", "shipping", "keypad", "keytone", "hotkey", "fkey1"),
            *("key", "keyboard", "funckey", "menukeytone", "turnkey", "monkey", "pwdlen", "tokencount"),
            *("pintimeout", "token_type"),
            *("antpass", "bypass", "passtime", "compass", "tokensize", "usercom", "serverip", "dooropentime"),
        ):
            self.assertFalse(is_private(name), name)

    def test_addresses(self) -> None:
        """Of an address with a password in it the rest is shown, at any depth."""
        for address, shown in (
            ("http://ann:sesame@host/fw.bin", "http://***@host/fw.bin"),
            ("rtsp://admin:se:sa@me@192.0.2.7:554/live", "rtsp://***@192.0.2.7:554/live"),
            ("mqtt://:sesame@host", "mqtt://***@host"),
            ("see ftp://a:sesame@x and http://b:sesame@y", "see ftp://***@x and http://***@y"),
        ):
            self.assertEqual(opened({"url": address}), {"url": shown})
            self.assertEqual(opened({"a": [{"b": address}]}), {"a": [{"b": shown}]})
            self.assertEqual(privacy.without_logins([{"b": [address]}, 1]), [{"b": [shown]}, 1])

    def test_long_addresses(self) -> None:
        """Hostile text is looked through as fast as any."""
        for text in ("://" + ":" * 300_000, "://a:" * 60_000, "://" + "/@" * 150_000):
            self.assertEqual(privacy.without_logins(text), text)
        self.assertEqual(privacy.without_logins("://a:" + "@" * 300_000), "://***@")

    def test_other_addresses(self) -> None:
        """Addresses without one are shown as they are, and so is what only looks like one."""
        for address in (
            *("http://host:8080/a@b:c", "https://host/?to=a:b@c", "wss://cloud.example:7788/pub/chat"),
            *("ann@example.com", "12:30@gate", "http://ann@host/", "://", "http://host/#a:b@c"),
        ):
            self.assertEqual(opened({"url": address}), {"url": address})

    def test_at_any_depth(self) -> None:
        """Private names are found in objects in lists in objects."""
        shown = opened({"a": [{"b": {"password": SECRET}}, [[{"card": SECRET}]]]})
        self.assertNotIn(SECRET, msgspec.json.encode(shown).decode())
        self.assertTrue(shown["a"][0]["b"]["password"]["redacted"])

    def test_long(self) -> None:
        """A long value nobody described is told by its size: templates and pictures are long."""
        for value in ("x" * MOST_OPEN, ["x" * 9] * MOST_OPEN, {str(n): n for n in range(MOST_OPEN)}):
            self.assertEqual(opened({"what": value})["what"], redacted(value))
        just = "x" * (MOST_OPEN - 2)
        self.assertEqual(opened({"what": just})["what"], just)

    def test_long_names(self) -> None:
        """A name nobody described is cut."""
        [name] = opened({"n" * 10_000: 1})
        self.assertEqual(len(name), privacy.MOST_NAME)

    def test_big_numbers(self) -> None:
        """Numbers of any size can be shown and written."""
        self.assertEqual(opened({"n": 10**39})["n"], 10**39)
        self.assertEqual(redacted(10**39)["bytes"], 40)

    @BOUNDS
    @given(PLAIN, st.lists(st.sampled_from(("record", "x", "Photo", "list")), min_size=1, max_size=4))
    def test_never_shown(self, beside: Any, path: list[str]) -> None:
        """Below a private name nothing is shown, whatever stands above and beside it."""
        value: Any = SECRET
        for name in path:
            value = [{name: value, "beside": beside}, beside]
        shown = msgspec.json.encode(opened({"all": value})).decode()
        if any(is_private(name) for name in path):
            self.assertNotIn(SECRET, shown)
        else:
            self.assertTrue(SECRET in shown or '"redacted":true' in shown)
