"""`publica demo`: a fictional municipality to try everything on."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-instance",
    show_default=True,
    help="Where to build it.",
)
@click.option(
    "--persons",
    type=click.IntRange(min=100),
    default=50_000,
    show_default=True,
    help="How many synthetic people.",
)
@click.option("--no-serve", is_flag=True, help="End after the tour.")
def demo(folder: Path, persons: int, no_serve: bool) -> None:
    """Build a fictional municipality with synthetic people and walk through what Publica does.

    \b
    Example: publica demo --dir /tmp/town --persons 10000
    """
    from publica.demo.tour import run

    run(folder, persons, click.echo, serve=not no_serve)


COMMANDS = (demo,)
