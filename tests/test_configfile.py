"""Settings: defaults, options over the file, and what a wrong one is told (design §2.1)."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from tfserver import configfile
from tfserver.config import Access, AdmissionPolicy, Durability, Images, Section, Settings
from tfserver.errors import ConfigError


class ConfigCase(SynchronousTestCase):
    """Tests that load a file."""

    def file(self, text: str | bytes) -> str:
        """A configuration file."""
        path = Path(self.mktemp())
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return str(path)

    def load(self, text: str, **options: Any) -> Settings:
        """Settings from a file and options."""
        names = {name.replace("__", "."): value for name, value in options.items()}
        return configfile.load(self.file(text), names)

    def refuses(self, text: str | bytes, *words: str, **options: Any) -> str:
        """A wrong file: the message names it first and holds these words."""
        path = self.file(text)
        names = {name.replace("__", "."): value for name, value in options.items()}
        message = str(self.assertRaises(ConfigError, configfile.load, path, names))
        self.assertTrue(message.startswith(f"{path}: "), message)
        for word in words:
            self.assertIn(word, message)
        return message.removeprefix(f"{path}: ")


class LoadTests(ConfigCase):
    """Right settings."""

    def test_defaults(self) -> None:
        """Without a file and options, and with an empty file or sections, all is at its default."""
        self.assertEqual(configfile.load(None, {}), Settings())
        for text in ("", "# nothing\n", "{}", "terminals:\nstore:\n", "---\n"):
            self.assertEqual(self.load(text), Settings())

    def test_contract(self) -> None:
        """The defaults that people outside rely on are those of the contract."""
        found = Settings()
        self.assertEqual(found.terminals.endpoints, ["tcp:7788"])
        self.assertEqual(found.http.endpoint, "tcp:7789:interface=127.0.0.1")
        self.assertEqual((found.data_dir, found.store.prefix), ("./tfserver-data", "tf:"))
        self.assertEqual(found.store.durability, Durability.ALWAYS)
        self.assertEqual(found.admission.policy, AdmissionPolicy.APPROVE)
        self.assertEqual((found.punches.images, found.punches.dedupe_days), (Images.DROP, 45))
        self.assertEqual(found.terminals.access, Access.NONE)
        self.assertEqual(found.limits.exempt, ["127.0.0.0/8", "::1/128"])

    def test_file(self) -> None:
        """What a file says counts; the rest stays at its default."""
        found = self.load("terminals: {timezone: Europe/Lisbon, access: deny}\npunches: {images: keep}\n")
        self.assertEqual((found.terminals.timezone, found.terminals.access), ("Europe/Lisbon", Access.DENY))
        self.assertEqual((found.punches.images, found.terminals.endpoints), (Images.KEEP, ["tcp:7788"]))

    def test_options_win(self) -> None:
        """Options lie over the file, setting by setting, also where the file has no such section."""
        text = "admission: {policy: open, allowlist: [A]}\ninstance: a\nvault:\n"
        found = self.load(text, admission__policy="allowlist", instance="b", vault__key_file="k")
        self.assertEqual(found.admission.policy, AdmissionPolicy.ALLOWLIST)
        self.assertEqual((found.admission.allowlist, found.instance), (["A"], "b"))
        self.assertEqual((found.vault.key_file, found.http), ("k", Settings().http))

    def test_instance_name(self) -> None:
        """Without a name of its own a process is called after host and pid."""
        self.assertEqual(self.load("instance: door-1").instance_name(), "door-1")
        self.assertEqual(Settings().instance_name(), f"{socket.gethostname()}-{os.getpid()}")

    def test_every_setting_is_described(self) -> None:
        """Each setting has a description, from which the reference is written."""
        pending: list[Any] = [Settings]
        while pending:
            for field in msgspec.structs.fields(pending.pop()):
                plain = configfile.plain_type(field.type)
                if isinstance(plain, type) and issubclass(plain, Section):
                    pending.append(plain)
                else:
                    metas = getattr(field.type, "__metadata__", ())
                    self.assertTrue(any(meta.description for meta in metas), field.name)


class WrongTests(ConfigCase):
    """Wrong settings: file, dotted path, and what was expected."""

    wrong: ClassVar[dict[str, tuple[str, ...]]] = {
        "instance: 5": ("instance: ", "'str'"),
        "instance: a b": ("instance: ", "matching regex"),
        "instance: 2026-01-01": ("instance: ", "'str'"),
        "terminals: [1]": ("terminals: ", "'object'"),
        "store: hello": ("store: ", "'object'"),
        "terminals: {endpoints: []}": ("terminals.endpoints: ", "length >= 1"),
        "terminals: {endpoints: tcp:1}": ("terminals.endpoints: ", "'array'"),
        "terminals: {endpoints: [1]}": ("terminals.endpoints[0]: ", "'str'"),
        "terminals: {nosenduser: 1}": ("terminals.nosenduser: ", "'bool'"),
        "terminals: {ping_seconds: 0}": ("terminals.ping_seconds: ", "> 0"),
        "terminals: {ping_seconds: -1.5}": ("terminals.ping_seconds: ", "> 0"),
        "terminals: {ping_seconds: .nan}": ("terminals.ping_seconds: ", "> 0"),
        "terminals: {ping_seconds: soon}": ("terminals.ping_seconds: ", "'float'"),
        "terminals: {access: maybe}": ("terminals.access: ", "'maybe'", "none, known, deny"),
        "terminals: {timezone: null}": ("terminals.timezone: ", "'str'"),
        "terminals: {timezone: Mars/Base}": ("terminals.timezone: ", "IANA zone", "Mars/Base"),
        "terminals: {timezone: ../../etc/passwd}": ("terminals.timezone: ", "IANA zone"),
        "terminals: {timezone: UTC+1}": ("terminals.timezone: ", "IANA zone"),
        "store: {durability: weak}": ("store.durability: ", "always, everysec, none"),
        "store: {assume_durability: weak}": ("store.assume_durability: ", "always, everysec, none"),
        "store: {prefix: 'a b'}": ("store.prefix: ", "matching regex"),
        "store: {maxmemory_mb: 0}": ("store.maxmemory_mb: ", ">= 1"),
        "store: {maxmemory_mb: 1.5}": ("store.maxmemory_mb: ", "'int'"),
        "admission: {policy: all}": ("admission.policy: ", "approve, open, allowlist"),
        "admission: {allowlist: A}": ("admission.allowlist: ", "'array'"),
        "punches: {images: yes}": ("punches.images: ",),
        "limits: {exempt: [10.0.0.0/8, 5]}": ("limits.exempt[1]: ", "'str'"),
        "storage: 1": ("storage: unknown setting", "terminals, http, store"),
        "store: {urll: x}": ("store.urll: unknown setting", "url, password_file"),
        "limits: {per_adress: 1}": ("limits.per_adress: unknown setting", "per_address"),
    }

    def test_values(self) -> None:
        """Each kind of wrong value or key is told by its place and by what was expected there."""
        for text, (place, *words) in self.wrong.items():
            message = self.refuses(text, *words)
            self.assertTrue(message.startswith(place), f"{text}: {message}")
            self.assertNotIn("`", message)

    def test_numbers_for_names(self) -> None:
        """A setting whose name is no text is told in words, by its place."""
        for text, place in (("7788: x", "7788"), ("terminals: {7788: x}", "terminals.7788")):
            message = self.refuses(text)
            self.assertNotIn("`", message)
            self.assertTrue(message.startswith((place, "settings", "terminals: ")), message)

    def test_endless_seconds(self) -> None:
        """No deadline is for ever."""
        self.refuses("store: {write_seconds: .inf}", "store.write_seconds: ")

    def test_networks(self) -> None:
        """What is no network stops the start with its place, not with a traceback later."""
        self.refuses("limits: {exempt: [10.0.0.0/8, banana]}", "limits.exempt", "banana")

    def test_no_settings(self) -> None:
        """A file that is a list, a text, no YAML, no text or full of Python is told so."""
        for text in ("- a", "hello", "5"):
            self.refuses(text, "expected settings by name")
        for text in ("a: [", "a: b: c", "\tx: 1", "x: !!python/object:os.system 1", "a: *b"):
            self.refuses(text, "is not YAML")
        self.refuses(b"instance: \xff\xfe\xfa", "can't be read")

    def test_no_file(self) -> None:
        """A file that is not there or is a folder is told by its path."""
        for path in ("/nonexistent/tfserver.yaml", "/"):
            message = str(self.assertRaises(ConfigError, configfile.load, path, {}))
            self.assertTrue(message.startswith(f"{path}: can't be read: "), message)

    def test_wrong_options(self) -> None:
        """Without a file a wrong option is told as one."""
        message = str(self.assertRaises(ConfigError, configfile.load, None, {"terminals.access": "maybe"}))
        self.assertTrue(message.startswith("options: terminals.access: "), message)
        message = str(self.assertRaises(ConfigError, configfile.load, None, {"nope.x": 1}))
        self.assertTrue(message.startswith("options: nope: unknown setting"), message)

    def test_option_below_a_value(self) -> None:
        """An option for a section that the file made a value of is told by the section's name."""
        self.refuses("store: redis://here", "store: ", "section", store__url="redis://there")
