"""``tfserver token create --templates``."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from tests.cli.test_server_commands import tokened
from tests.real.store import RealStore


class TemplatesTests(SynchronousTestCase):
    """What a token may have beside what its role allows."""

    def test_only_if_said(self) -> None:
        """A token may have what stands in credentials if it was made so, and says it."""
        store = RealStore().start()
        self.addCleanup(store.remove)
        for options in ((), ("--templates",)):
            done = tokened("--redis", store.url, "--json", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIs(json.loads(done.stdout)["templates"], bool(options))
        self.assertEqual(store.ask("HGETALL tf:tokens").count('"templates":true'), 1)
