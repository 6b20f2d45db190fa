"""``tfserver commands``: the vocabulary, read off its classes."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from twisted.trial.unittest import SynchronousTestCase

from tests.cli.called import call
from tfserver.order import Danger
from tfserver.wire.message import Command, Reply
from tfserver.wire.table import vocabulary


class Part(msgspec.Struct):
    """A piece of a list."""

    number: int = 0
    text: str = ""


class MakeTea(Command[Reply]):
    """Make tea, e.g. green. Sugar is not
    asked for.

    Nothing of this stands in the list.
    """

    danger: ClassVar[Danger] = Danger.DESTRUCTIVE
    admin_only: ClassVar[bool] = True
    core: ClassVar[bool] = False

    cups: Annotated[int, Meta(ge=1, le=4, description="How many cups.")]
    kind: Literal["green", "black"] = "green"
    slot: Literal[0, 1, 2, 10, 11, 50] = 0
    name: Annotated[str, Meta(max_length=8)] | None = None
    parts: Annotated[list[Part], Meta(max_length=3)] = []
    loud: bool = False


class WordsTests(SynchronousTestCase):
    """What there is, and what one command takes."""

    def setUp(self) -> None:
        vocabulary.enter(MakeTea)
        self.addCleanup(vocabulary.remove, MakeTea)

    def test_list(self) -> None:
        """Every command of the vocabulary, with its danger, what it needs, and its first sentence."""
        done = call("commands")
        self.assertEqual((done.status, done.err), (0, ""))
        [line] = [line for line in done.out.splitlines() if line.startswith("maketea ")]
        self.assertRegex(
            line, r"destructive +a model profile that allows it, role admin, --confirm SN +Make tea"
        )
        self.assertTrue(line.endswith("Make tea, e.g. green"))
        self.assertEqual(len(call("commands", "--json").json), len(list(vocabulary)))

    def test_one(self) -> None:
        """The fields of one command, in any case: type, whether it is required, meaning."""
        out = call("commands", "MakeTea").out
        self.assertRegex(out, r"(?m)^ttl +300 s \(1 to 3600\)$")
        for field, told in (
            ("cups", "whole number 1 to 4 +required +How many cups."),
            ("kind", "black or green$"),
            ("slot", "0-2, 10-11, 50$"),
            ("name", "text up to 8$"),
            ("parts", r"list of object \(number, text\), at most 3$"),
            ("loud", "true or false$"),
        ):
            self.assertRegex(out, rf"(?m)^{field} +{told}")

    def test_json(self) -> None:
        """For programs one object with its fields."""
        found: Any = call("commands", "maketea", "--json").json
        self.assertEqual(found["danger"], "destructive")
        self.assertEqual(
            found["fields"][0],
            {"field": "cups", "type": "whole number 1 to 4", "required": True, "meaning": "How many cups."},
        )

    def test_unknown(self) -> None:
        """A word that is no command is status 1."""
        done = call("commands", "maketeaa")
        self.assertEqual((done.status, done.out), (1, ""))
        self.assertIn("maketeaa", done.err)

    def test_completion(self) -> None:
        """Its fields are offered behind ``send``."""
        line = "tfserver send SA maketea c"
        done = call(_TFSERVER_COMPLETE="zsh_complete", COMP_WORDS=line, COMP_CWORD="4")
        self.assertEqual(done.out.splitlines()[1::3], ["cups="])
