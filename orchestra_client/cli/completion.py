"""`orchestra completion`: what makes the Tab key work."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that lets SHELL complete commands and options.

    \b
    bash:  orchestra completion bash > ~/.local/share/bash-completion/completions/orchestra
    zsh:   orchestra completion zsh > ~/.zfunc/_orchestra
           (with fpath+=~/.zfunc before compinit in ~/.zshrc)
    fish:  orchestra completion fish > ~/.config/fish/completions/orchestra.fish

    Open a new shell afterwards.
    """  # noqa: D301 - \b is an escape here: it tells click to leave the lines as they are
    root = context.find_root()
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(root.command, {}, "orchestra", "_ORCHESTRA_COMPLETE").source())
