"""The unit of systemd, the Dockerfile and the compose file: all that they name is there, and works."""

from __future__ import annotations

import configparser
import ipaddress
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.real.balancer import ETC
from tests.real.process import free_port
from tests.real.scene import Scene
from tests.real.server import ROOT
from tests.real.store import wait_until
from tfserver import configfile
from tfserver.config import Settings
from tfserver.gateway.factory import MOST_UNFINISHED
from tfserver.openfiles import make_room
from tfserver.store import secrets
from tfserver.store.binary import choose_binary
from tfserver.tap import Options

UNIT = ETC / "tfserver@.service"
AFTER_DRAIN_SECONDS = 15
"""Answers to people, deliveries under way, the store."""
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::\?[^}]+)?\}")


def settings_of(arguments: list[str], file: Path | None = None) -> Settings:
    """What tfserver makes of its options; a configuration file that they name is the given one."""
    options = Options()
    options.parseOptions([str(file) if file and word.endswith(".yaml") else word for word in arguments])
    found: Settings = options["settings"]
    return found


def port_of(endpoint: str) -> int:
    """The port of a Twisted endpoint such as ``tcp:7788:interface=127.0.0.1``."""
    return int(endpoint.split(":")[1])


class UnitTests(Scene):
    """``etc/tfserver@.service``."""

    def setUp(self) -> None:
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(UNIT)
        self.service = parser["Service"]

    def settings(self, instance: int) -> Settings:
        """What ExecStart says for an instance, behind the name of the plugin."""
        line = self.service["ExecStart"].replace("%i", str(instance)).replace("%l", "here")
        program, *words = shlex.split(line)
        self.assertEqual((program, words.index("tfserver")), ("/opt/tfserver/bin/twistd", 2))
        return settings_of(words[3:], ETC / "fleet.yaml")

    def test_places(self) -> None:
        """The instances listen where the balancers look for them."""
        haproxy, nginx = ((ETC / name).read_text() for name in ("haproxy.cfg", "nginx.conf"))
        for instance in (1, 2, 3):
            settings = self.settings(instance)
            terminals, people = port_of(settings.terminals.endpoints[0]), port_of(settings.http.endpoint)
            self.assertEqual(settings.instance, f"here-{instance}")
            self.assertIn(f"presetenv TF_TERMINALS_{instance} {terminals}\n", haproxy)
            self.assertIn(f"presetenv TF_PEOPLE_{instance} {people}\n", haproxy)
            self.assertIn(f"server 127.0.0.1:{terminals} ", nginx)
            self.assertIn(f"server 127.0.0.1:{people} ", nginx)
            self.assertEqual(settings.limits.trusted_proxies, ["127.0.0.1/32"])
            self.assertEqual(settings.data_dir, self.service["WorkingDirectory"])

    def test_limits(self) -> None:
        """It has files enough for all connections, and more time to stop than a drain takes."""
        limits = self.settings(1).limits
        room = make_room(limits.connections, MOST_UNFINISHED, None)
        self.assertGreaterEqual(int(self.service["LimitNOFILE"]), room.needed)
        drain = limits.spread_seconds + limits.drain_seconds + AFTER_DRAIN_SECONDS
        self.assertGreaterEqual(int(self.service["TimeoutStopSec"]), drain)
        self.assertEqual((self.service["Type"], self.service["KillMode"]), ("notify", "mixed"))
        self.assertGreaterEqual(int(self.service["WatchdogSec"]), 10)

    def test_words(self) -> None:
        """systemd itself finds nothing wrong, where it is installed."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            return
        folder = tempfile.mkdtemp(prefix="tfu-")
        self.addCleanup(shutil.rmtree, folder)
        unit = Path(folder, "tfserver@1.service")
        unit.write_text(UNIT.read_text().replace("/opt/tfserver/bin/twistd", sys.executable))
        done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, timeout=60)
        wrong = [line for line in done.stderr.splitlines() if "tfserver@" in line]
        self.assertEqual((done.returncode, wrong), (0, []), done.stderr)


class Docker:
    """A Dockerfile, line by line: each instruction with its words."""

    def __init__(self, path: Path) -> None:
        text = re.sub(r"\\\n", " ", path.read_text())
        lines = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
        self.lines = [(name, words.strip()) for name, words in lines]

    def all(self, name: str) -> list[str]:
        """The words of each such instruction."""
        return [words for found, words in self.lines if found == name]

    def last(self, name: str) -> str:
        """The words of the one that counts."""
        return self.all(name)[-1]


class DockerTests(Scene):
    """``Dockerfile`` and ``.dockerignore``."""

    def setUp(self) -> None:
        self.docker = Docker(ROOT / "Dockerfile")
        self.health = json.loads(self.docker.last("HEALTHCHECK").partition(" CMD ")[2])

    def test_start(self) -> None:
        """What starts is tfserver on the ports that are told, with its data where the volume is."""
        program, *words = json.loads(self.docker.last("ENTRYPOINT"))
        settings = settings_of(words[words.index("tfserver") + 1 :])
        ports = [port_of(settings.terminals.endpoints[0]), port_of(settings.http.endpoint)]
        self.assertEqual((program, self.docker.last("EXPOSE")), ("twistd", " ".join(map(str, ports))))
        self.assertEqual(settings.http.endpoint, f"tcp:{ports[1]}")
        self.assertEqual(settings.data_dir, self.docker.last("VOLUME"))
        self.assertEqual(settings.data_dir, self.docker.last("WORKDIR"))
        self.assertNotIn(self.docker.last("USER"), ("", "root", "0"))
        self.assertIn(f":{ports[1]}/healthz", self.health[2])

    def test_health(self) -> None:
        """The health check is content with a server, and not with none."""
        server = self.server()
        self.assertEqual(self.healthy(server.http), 0)
        server.kill()
        self.assertNotEqual(self.healthy(server.http), 0)

    def healthy(self, port: int) -> int:
        """The exit status of the health check, asked of another port."""
        program, *words = self.health
        self.assertEqual(program, "python")
        here = [word.replace(":7789/", f":{port}/") for word in words]
        return subprocess.run([sys.executable, *here], capture_output=True, timeout=30).returncode

    def test_sources(self) -> None:
        """What the build needs is not ignored, and what it copies from elsewhere was made there."""
        kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
        self.assertEqual({name for name in kept if not (ROOT / name).exists()}, set())
        self.assertGreaterEqual(
            kept, {"tfserver", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
        )
        made = " ".join(self.docker.all("RUN"))
        for words in self.docker.all("COPY"):
            source = words.split()[-2]
            self.assertTrue(source == "." or source in made, source)


class ComposeTests(Scene):
    """``compose.yaml``."""

    def setUp(self) -> None:
        self.text = (ROOT / "compose.yaml").read_text()
        self.compose: dict[str, Any] = yaml.safe_load(self.text)
        self.services: dict[str, dict[str, Any]] = self.compose["services"]
        self.ours = {name: found for name, found in self.services.items() if "build" in found}

    def test_servers(self) -> None:
        """The three have options that tfserver takes, settings that it reads, secrets that it looks for."""
        self.assertEqual(sorted(self.ours), ["tfserver-1", "tfserver-2", "tfserver-3"])
        content = self.file("fleet.yaml", self.compose["configs"]["fleet"]["content"])
        for name, service in self.ours.items():
            self.assertEqual(service["hostname"], name)
            self.assertEqual([config["target"] for config in service["configs"]], [service["command"][1]])
            settings = settings_of(service["command"], Path(content))
            self.assertEqual(settings.store.url, "redis://redis:6379")
            self.assertEqual(set(service["environment"]), {secrets.KEY_VARIABLE, secrets.PASSWORD_VARIABLE})
            needed = make_room(settings.limits.connections, MOST_UNFINISHED, None).needed
            self.assertGreaterEqual(service["ulimits"]["nofile"], needed)

    def test_balancer(self) -> None:
        """HAProxy gets names that its file has, looks where the three listen, and is the one they trust."""
        service = self.services["haproxy"]
        defaults = dict(re.findall(r"(?m)^ +presetenv (\S+) (\S+)$", (ETC / "haproxy.cfg").read_text()))
        environment = {name: str(value) for name, value in service["environment"].items()}
        self.assertLess(set(environment), set(defaults))
        place = {**defaults, **environment}
        terminals, people = Docker(ROOT / "Dockerfile").last("EXPOSE").split()
        for number, name in enumerate(sorted(self.ours), 1):
            found = [place[f"TF_{what}_{number}"] for what in ("HOST", "TERMINALS", "PEOPLE")]
            self.assertEqual(found, [name, terminals, people])
        published = [port.split(":")[-1] for port in service["ports"]]
        self.assertEqual([f"*:{port}" for port in published], [place["TF_TERMINALS"], place["TF_PEOPLE"]])
        address = service["networks"]["default"]["ipv4_address"]
        subnet = self.compose["networks"]["default"]["ipam"]["config"][0]["subnet"]
        self.assertIn(ipaddress.ip_address(address), ipaddress.ip_network(subnet))
        content = self.file("fleet.yaml", self.compose["configs"]["fleet"]["content"])
        self.assertEqual(configfile.load(content, {}).limits.trusted_proxies, [f"{address}/32"])

    def test_names(self) -> None:
        """Files, volumes, networks and services that are named exist; each secret says what it is for."""
        for name, service in self.services.items():
            for source, *_ in (volume.split(":") for volume in service["volumes"]):
                is_there = (ROOT / source).is_file() if "/" in source else source in self.compose["volumes"]
                self.assertTrue(is_there, f"{name}: {source}")
            self.assertLessEqual(set(service.get("depends_on", ())), set(self.services))
            self.assertLessEqual(set(service.get("networks", ())), set(self.compose["networks"]))
        asked = set(re.findall(r"\$\{([A-Z_]+):\?", self.text))
        self.assertEqual(set(VARIABLE.findall(self.text)), asked)

    def test_store(self) -> None:
        """The store starts by its command, its health check is content with it, and tfserver takes it."""
        service, port = self.services["redis"], free_port()
        program, file, *options = [VARIABLE.sub("s3cret", word) for word in service["command"]]
        mounted = dict(volume.split(":")[1::-1] for volume in service["volumes"])
        self.assertEqual(((ROOT / mounted[file]).resolve(), program), (ETC / "redis.conf", "redis-server"))
        folder = tempfile.mkdtemp(prefix="tfs-")
        self.addCleanup(shutil.rmtree, folder)
        here = ["--port", str(port), "--dir", folder]
        quiet = subprocess.DEVNULL
        store = subprocess.Popen(
            [choose_binary(None).path, str(ROOT / mounted[file]), *options, *here], stdout=quiet
        )
        self.addCleanup(store.wait)
        self.addCleanup(store.kill)
        kind, command = service["healthcheck"]["test"]
        environment = {name: VARIABLE.sub("s3cret", value) for name, value in service["environment"].items()}
        check = ["sh", "-c", command.replace("redis-cli", f"redis-cli -p {port}")]
        self.assertEqual(kind, "CMD-SHELL")
        wait_until(
            lambda: subprocess.run(check, env={**os.environ, **environment}, stderr=quiet).returncode == 0,
            "it is healthy",
        )
        self.assertNotEqual(subprocess.run(check, stderr=quiet).returncode, 0)
        os.environ[secrets.PASSWORD_VARIABLE] = "s3cret"
        self.addCleanup(os.environ.pop, secrets.PASSWORD_VARIABLE)
        server = self.unstarted("--redis", f"redis://127.0.0.1:{port}")
        server.start()
        wait_until(lambda: server.get("/readyz")[0] == 200, "it is ready")
