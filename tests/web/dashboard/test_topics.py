"""What open pages want to be told of."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tfserver.web.dashboard.topics import MOST_TERMINALS, PARAMETERS, Topics, topics_of
from tfserver.web.problem import Problem
from tfserver.web.query import Query


def topics(query: str) -> Topics:
    """What a page asks for."""
    return topics_of(Query(query.encode(), PARAMETERS))


class TopicsTests(SynchronousTestCase):
    """A page that says what it shows."""

    def test_nothing(self) -> None:
        """Who asks for nothing is told nothing."""
        self.assertEqual(topics(""), Topics())
        self.assertFalse(Topics().wants("punch", "A1") or Topics().shows("A1", "north"))

    def test_alike(self) -> None:
        """The same wishes are the same, however they are written."""
        self.assertEqual(topics("rows=a1,B2&hints=sync,punch"), topics("hints=punch,sync&rows=b2,A1,a1"))

    def test_hints(self) -> None:
        """Hints are of the kinds asked for, and of the terminals when it names some."""
        every, own = topics("hints=command,sync"), topics("hints=command&of=a1,A2")
        self.assertEqual(
            [every.wants(kind, "X") for kind in ("command", "sync", "punch")], [True, True, False]
        )
        self.assertTrue(every.wants("command", ""))
        self.assertEqual(
            [own.wants("command", sn) for sn in ("A1", "a2", "A3", "")], [True, True, False, False]
        )

    def test_wall(self) -> None:
        """A wall shows punches of its terminals and its site."""
        self.assertTrue(topics("wall=on").shows("A1", "north"))
        self.assertEqual([topics("wall=on&of=a1").shows(sn, "") for sn in ("A1", "B1")], [True, False])
        bound = topics("wall=on&site=north")
        self.assertEqual([bound.shows("A1", site) for site in ("north", "south", "")], [True, False, False])
        self.assertFalse(topics("site=north").shows("A1", "north"))

    def test_bounds(self) -> None:
        """So many terminals and no more, none that could not be one, and nothing unknown."""
        sns = [f"T{n}" for n in range(MOST_TERMINALS)]
        self.assertEqual(len(topics(f"rows={','.join(sns)}").rows), MOST_TERMINALS)
        for query in (
            f"rows={','.join([*sns, 'X'])}",
            f"rows={'A1,' * 5000}A1",
            "of=a%00b",
            "hints=doors",
            "wall=off",
            "nosuch=1",
        ):
            with self.assertRaises(Problem, msg=query):
                topics(query)
