"""What a receiver gets, byte for byte."""

from __future__ import annotations

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tfserver.delivery.message import Message, Wanted, batch, event_message, punch_message, single, timestamp

ALL = Wanted(frozenset(), frozenset())
PLACE = "1775000000120-3"
BODY = '{"uid":"ab12","sn":"T1","site":"süd","kind":"door","enrollid":0,"extra":{"kind":"x","/":"\\u00e4"}}'
EVENT = '{"event":"up","sn":"T1","site":"north"}'


def made(place: str, body: str, wanted: Wanted = ALL) -> Message:
    """The message of a record that is for this webhook."""
    found = punch_message(place, body, wanted)
    assert found is not None, "it was not for it"
    return found


def wanted(kinds: str = "", sites: str = "") -> Wanted:
    """A webhook for these."""
    return Wanted(frozenset(kinds.split()), frozenset(sites.split()))


class PunchTests(SynchronousTestCase):
    """Messages of records."""

    def test_as_kept(self) -> None:
        """The record goes out as it was kept, with its place in front; only the envelope is new."""
        message = made(PLACE, BODY)
        text = f'{{"type":"door","timestamp":"2026-03-31T23:33:20.120Z","data":{{"id":"{PLACE}",{BODY[1:]}}}'
        self.assertEqual(message.text, text)
        told = msgspec.json.decode(single(message)[1])
        self.assertEqual(told["data"], {"id": PLACE, **msgspec.json.decode(BODY)})

    def test_same_id(self) -> None:
        """A repeat has the same id and the same bytes; a record without identity takes its place for one."""
        self.assertEqual(single(made(PLACE, BODY)), single(made(PLACE, BODY)))
        self.assertEqual(single(made(PLACE, BODY))[0], "punch_ab12")
        self.assertEqual(made(PLACE, '{"sn":"T1"}').id, f"punch_{PLACE}")

    def test_alarms(self) -> None:
        """A door's record that is an alarm says so beside the record; that of a person does not."""
        alarms = ((5, "door.alarm", "forced open"), (6, "door.alarm", "tamper"), (1, "door", None))
        for event, type_, alarm in alarms:
            told = msgspec.json.decode(made(PLACE, f'{{"kind":"door","event":{event},"sn":"T1"}}').text)
            self.assertEqual((told["type"], told["data"].get("alarm")), (type_, alarm))
            self.assertEqual((told["data"]["event"], told["data"]["id"]), (event, PLACE))
        told = msgspec.json.decode(made(PLACE, '{"kind":"punch","event":5,"sn":"T1"}').text)
        self.assertEqual((told["type"], "alarm" in told["data"]), ("punch", False))

    def test_filters(self) -> None:
        """Kinds and sites both have to fit; a record of no site is for those who want all."""
        for one, is_for in (
            (ALL, True),
            (wanted("door punch"), True),
            (wanted("punch stranger terminal"), False),
            (wanted("", "süd north"), True),
            (wanted("door", "north"), False),
            (wanted("punch", "süd"), False),
        ):
            self.assertEqual(punch_message(PLACE, BODY, one) is not None, is_for, one)
        self.assertIsNone(punch_message(PLACE, '{"uid":"1","kind":"punch"}', wanted("", "north")))

    def test_unreadable(self) -> None:
        """What is no record is an error, not a message."""
        for body in ("", "[]", '{"uid":1}', '{"uid"'):
            with self.assertRaises(msgspec.MsgspecError):
                punch_message(PLACE, body, ALL)


class EventTests(SynchronousTestCase):
    """Messages of events."""

    def test_type(self) -> None:
        """The event is the second part of the type."""
        message = event_message(PLACE, EVENT, ALL)
        assert message is not None
        told = msgspec.json.decode(message.text)
        self.assertEqual((told["type"], told["data"]["sn"]), ("terminal.up", "T1"))
        self.assertEqual(message.id, f"event_{PLACE}")

    def test_quoted(self) -> None:
        """Whatever an event is called, the message stays JSON."""
        message = event_message(PLACE, '{"event":"a\\"b","sn":"T1"}', ALL)
        assert message is not None
        self.assertEqual(msgspec.json.decode(message.text)["type"], 'terminal.a"b')

    def test_filters(self) -> None:
        """They are for those who want terminals, at this site."""
        for one, is_for in (
            (wanted("terminal"), True),
            (wanted("punch"), False),
            (wanted("terminal", "north"), True),
            (wanted("", "south"), False),
        ):
            self.assertEqual(event_message(PLACE, EVENT, one) is not None, is_for, one)


class BatchTests(SynchronousTestCase):
    """Several in one request."""

    def test_whole_messages(self) -> None:
        """A batch is a list of messages as they would go alone."""
        messages = [made(f"1775000000120-{n}", BODY.replace("ab12", f"ab{n}")) for n in range(3)]
        _, body = batch(messages)
        told = msgspec.json.decode(body)
        self.assertEqual((told["type"], told["timestamp"]), ("batch", "2026-03-31T23:33:20.120Z"))
        self.assertEqual(told["data"], [msgspec.json.decode(single(one)[1]) for one in messages])

    def test_id(self) -> None:
        """The same messages have the same id, others another; it fits into a signature."""
        messages = [made(f"1775000000120-{n}", BODY) for n in range(3)]
        first, again, fewer = batch(messages), batch(messages), batch(messages[:2])
        self.assertEqual(first, again)
        self.assertNotEqual(first[0], fewer[0])
        self.assertNotIn(".", first[0])


class TimestampTests(SynchronousTestCase):
    """When an entry was kept."""

    def test_milliseconds(self) -> None:
        """Each part keeps its digits."""
        for place, text in (
            ("0-0", "1970-01-01T00:00:00.000Z"),
            ("7-1", "1970-01-01T00:00:00.007Z"),
            ("1000-0", "1970-01-01T00:00:01.000Z"),
            ("1775000000005-9", "2026-03-31T23:33:20.005Z"),
        ):
            self.assertEqual(timestamp(place), text)
