"""Open pages tell nobody what they may not see."""

from __future__ import annotations

import msgspec

from tests.web.dashboard.living import LiveCase
from tests.web.samples import SN, a_row
from tfserver.store.tokens import Token
from tfserver.web.dashboard import live
from tfserver.web.standing import STANDING_SECONDS


class SeenTests(LiveCase):
    """By sites and by the directory, also when somebody may see less than before."""

    def test_names(self) -> None:
        """People have their names for those who may see the directory; nobody is asked without a wall."""
        hints = self.look("hints=punch")
        self.feed.rows.append(a_row(site="south", enrollid=7))
        self.told(hints)
        self.assertEqual(self.people.directory.calls, [])
        pages = self.look("wall=on"), self.look("wall=on", "south")
        self.feed.rows.append(a_row(site="south", enrollid=7, uid="next"))
        shown, hidden = (self.told(page, live.LOOK_SECONDS)[-1][1][0] for page in pages)
        self.assertIn("Ines M", shown)
        self.assertNotIn("Ines M", hidden)

    def test_names_of_terminals(self) -> None:
        """Terminals have their names for those who may see where they are now."""
        self.put(SN, "north", name="Front door")
        pages = self.look("wall=on"), self.look("wall=on", "south")
        self.feed.rows.append(a_row(site="south"))
        shown, hidden = (self.told(page, live.LOOK_SECONDS)[-1][1][0] for page in pages)
        self.assertIn("Front door", shown)
        self.assertNotIn("Front door", hidden)
        self.assertIn(SN, hidden)

    def test_less_than_before(self) -> None:
        """Of one session the pages end that are from when somebody could see more, whatever came after."""
        wide = self.known["all"]
        narrow = wide._replace(who=Token(**{**msgspec.structs.asdict(wide.who), "sites": ("south",)}))
        before = [self.look("wall=on") for _ in range(4)]
        self.known["all"] = self.used[wide.digest] = narrow
        after = [self.look("wall=on") for _ in range(4)]
        self.told(before[0], STANDING_SECONDS + 1)
        self.assertEqual([page.is_closed for page in before + after], [True] * 4 + [False] * 4)

    def test_hints_of_other_sites(self) -> None:
        """Who is bound to sites does not learn that something happened elsewhere."""
        page, all_of_it = self.look("hints=command", "south"), self.look("hints=command")
        self.happen("command")
        self.assertEqual((self.told(page), len(self.told(all_of_it, 0))), ([], 1))
        self.put(SN, "south")
        self.happen("command")
        self.assertEqual(self.told(page), [("hints", ["command"])])
        self.assertEqual(self.look(f"hints=command&of={SN}", "south").data[9:12], b"200")
        self.put(SN, "north")
        for query in (f"hints=command&of={SN}", "wall=on&of=NOBODY"):
            self.assertEqual(self.look(query, "south").answer().status, 404, query)
        place = self.place()
        self.happen("terminal")
        self.told(all_of_it)
        page = self.look(f"rows={SN}&since={place}", "south")
        self.assertEqual(self.told(page, 0.1), [])
