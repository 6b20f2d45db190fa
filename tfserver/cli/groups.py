"""Groups of sub-commands: one that imports them when they are called, one that has a usual sub-command."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

import click
from click.shell_completion import CompletionItem

USUAL: Final = "list"


class Later(NamedTuple):
    """A sub-command that is not imported yet: the module whose ``command`` it is, and what it does."""

    module: str
    told: str


class LazyGroup(click.Group):
    """Sub-commands are named as strings: the start stays quick, and siblings of the house apart."""

    def __init__(self, *args: Any, later: Mapping[str, Later], **options: Any) -> None:
        super().__init__(*args, **options)
        self._later = later

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order they were given."""
        return list(self._later)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command."""
        found = self._later.get(cmd_name)
        if found is None:
            return None
        command: click.Command = importlib.import_module(found.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the sub-command that is meant; one that does not exist is answered with what is near."""
        name = args[0]
        if name not in self._later and not ctx.resilient_parsing:
            near = get_close_matches(name, self._later, 3, 0.5) or list(self._later)
            ctx.fail(f"there is no command '{name}'; perhaps {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of sub-commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.told) for name, found in self._later.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names that begin like this, without importing any."""
        names = [
            CompletionItem(name, help=found.told)
            for name, found in self._later.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


class UsualGroup(click.Group):
    """A group whose words are for its sub-command ``list`` when they name no other."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the usual sub-command's name in front where it was left out."""
        if self._means_usual(ctx, args):
            args = [USUAL, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Sub-commands, and what may come first in the usual one."""
        found = super().shell_complete(ctx, incomplete)
        usual = self.commands[USUAL]
        with usual.make_context(USUAL, [], parent=ctx, resilient_parsing=True) as below:
            found += usual.shell_complete(below, incomplete)
            for words in self._words()[:1]:
                found += words.shell_complete(below, incomplete)
        return found

    def _words(self) -> list[click.Parameter]:
        return [param for param in self.commands[USUAL].params if isinstance(param, click.Argument)]

    def _means_usual(self, ctx: click.Context, args: list[str]) -> bool:
        if not args:
            return not ctx.resilient_parsing
        first = args[0]
        if first in self.commands or first in ctx.help_option_names:
            return False
        return first.startswith("-") or bool(self._words())
