"""`publica ledger`: the append-only record of everything."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from publica.cli.common import format_option, instance, say_json
from publica.cli.operations import recover


@click.group()
def ledger() -> None:
    """The append-only ledger: verify it, sign its state, show its public key.

    \b
    Example: publica ledger verify
    """


@ledger.command()
@click.option(
    "--kept",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint kept elsewhere: shows whether history was rewritten since.",
)
@format_option
@click.pass_obj
def verify(folder: str, kept: tuple[Path, ...], form: str) -> None:
    """Check the whole ledger from scratch. Exit code 4 when anything does not hold.

    \b
    Example: publica ledger verify --kept checkpoint-of-last-week.txt
    """
    notes = [path.read_text("utf-8", "replace") for path in kept]
    with instance(folder, to_verify=True) as opened:
        found = opened.verify_ledger(notes)
    if form == "json":
        say_json(found)
    else:
        for problem in found["problems"]:
            click.echo(f"✗ {problem}", err=True)
        if found["sound"]:
            click.echo(f"✓ {found['size']} entries, {found['checkpoints']} checkpoints: everything holds")
            if found["unsigned"]:
                click.echo(f"  {found['unsigned']} of them are not signed yet: publica ledger checkpoint")
    if found["problems"]:
        sys.exit(4)


@ledger.command()
@click.pass_obj
def checkpoint(folder: str) -> None:
    """Sign the ledger's present state, publish that, and print it (C2SP tlog-checkpoint).

    \b
    Example: publica ledger checkpoint > checkpoint-of-today.txt
    """
    with instance(folder) as opened:
        click.echo(opened.checkpoint(), nl=False)


@ledger.command()
@click.pass_obj
def key(folder: str) -> None:
    """Print the ledger's public key.

    \b
    Example: publica ledger key > ledger.pub
    """
    with instance(folder) as opened:
        click.echo(opened.verifier_key)


ledger.add_command(recover)

COMMANDS = (ledger,)
