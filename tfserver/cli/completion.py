"""What makes a shell complete the words of ``tfserver``: click's own script for it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes your shell complete commands, serial numbers and command words.

    \b
      bash   tfserver completion bash > ~/.local/share/bash-completion/completions/tfserver
      zsh    tfserver completion zsh > "${fpath[1]}/_tfserver"
      fish   tfserver completion fish > ~/.config/fish/completions/tfserver.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    print(kind(ctx.find_root().command, {}, "tfserver", "_TFSERVER_COMPLETE").source())
