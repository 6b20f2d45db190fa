"""What of one terminal's settings goes to another, and what never does."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.people.copied import holidays_of, is_kept, locks_for, questions_of, settings_for

KEPT = (
    *("serverip", "serverport", "server_ip", "serverhost", "usebs", "use_bs", "bs_domain_name", "domainname"),
    *("usedomainname", "use_domain_name", "dnsip", "netinuse", "net_ip", "wlanssid", "wifi_pwd", "ip", "mac"),
    *("gateway", "dhcp", "deviceid", "sn", "cpusn", "modelname", "firmware", "fpalgo", "time", "usb4g"),
    *("useduser", "usedfp", "usednewlog", "usersize", "logsize", "curip"),
)
GOES = (
    *("volume", "language", "verifymode", "usedst", "serververify", "server_verify", "serveradduser"),
    *("servertimeout", "server_response_time", "multifaces", "similarity", "reverifytime", "livedetect"),
    *("strangerphoto", "dstart", "sleep", "screensaver", "userfpnum", "currency"),
)


class SettingsTests(SynchronousTestCase):
    """Settings by their names and values."""

    def test_names(self) -> None:
        """Who it is, its network, its server and its counts stay; how it behaves goes along."""
        self.assertEqual([name for name in KEPT if not is_kept(name)], [])
        self.assertEqual([name for name in GOES if is_kept(name)], [])

    def test_only_its_own(self) -> None:
        """Only what the target has itself, and has otherwise; what it does not have is told."""
        theirs = {"volume": 3, "language": 1, "showavatar": 1, "serverip": 5, "pwd": {"redacted": True}}
        wanted, absent = settings_for(theirs, {"volume": 6, "language": 1, "serverip": 9, "pwd": 1})
        self.assertEqual((wanted, absent), ({"volume": 3}, ["showavatar"]))

    def test_locks(self) -> None:
        """Of a list only the beginning counts that there is; what can't be set is left out."""
        theirs = {"opendelay": 9, "dayzone": [1], "weekzone": [1, 2], "odd": 1, "tamper": 1}
        own = {"opendelay": 5, "dayzone": [1, 0, 0], "weekzone": [1, 3], "odd": 0}
        self.assertEqual(locks_for(theirs, own), ({"opendelay": 9, "weekzone": [1, 2]}, ["tamper"]))

    def test_holidays(self) -> None:
        """Holidays come without what only their terminal knows; numbered ones do not come."""
        listed = [{"name": "New year", "startday": "01-01", "endday": "01-02", "id": 4}, "odd"]
        expected = [{"name": "New year", "startday": "01-01", "endday": "01-02"}]
        self.assertEqual(holidays_of({"holidays": listed}), expected)
        self.assertIsNone(holidays_of({"index": 1, "name": "New year"}))

    def test_questions(self) -> None:
        """A questionnaire that asks nothing is none."""
        self.assertIsNone(questions_of({"title": "", "items": []}))
        asked = {"title": "Why?", "radio": True, "items": ["In"], "odd": 1}
        self.assertEqual(questions_of(asked), {"title": "Why?", "radio": True, "items": ["In"]})
