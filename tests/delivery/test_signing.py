"""Signatures of webhooks (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery.signing import PREFIX, BadSecret, new_secret, secret_bytes, signed

# "sign function works" of the specification's own libraries:
# https://github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECONDS = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def secret_of(key: bytes) -> str:
    """A key as people write it."""
    return PREFIX + base64.b64encode(key).decode()


class SignedTests(SynchronousTestCase):
    """Headers over bytes."""

    def test_vector(self) -> None:
        """The specification's test vector comes out."""
        expected = {
            "webhook-id": MESSAGE,
            "webhook-timestamp": str(SECONDS),
            "webhook-signature": SIGNATURE,
        }
        self.assertEqual(signed(MESSAGE, SECONDS, BODY, [SECRET]), expected)

    def test_several_secrets(self) -> None:
        """While a secret is rotated each has its signature, with a space between."""
        other = secret_of(b"x" * 24)
        found = signed(MESSAGE, SECONDS, BODY, [other, SECRET])["webhook-signature"].split(" ")
        self.assertEqual(found[1], SIGNATURE)
        self.assertEqual([found[0]], [signed(MESSAGE, SECONDS, BODY, [other])["webhook-signature"]])
        self.assertEqual(len(found), 2)

    def test_bodies_are_bytes(self) -> None:
        """Bytes that are no UTF-8 are signed as they are."""
        content = f"{MESSAGE}.{SECONDS}.".encode() + b"\xff\x00/\xc3"
        digest = hmac.new(secret_bytes(SECRET), content, hashlib.sha256).digest()
        found = signed(MESSAGE, SECONDS, b"\xff\x00/\xc3", [SECRET])
        self.assertEqual(found["webhook-signature"], f"v1,{base64.b64encode(digest).decode()}")

    def test_ids(self) -> None:
        """An id that could stand for another message, or for another header, is our own mistake."""
        for message in ("", "a.b", "a\r\nx: y", "ä"):
            with self.assertRaises(ValueError):
                signed(message, SECONDS, BODY, [SECRET])

    def test_never_unsigned(self) -> None:
        """Nothing goes out without a signature."""
        with self.assertRaises(ValueError):
            signed(MESSAGE, SECONDS, BODY, [])


class SecretTests(SynchronousTestCase):
    """Secrets as text."""

    @given(st.binary(min_size=24, max_size=64))
    def test_taken(self, key: bytes) -> None:
        """Every key of 24 to 64 bytes is taken."""
        self.assertEqual(secret_bytes(secret_of(key)), key)

    @given(st.binary(max_size=23) | st.binary(min_size=65, max_size=100))
    def test_lengths(self, key: bytes) -> None:
        """Shorter and longer ones are not."""
        with self.assertRaises(BadSecret):
            secret_bytes(secret_of(key))

    def test_refused(self) -> None:
        """What has another form is no secret, and the refusal does not repeat it."""
        good = secret_of(b"k" * 32)
        for wrong in (good.removeprefix(PREFIX), f"{good}\n", f"{good} ", good[:-1], f"WHSEC_{good[6:]}", ""):
            with self.assertRaises(BadSecret) as raised:
                secret_bytes(wrong)
            self.assertNotIn(base64.b64encode(b"k" * 32).decode()[:20], str(raised.exception))

    def test_new(self) -> None:
        """A new one is right, long enough, and another each time."""
        self.assertEqual(len(secret_bytes(new_secret())), 32)
        self.assertNotEqual(new_secret(), new_secret())
        self.assertEqual(secret_bytes(new_secret(lambda count: b"r" * count)), b"r" * 32)
