"""Refusals that say that what was asked for is so already."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tfserver.commands.people import DeleteUser, GetUserName
from tfserver.wire.message import RawReply


class DeleteUserTests(SynchronousTestCase):
    """Deleting who is not there (protocol §5.1)."""

    def is_done(self, **fields: Any) -> bool:
        """Whether this refusal counts as done."""
        return DeleteUser(7, 13).forgives(RawReply("deleteuser", False, fields))

    def test_not_there(self) -> None:
        """The general number, in words or without, means that nobody is left."""
        for fields in ({}, {"reason": 1}, {"reason": "1"}, {"reason": 1, "msg": "can not find the user"}):
            self.assertTrue(self.is_done(**fields), fields)

    def test_refused(self) -> None:
        """One that is busy, or has another reason, has deleted nothing."""
        for fields in ({"reason": 1, "msg": "device busy"}, {"reason": 2}, {"reason": "5", "msg": ""}):
            self.assertFalse(self.is_done(**fields), fields)

    def test_others(self) -> None:
        """A refusal of anything else is one."""
        self.assertFalse(GetUserName(7).forgives(RawReply("getusername", False, {"reason": 1})))
