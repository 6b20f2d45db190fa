"""Reading what firmware sends: the rules of protocol §2.1 and the quirks of §7 that the codec undoes."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.wire import codec
from tfserver.wire.codec import Frame, Noise, Rubbish


class FrameCase(SynchronousTestCase):
    """Tests that read a frame."""

    def frame(self, payload: bytes | str) -> Frame:
        """Read what has to be a message."""
        found = codec.decode(payload.encode() if isinstance(payload, str) else payload)
        self.assertIsInstance(found, Frame)
        assert isinstance(found, Frame)
        return found

    def fields(self, payload: bytes | str) -> dict[str, Any]:
        """The fields of what has to be a message."""
        return self.frame(payload).fields

    def rubbish(self, payload: bytes) -> Rubbish:
        """Read what has to be no message."""
        found = codec.decode(payload)
        self.assertIsInstance(found, Rubbish)
        assert isinstance(found, Rubbish)
        return found


class RuleTests(FrameCase):
    """The reading rules of protocol §2.1."""

    def test_clean(self) -> None:
        """A clean request is read as it stands, with nothing mended."""
        expected = Frame("sendlog", True, {"cmd": "sendlog", "count": 0})
        self.assertEqual(self.frame('{"cmd":"sendlog","count":0}'), expected)

    def test_reply(self) -> None:
        """A frame with ``ret`` does not ask."""
        self.assertEqual(self.frame('{"ret":"reboot","result":true}')[:2], ("reboot", False))

    def test_cmd_goes_before_ret(self) -> None:
        """A frame with both asks: an unanswered request comes again for ever."""
        self.assertEqual(self.frame('{"ret":"a","cmd":"b"}')[:2], ("b", True))

    def test_last_of_a_repeated_key_counts(self) -> None:
        """If a key occurs twice the last one counts, also in a frame that had to be mended."""
        self.assertEqual(self.fields('{"cmd":"x","sn":"A","sn":"B"}')["sn"], "B")
        self.assertEqual(self.fields('{"cmd":"x","sn":"A","sn":"B",}')["sn"], "B")

    def test_null_is_missing(self) -> None:
        """``null`` counts as a key that did not come."""
        self.assertEqual(self.fields('{"cmd":"x","sn":null}'), {"cmd": "x"})

    def test_unknown_keys_stay(self) -> None:
        """Keys nobody described are kept (quirk 9)."""
        found = self.fields('{"cmd":"x","aliasid":"7","note":{"msg":"a"}}')
        self.assertEqual(found, {"cmd": "x", "aliasid": "7", "note": {"msg": "a"}})

    def test_input_alarm(self) -> None:
        """``InputAlarm`` is found in any case, and by the name the terminal expects back."""
        for key in ("InputAlarm", "inputalarm", "INPUTALARM", " inputAlarm "):
            frame = self.fields(json.dumps({"ret": "getdevlock", key: 2}))
            self.assertEqual(frame, {"ret": "getdevlock", "InputAlarm": 2})

    def test_input_alarm_among_capitals(self) -> None:
        """``InputAlarm`` is found also where all keys had to be lowered."""
        found = self.fields('{"RET":"getdevlock","INPUTALARM":2}')
        self.assertEqual(found, {"ret": "getdevlock", "InputAlarm": 2})

    def test_words(self) -> None:
        """A word is text of 1 to 1024 characters; anything else makes a frame without one."""
        self.assertEqual(self.frame(json.dumps({"cmd": "x" * 1024})).word, "x" * 1024)
        for word in ("", "  ", "x" * 1025, 7, True, ["reg"], {"a": 1}, None):
            self.assertEqual(self.rubbish(json.dumps({"cmd": word}).encode()).why, "neither cmd nor ret")

    def test_only_objects(self) -> None:
        """Lists, texts and numbers are no messages, whatever stands in them."""
        for payload in (b'[{"cmd":"reg"}]', b'"{cmd}"', b"1234567890", b"[]", b"null-null"):
            self.rubbish(payload)

    def test_values_beyond_json(self) -> None:
        """NaN and Infinity, which no strict reader takes, count as missing."""
        found = self.fields('{"cmd":"x","a":NaN,"b":Infinity,"c":-Infinity,"d":[NaN,1]}')
        self.assertEqual(found, {"cmd": "x", "d": [None, 1]})

    def test_huge_exponent(self) -> None:
        """A number beyond any float counts as missing and spoils nothing else."""
        self.assertEqual(self.fields('{"cmd":"x","a":1e999999,"b":-1e400,"c":1}'), {"cmd": "x", "c": 1})

    def test_huge_integers(self) -> None:
        """An integer of any length is read, and can be written again."""
        for digits in (19, 30, 41, 5000, 200_000):
            found = self.fields(b'{"cmd":"x","a":' + b"9" * digits + b"}")["a"]
            self.assertIn(b"9" * digits, codec.encode_command("x", {"a": found}))

    def test_control_characters(self) -> None:
        """Raw control characters inside a text, which JSON forbids, are kept."""
        self.assertEqual(self.fields(b'{"cmd":"x","name":"a\tb\nc\x01"}')["name"], "a\tb\nc\x01")

    def test_lone_surrogates(self) -> None:
        """Half a surrogate pair can't be written again, so something else stands for it."""
        for payload in (b'{"cmd":"x","\\udfff":"a\\ud800b"}', b'{"cmd":"x","\\udfff":"a\\ud800b",}'):
            found = self.fields(payload)
            codec.encode_command("x", found)
            self.assertRegex(found[next(key for key in found if key != "cmd")], "^a.b$")

    def test_lone_surrogates_become_the_replacement_character(self) -> None:
        """What stands for half a pair is U+FFFD, the character made for it."""
        self.assertEqual(self.fields(b'{"cmd":"x","name":"a\\ud800b"}')["name"], "a\ufffdb")


