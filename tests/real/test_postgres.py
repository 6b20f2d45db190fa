"""PostgreSQL as tests start it."""

from __future__ import annotations

import os
import select
import signal

import psycopg
from psycopg import pq
from twisted.trial.unittest import SkipTest, TestCase

from tests.real.postgres import RealPostgres, is_installed, state_of
from tests.real.process import is_running


class PostgresTests(TestCase):
    """Started, ended in every way, and started again."""

    def setUp(self) -> None:
        """A running server with one row."""
        if not is_installed():
            raise SkipTest("no PostgreSQL on this machine")
        self.postgres = RealPostgres()
        self.addCleanup(self.postgres.remove)
        self.postgres.start()
        self.postgres.run("CREATE TABLE kept AS SELECT 7 AS n")

    def kept(self) -> int:
        """What the row says."""
        return int(self.postgres.rows("SELECT n FROM kept")[0][0])

    def test_restart(self) -> None:
        """It is found at the same place with its data, also after kill -9, by which all its processes end."""
        self.postgres.restart()
        self.assertEqual(self.kept(), 7)
        everybody = [self.postgres.pid, *self.postgres.children()]
        self.assertGreater(len(everybody), 2)
        self.postgres.kill()
        self.assertFalse([pid for pid in everybody if is_running(pid)])
        self.assertRaises(psycopg.OperationalError, self.kept)
        self.postgres.start()
        self.assertEqual(self.kept(), 7)

    def test_pause(self) -> None:
        """Who is connected hears nothing while it is paused, and the answer afterwards."""
        connection = pq.PGconn.connect(self.postgres.url.encode())
        self.addCleanup(connection.finish)
        children = self.postgres.pause()
        found = {state_of(pid) for pid in [*children, self.postgres.pid]}
        # one that had just ended waits for its parent, which stands still
        self.assertEqual(found - {"Z"}, {"T"})
        connection.send_query(b"SELECT 7")
        self.assertEqual(select.select([connection.socket], [], [], 0)[0], [])
        self.postgres.resume()
        answer = connection.get_result()
        assert answer is not None
        self.assertEqual(answer.get_value(0, 0), b"7")

    def test_settings(self) -> None:
        """It syncs, as an archive needs it, and takes settings of a test."""
        self.assertEqual(self.postgres.rows("SHOW fsync"), [("on",)])
        self.assertEqual(self.postgres.rows("SHOW synchronous_commit"), [("on",)])
        other = RealPostgres(work_mem="1MB")
        self.addCleanup(other.remove)
        self.assertEqual(other.start().rows("SHOW work_mem"), [("1MB",)])

    def test_remove(self) -> None:
        """Nothing is left of it."""
        pid = self.postgres.pid
        self.postgres.signal(signal.SIGSTOP, [pid])
        self.postgres.remove()
        self.assertFalse(is_running(pid) or os.path.exists(self.postgres.folder))
