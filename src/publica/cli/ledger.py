"""`publica ledger`: the append-only record of everything."""

from __future__ import annotations

import sys

import click

from publica.cli.common import format_option, instance, say_json


@click.group()
def ledger() -> None:
    """The append-only ledger: verify it, sign its state, show its public key."""


@ledger.command()
@format_option
@click.pass_obj
def verify(folder: str, form: str) -> None:
    """Check the whole ledger from scratch. Exit code 4 when anything does not hold."""
    with instance(folder) as opened:
        found = opened.verify_ledger()
    if form == "json":
        say_json(found)
    else:
        for problem in found["problems"]:
            click.echo(f"✗ {problem}", err=True)
        if found["sound"]:
            click.echo(f"✓ {found['size']} entries, {found['checkpoints']} checkpoints: everything holds")
    if found["problems"]:
        sys.exit(4)


@ledger.command()
@click.pass_obj
def checkpoint(folder: str) -> None:
    """Sign the ledger's present state and print it (C2SP tlog-checkpoint)."""
    with instance(folder) as opened:
        click.echo(opened.checkpoint(), nl=False)


@ledger.command()
@click.pass_obj
def key(folder: str) -> None:
    """Print the ledger's public key."""
    with instance(folder) as opened:
        click.echo(opened.verifier_key)


COMMANDS = (ledger,)
