"""Metrics, alert rules and dashboard against a server that runs; the rules by Prometheus' own promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.real.client import log
from tests.real.scene import DAY, OPEN, Scene
from tests.real.server import ROOT
from tests.real.store import wait_until

ALERTS = ROOT / "etc" / "alerts.yml"
DASHBOARD = ROOT / "etc" / "grafana-dashboard.json"
PATIENCE = 300
"""Seconds: the rules take half a minute of a core that nobody else uses."""
TESTS = Path(__file__).with_name("alerts_test.yml")
NAME = re.compile(r"\btfserver_[a-z0-9_]+")
SUFFIXES = ("_bucket", "_count", "_sum", "_total")


def rules() -> list[dict[str, Any]]:
    """All alert rules."""
    groups = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> list[str]:
    """What the panels of the dashboard ask."""
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


class PromtoolTests(SynchronousTestCase):
    """What Prometheus itself says of the rules."""

    def run_promtool(self, *words: str) -> None:
        """Run it; a failure is told in its own words."""
        tool = shutil.which("promtool")
        if tool is None:
            raise SkipTest("no promtool on this machine (Debian: apt-get install prometheus)")
        done = subprocess.run([tool, *words], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules(self) -> None:
        """They are rules."""
        self.run_promtool("check", "rules", str(ALERTS))

    def test_alerts(self) -> None:
        """Each fires when it has to, not before, and alone; none does when all is well."""
        self.run_promtool("test", "rules", str(TESTS))

    def test_all_are_tested(self) -> None:
        """There is a test for each."""
        tested = {test["name"] for test in yaml.safe_load(TESTS.read_text("utf-8"))["tests"]}
        self.assertEqual({rule["alert"] for rule in rules()} - tested, set())

    def test_queries(self) -> None:
        """What the dashboard asks is something that Prometheus understands."""
        found = [
            {"record": f"q:{number}", "expr": without_variables(query)}
            for number, query in enumerate(queries())
        ]
        self.assertGreater(len(found), 30)
        path = Path(self.mktemp())
        path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": found}]}))
        self.run_promtool("check", "rules", str(path.absolute()))


def without_variables(query: str) -> str:
    """A query as Grafana sends it."""
    return query.replace("$__rate_interval", "5m").replace("$job", ".*")


class WordsTests(SynchronousTestCase):
    """What people read of the alerts."""

    def test_words(self) -> None:
        """Each has a summary, what to do, and a severity that somebody can sort by."""
        for rule in rules():
            self.assertIn(rule["labels"]["severity"], ("critical", "warning", "info"))
            self.assertGreater(len(rule["annotations"]["summary"]), 10)
            self.assertGreater(len(rule["annotations"]["description"]), 40)

    def test_documented(self) -> None:
        """Each stands in docs/operations.md, and nothing there that is none."""
        told = (ROOT / "docs" / "operations.md").read_text("utf-8")
        self.assertEqual(set(re.findall(r"`(Tfserver\w+)`", told)), {rule["alert"] for rule in rules()})

    def test_dashboard(self) -> None:
        """It can be imported: the data source is a variable, panels have places and numbers of their own."""
        found = json.loads(DASHBOARD.read_text("utf-8"))
        kinds = {variable["name"]: variable["type"] for variable in found["templating"]["list"]}
        self.assertEqual(kinds["datasource"], "datasource")
        panels = found["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        self.assertEqual(len(set(places)), len(places))
        for panel in panels:
            for target in panel.get("targets", ()):
                self.assertEqual(target["datasource"]["uid"], "${datasource}")


class RunningTests(Scene):
    """A server that runs."""

    def setUp(self) -> None:
        self.here = self.server(*OPEN, store=self.store())

    def values(self) -> dict[str, float]:
        """Metrics without labels, by their names."""
        found = text_string_to_metric_families(self.here.get("/metrics")[1])
        return {
            sample.name: sample.value for family in found for sample in family.samples if not sample.labels
        }

    def test_names(self) -> None:
        """Every metric that alerts and dashboard name is one that a server tells."""
        text = self.here.get("/metrics")[1]
        told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
        asked = {
            name
            for query in [*queries(), *(rule["expr"] for rule in rules())]
            for name in NAME.findall(query)
        }
        self.assertGreater(len(asked), 30)
        known = told | {name + suffix for name in told for suffix in SUFFIXES}
        self.assertEqual(asked - known, set())

    def test_fleet(self) -> None:
        """The fleet's gauges tell of terminals wherever they are, and of what people have to decide."""
        there = self.server(store=self.here._store)
        self.client(self.here, "HERE")
        waiting = self.client(there)
        self.assertFalse(waiting.register("WAITS")["result"])
        self.client(self.here, "CLOCK", time=f"{DAY} 08:00:00").ask(
            cmd="sendlog", record=[log(1, f"{DAY} 08:00:00")]
        )

        def is_counted() -> bool:
            """Whether all have been counted since."""
            found = self.values()
            return found["tfserver_fleet_online"] == 2 and found["tfserver_fleet_pending"] == 1

        wait_until(is_counted, "the terminals are counted")
        found = self.values()
        self.assertEqual(found["tfserver_fleet_processes"], 2)
        self.assertEqual(found["tfserver_fleet_known"], 3)
        self.assertEqual(found["tfserver_fleet_silent"], 1)
        self.assertGreater(found["tfserver_start_time_seconds"], 1.5e9)
