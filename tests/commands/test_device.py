"""Registration: what reaches the store, who is admitted, and which time is told (protocol §4.1)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.commands.kept import AWAY, NOW, NOW_MS, SN, Desk
from tfserver.commands.device import CheckLive, Heartbeat, Reg, checklive, heartbeat, reg
from tfserver.errors import StoreUnavailable
from tfserver.model import Admission, ClockEntry, Decided, Identity, Registration
from tfserver.store.refusals import LeaseHeld, RegistryFull
from tfserver.store.terminals import Arrival
from tfserver.wire import codec
from tfserver.wire.message import Response

DOCUMENTED: dict[str, Any] = {
    "modelname": "tfs30",
    "usersize": 3000,
    "fpsize": 3000,
    "cardsize": 3000,
    "pwdsize": 3000,
    "logsize": 100000,
    "useduser": 12,
    "usedfp": 20,
    "usedcard": 4,
    "usedpwd": 1,
    "usedlog": 310,
    "usednewlog": 6,
    "fpalgo": "thbio3.0",
    "firmware": "th600w v6.4",
    "time": "2026-04-02 08:15:03",
    "mac": "00-01-A9-10-20-30",
}
EXTRAS: dict[str, Any] = {
    "facesize": 500,
    "usedface": 3,
    "palmsize": 0,
    "usedpalm": 0,
    "usedrtlog": 2,
    "netinuse": 1,
    "usb4g": 0,
    "intercom": "0",
    "floors": [],
    "charid": "",
    "useosdp": False,
    "dislanguage": 524417,
    "curip": "192.168.000.041",
    "acces_stimes": 0,
    "facetemplate": "v7",
    "ntp": {"on": 1, "host": "a"},
    "timezone": "GMT+8",
    "manufacturer": "张 & Co",
}


class RegCase(SynchronousTestCase):
    """Tests that register."""

    def register(self, desk: Desk, **message: Any) -> Response:
        """Answer a ``reg`` as it comes from the wire."""
        frame = codec.decode(json.dumps({"cmd": "reg", "sn": SN, **message}).encode())
        assert isinstance(frame, codec.Frame)
        request, _ = codec.read(Reg, frame)
        assert isinstance(request, Reg)
        return self.successResultOf(Deferred.fromCoroutine(reg(request, desk.context)))

    def arrival(self, desk: Desk) -> Arrival:
        """What the store was told."""
        ((arrival, connection),) = desk.terminals.arrivals
        self.assertEqual(connection, "connection-1")
        return arrival


class ArrivalTests(RegCase):
    """What reaches the store."""

    def test_devinfo(self) -> None:
        """All sixteen documented fields and the extras of AiFace reach the store as sent."""
        self.assertEqual(len(DOCUMENTED), 16)
        sent = {**DOCUMENTED, **EXTRAS}
        for message in ({"devinfo": sent}, sent):
            desk = Desk()
            self.assertTrue(self.register(desk, **message).result)
            self.assertEqual(json.loads(self.arrival(desk).devinfo), sent)
            self.assertEqual(tuple(desk.context.make), ("tfs30", "th600w v6.4", "thbio3.0"))

    def test_who_and_where(self) -> None:
        """Number, identity, address, time and clock reach the store."""
        desk = Desk()
        self.register(desk, cpusn=" 88412077 ", devinfo={**DOCUMENTED, "mac": "00-01-a9-10-20-3f "})
        found = self.arrival(desk)
        self.assertEqual((found.sn, found.address, found.now_ms), (SN, "192.0.2.7", NOW_MS))
        self.assertEqual(found.identity, Identity("88412077", "00-01-A9-10-20-3F"))
        self.assertEqual(found.ahead_ms, -1000)

    def test_what_it_is(self) -> None:
        """What use does not change reaches the store apart, so that what becomes different is noticed."""
        desk = Desk()
        self.register(desk, cpusn="88412077", devinfo={**DOCUMENTED, "usedlog": 5, "mac": "00-01"})
        told = {name: DOCUMENTED[name] for name in ("modelname", "firmware", "fpalgo")}
        self.assertEqual(json.loads(self.arrival(desk).says), {"cpusn": "88412077", "mac": "00-01", **told})

    def test_nothing_but_a_number(self) -> None:
        """A terminal that says nothing of itself is registered all the same."""
        desk = Desk()
        self.assertTrue(self.register(desk).result)
        found = self.arrival(desk)
        self.assertEqual((found.devinfo, found.identity, found.ahead_ms), (b"{}", Identity("", ""), None))
        self.assertEqual(found.says, b"")

    def test_odd_devinfo(self) -> None:
        """A time or network address that is no text is kept as sent and not believed."""
        desk = Desk()
        sent = {"time": 20260402, "mac": 7, "useduser": 10**30}
        self.register(desk, devinfo=sent)
        found = self.arrival(desk)
        self.assertEqual((json.loads(found.devinfo), found.identity.mac, found.ahead_ms), (sent, "", None))

    def test_huge_devinfo(self) -> None:
        """Of an absurdly large ``devinfo`` the short plain values are kept, a bounded number of them."""
        desk = Desk()
        junk = {f"key{n}": "x" * 500 for n in range(100)}
        many = {f"n{n}": n for n in range(500)}
        self.register(desk, devinfo={**junk, "k" * 300: 1, "list": [1], **DOCUMENTED, **many})
        found = json.loads(self.arrival(desk).devinfo)
        self.assertEqual({key: found.get(key) for key in DOCUMENTED}, DOCUMENTED)
        self.assertEqual(len(found), 100)

    def test_approval(self) -> None:
        """Unknown terminals are approved at once unless people have to do it."""
        for policy, approve in (("approve", False), ("open", True), ("allowlist", True)):
            desk = Desk(admission__policy=policy, admission__allowlist=[SN])
            self.register(desk)
            self.assertIs(self.arrival(desk).approve, approve)


class AdmissionTests(RegCase):
    """Who is let in."""

    def test_admitted(self) -> None:
        """An admitted terminal is told whether to push users, and its context knows it."""
        for nosenduser in (True, False):
            desk = Desk(terminals__nosenduser=nosenduser)
            desk.terminals.registration = Registration(Admission.APPROVED, site="north")
            self.assertEqual(self.register(desk), Response(fields={"nosenduser": nosenduser}))
            self.assertEqual((desk.context.sn, desk.context.registration.site), (SN, "north"))

    def test_reasons(self) -> None:
        """Who is not admitted gets a text for the screen, no clock, and stays unknown to its connection."""
        for admission, reason in (
            (Admission.PENDING, "Waiting for approval"),
            (Admission.DENIED, "Denied by the server"),
            (Admission.QUARANTINED, "Serial number in use by another terminal"),
        ):
            desk = Desk()
            desk.terminals.registration = Registration(admission)
            self.assertEqual(self.register(desk, devinfo=DOCUMENTED), Response(False, reason))
            self.assertEqual((desk.context.sn, desk.terminals.clocks), ("", []))

    def test_allowlist(self) -> None:
        """Who is not on the list is refused before the store hears of it; case and spaces do not matter."""
        desk = Desk(admission__policy="allowlist", admission__allowlist=["OTHER1", f" {SN.lower()} "])
        self.assertTrue(self.register(desk).result)
        desk = Desk(admission__policy="allowlist", admission__allowlist=["OTHER1"])
        self.assertEqual(self.register(desk), Response(False, "Not on the allow list"))
        self.assertEqual(desk.terminals.arrivals, [])

    def test_list_without_its_policy(self) -> None:
        """The list says nothing under the other policies."""
        desk = Desk(admission__policy="open", admission__allowlist=["OTHER1"])
        self.assertTrue(self.register(desk).result)

    def test_no_room(self) -> None:
        """A registry without room refuses with a text."""
        desk = Desk()
        desk.terminals.failure = RegistryFull()
        response = self.register(desk)
        self.assertEqual((response.result, type(response.reason)), (False, str))

    def test_twin(self) -> None:
        """A terminal whose twin is heard is refused with a text; people are told where both are, once."""
        desk = Desk()
        told = []
        for is_new in (1, 0):
            desk.terminals.failure = LeaseHeld("192.0.2.99", 60, is_new)
            with capturedLogs() as logged:
                response = self.register(desk)
            self.assertEqual((response.result, type(response.reason)), (False, str))
            told.append([formatEvent(event) for event in logged])
        self.assertEqual([len(lines) for lines in told], [1, 0])
        for word in (SN, "192.0.2.99", desk.context.address, "60 s"):
            self.assertIn(word, told[0][0])
        self.assertEqual(desk.context.services.metrics.twins, {"detected": 1, "refused": 2})
        self.assertEqual(desk.context.sn, "")

    def test_store_away(self) -> None:
        """Without the store nobody is admitted, and the terminal is not known to its connection."""
        desk = Desk()
        desk.terminals.failure = AWAY
        failed = Deferred.fromCoroutine(reg(Reg(sn=SN), desk.context))
        self.failureResultOf(failed, StoreUnavailable)
        self.assertEqual((desk.context.sn, desk.context.timeline), ("", ()))


class ClockTests(RegCase):
    """Which time a terminal is told (design §3.4)."""

    def _comes(self, shown: str, registration: Registration | None = None, **options: Any) -> Desk:
        """A terminal registers, its clock showing this."""
        desk = Desk(**options)
        if registration is not None:
            desk.terminals.registration = registration
        self.assertTrue(self.register(desk, devinfo={"time": shown}).result)
        return desk

    def test_default_zone(self) -> None:
        """A terminal without a zone gets the default zone's time."""
        desk = Desk(terminals__timezone="Asia/Tokyo")
        self.register(desk)
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 17:15:04")
        self.assertEqual(desk.terminals.clocks, [(SN, (ClockEntry(0, 32_400),), None)])

    def test_own_zone(self) -> None:
        """A zone that people gave to the terminal goes before the default and before what it shows."""
        registration = Registration(Admission.APPROVED, timezone="America/Sao_Paulo", echo=3600)
        desk = self._comes("2026-04-02 17:15:04", registration, terminals__timezone="Asia/Tokyo")
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 05:15:04")
        self.assertFalse(desk.context.guessed)

    def test_summer_time(self) -> None:
        """The zone's offset is the one in force now."""
        desk = Desk(terminals__timezone="Europe/Lisbon").admit()
        desk.now = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
        self.assertEqual(desk.context.cloudtime(), "2026-03-29 00:59:59")
        desk.now += timedelta(seconds=1)
        self.successResultOf(Deferred.fromCoroutine(heartbeat(Heartbeat(), desk.context)))
        self.assertEqual(desk.context.cloudtime(), "2026-03-29 02:00:00")

    def test_echo(self) -> None:
        """A new terminal that lives in some offset keeps it, and that it is a guess is remembered."""
        desk = self._comes("2026-04-02 13:45:10")
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 13:45:04")
        self.assertEqual(desk.terminals.clocks, [(SN, (ClockEntry(0, 19_800, 6000),), 19_800)])
        self.assertTrue(desk.context.guessed)

    def test_echo_of_the_default(self) -> None:
        """A new terminal in the default zone is no guess."""
        desk = self._comes("2026-04-02 08:15:10")
        self.assertEqual(desk.terminals.clocks, [(SN, (ClockEntry(0, 0, 6000),), None)])
        self.assertFalse(desk.context.guessed)

    def test_first_clock_goes_along(self) -> None:
        """A clock of which nothing is known is set by the registration itself, without a second write."""
        desk = self._comes("2026-04-02 13:45:10")
        found = self.arrival(desk)
        self.assertEqual((found.clock, found.echo), ((ClockEntry(0, 19_800, 6000),), 19_800))
        self.assertEqual(len(desk.terminals.clocks), 1)
        self.assertEqual(desk.context.timeline, found.clock)

    def test_equal_by_chance(self) -> None:
        """A known clock that equals what a new one would be set to is looked at all the same."""
        clock = (ClockEntry(0, 19_800, 6000),)
        registration = Registration(Admission.APPROVED, timezone="Asia/Tokyo", clock=clock)
        desk = self._comes("2026-04-02 13:45:10", registration)
        self.assertEqual(self.arrival(desk).clock, clock)
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 17:15:04")
        self.assertEqual([timeline[-1].offset for _, timeline, _ in desk.terminals.clocks], [32_400])

    def test_near_the_default(self) -> None:
        """A clock a minute off the default zone is in that zone; a little more than that is in none."""
        for shown, far in (("2026-04-02 08:16:04", 60_000), ("2026-04-02 08:16:05", 61_000)):
            self.assertEqual(self._comes(shown).terminals.clocks, [(SN, (ClockEntry(0, 0, far),), None)])

    def test_echo_comes_back(self) -> None:
        """The offset it brought along stays when it comes again, whatever its clock shows then."""
        registration = Registration(Admission.APPROVED, clock=(ClockEntry(0, 19_800),), echo=19_800)
        desk = self._comes("2026-04-02 08:15:10", registration)
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 13:45:04")

    def test_no_echo_for_known_terminals(self) -> None:
        """A terminal whose clock was set before is corrected, not believed."""
        registration = Registration(Admission.APPROVED, clock=(ClockEntry(0, 0),))
        desk = self._comes("2026-04-02 13:45:04", registration)
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 08:15:04")
        expected = (ClockEntry(0, 0, 19_800_000), ClockEntry(NOW_MS, 0))
        self.assertEqual(desk.terminals.clocks, [(SN, expected, None)])

    def test_flat_battery(self) -> None:
        """A clock from the year 2000 is corrected, and how wrong it was is remembered."""
        desk = self._comes("2000-01-01 00:15:04")
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 08:15:04")
        ((_, timeline, echo),) = desk.terminals.clocks
        self.assertEqual((len(timeline), timeline[0].drift < -8e11, echo), (2, True, None))

    def test_confirmed_zone(self) -> None:
        """When people confirm a zone the offset changes with the next ``cloudtime``; that is kept."""
        registration = Registration(
            Admission.APPROVED, timezone="Asia/Tokyo", clock=(ClockEntry(0, 19_800),), echo=19_800
        )
        desk = self._comes("2026-04-02 13:45:04", registration)
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 17:15:04")
        expected = (ClockEntry(0, 19_800), ClockEntry(NOW_MS, 32_400))
        self.assertEqual([timeline for _, timeline, _ in desk.terminals.clocks], [expected])

    def test_nothing_new(self) -> None:
        """A terminal whose clock is right costs no write."""
        registration = Registration(Admission.APPROVED, clock=(ClockEntry(0, 0),))
        self.assertEqual(self._comes("2026-04-02 08:15:04", registration).terminals.clocks, [])

    def test_settled_meanwhile(self) -> None:
        """What people decide while the terminal is connected counts from the next ``cloudtime``."""
        desk = Desk().admit()
        desk.context.settle(Decided("south", "Asia/Tokyo", "aiface"))
        found = desk.context.registration
        self.assertEqual((found.site, found.timezone, found.model_profile), ("south", "Asia/Tokyo", "aiface"))
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 08:15:04", "only what the timeline says")
        self.successResultOf(Deferred.fromCoroutine(heartbeat(Heartbeat(), desk.context)))
        self.assertEqual(desk.context.cloudtime(), "2026-04-02 17:15:04")


class SignOfLifeTests(SynchronousTestCase):
    """``heartbeat`` and ``checklive`` (protocol §4.7)."""

    def test_answered(self) -> None:
        """Both are answered true and tell the time."""
        for kind, handler in ((Heartbeat, heartbeat), (CheckLive, checklive)):
            desk = Desk().admit()
            found: Any = Deferred.fromCoroutine(handler(kind(), desk.context))  # type: ignore[operator]
            self.assertEqual(self.successResultOf(found), Response())
            self.assertTrue(kind.tells_time)
            self.assertEqual(desk.terminals.clocks, [])

    def test_change_of_offset(self) -> None:
        """The first of them after a change of the offset remembers it before the clock is set."""
        desk = Desk(terminals__timezone="Europe/Lisbon").admit(ClockEntry(0, 0))
        desk.now = NOW
        self.successResultOf(Deferred.fromCoroutine(heartbeat(Heartbeat(), desk.context)))
        self.assertEqual(desk.terminals.clocks, [(SN, (ClockEntry(0, 0), ClockEntry(NOW_MS, 3600)), None)])