class QuirkTests(FrameCase):
    """The quirks of protocol §7, by number."""

    def test_trailing_commas(self) -> None:
        """Quirk 1: commas before ``]`` and ``}`` are removed."""
        frame = self.frame('{"cmd":"sendlog","record":[{"enrollid":7,},{"enrollid":8 , } ,\n],}')
        self.assertEqual(frame.fields["record"], [{"enrollid": 7}, {"enrollid": 8}])
        self.assertEqual(frame.mended, ("comma",))

    def test_commas_in_texts(self) -> None:
        """Quirk 1: commas inside strings stay, also behind escaped quotes and backslashes."""
        names = ["a,]", ",}", 'say ",}" twice', "back\\", "\\,]", ',"]', '\\",}']
        body = json.dumps({"cmd": "x", "names": names})[:-1] + ",}"
        self.assertEqual(self.fields(body)["names"], names)

    def test_rubbish_around(self) -> None:
        """Quirk 2: what stands before the object and behind it is cut off."""
        frame = self.frame(b'\x81\x05ok{"cmd":"reg","devinfo":{"a":{}}} #7')
        self.assertEqual(frame.fields, {"cmd": "reg", "devinfo": {"a": {}}})
        self.assertIn("prefix", frame.mended)
        self.assertIn("tail", frame.mended)

    def test_nul_at_the_end(self) -> None:
        """Quirk 3: NULs and white space around the object say nothing."""
        frame = self.frame(b' \r\n{"cmd":"reg"}\x00\x00\n')
        self.assertEqual(frame, Frame("reg", True, {"cmd": "reg"}))

    def test_text_keep_alive(self) -> None:
        """Quirk 3: the text keep-alive of one vendor demo, and empty frames, are ignored."""
        for payload in (b"v\x00", b"w\x00", b"v", b"", b"\x00", b"\n"):
            self.assertEqual(codec.decode(payload), Noise())

    def test_spaces(self) -> None:
        """Quirk 5: spaces in keys and around the word are cut off."""
        self.assertEqual(self.frame('{" ret ":" getuserinfo ","result ":true}').word, "getuserinfo")
        self.assertEqual(self.fields('{" ret":"x","result ":true}'), {"ret": "x", "result": True})

    def test_capitals(self) -> None:
        """Quirk 30: without ``cmd`` and ``ret`` the keys are tried in lower case."""
        frame = self.frame('{"CMD":"Reg","SN":"ZX1"}')
        self.assertEqual((frame.word, frame.fields["sn"], frame.mended), ("Reg", "ZX1", ("case",)))

    def test_gb18030(self) -> None:
        """Quirk 29: a frame that is no UTF-8 is read as GB18030."""
        text = '{"cmd":"senduser","name":"张伟,许功盖","x":"許"}'
        frame = self.frame(text.encode("gb18030"))
        self.assertEqual(frame.fields["name"], "张伟,许功盖")
        self.assertEqual(frame.mended, ("gb18030",))

    def test_broken_utf8(self) -> None:
        """Quirk 29: a frame in neither is read with replacements; what is legible survives."""
        frame = self.frame(b'{"cmd":"senduser","enrollid":7,"name":"\xc3\xff\xff"}')
        self.assertEqual(frame.fields["enrollid"], 7)
        self.assertEqual(frame.mended, ("replaced",))

    def test_byte_order_mark(self) -> None:
        """A byte order mark in front says nothing."""
        self.assertEqual(self.frame(b'\xef\xbb\xbf{"cmd":"reg"}').word, "reg")

    def test_two_objects(self) -> None:
        """Quirk 31: of two objects in one frame the first is taken and the other noted."""
        frame = self.frame('{"cmd":"a","n":1}{"cmd":"b"}')
        self.assertEqual(frame, Frame("a", True, {"cmd": "a", "n": 1}, ("tail",)))

    def test_quirks_together(self) -> None:
        """A prefix, a comma, a tail, capitals and spaces at once."""
        frame = self.frame(b'>> {" CMD ":"reg ","SN":"A,}",}\x00v')
        self.assertEqual((frame.word, frame.fields["sn"]), ("reg", "A,}"))
        self.assertEqual(frame.mended, ("prefix", "comma", "tail", "case"))

    def test_binary_rubbish(self) -> None:
        """Bytes that are no message are told by reason, size and a short hash, never by content."""
        found = self.rubbish(bytes(range(256)))
        self.assertEqual((found.size, len(found.digest)), (256, 12))
        self.assertNotEqual(found.digest, self.rubbish(bytes(range(255))).digest)
        self.assertEqual(self.rubbish(b"hello there").why, "no object")
        for payload in (b"{", b"{'cmd':'x'}", '{"cmd":"x"}'.encode("utf-16"), b'{"cmd":"x" /* no */}'):
            self.rubbish(payload)
