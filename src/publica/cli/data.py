"""`publica load`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json


@click.command()
@click.argument("dataset")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Check every row, and publish nothing.")
@as_option
@format_option
@click.pass_obj
def load(
    folder: str, dataset: str, files: tuple[Path, ...], dry_run: bool, acting_as: str, form: str
) -> None:
    """Load FILES (CSV, Parquet, JSON lines) as the next version of DATASET.

    Every row is checked against the dataset's schema; one bad row and nothing is published.

    \b
    Example: publica load population people.csv
    """
    with instance(folder) as opened, _Progress(form) as progress:
        report = opened.load(dataset, files, operator(acting_as), progress=progress.step, dry_run=dry_run)
    if form == "json":
        say_json(report.as_json())
        return
    for file in report.files:
        click.echo(f"  {file.summary()}")
    if dry_run:
        click.echo(f"{dataset}: every row fits the schema (dry run: nothing was published)")
    else:
        click.echo(f"{report.version.id} published: {report.version.rows} rows")


class _Progress:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, form: str) -> None:
        self._shown = form == "table" and sys.stderr.isatty()
        self._stage = ""

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._stage:
            click.echo(err=True)

    def step(self, done: int, total: int, stage: str) -> None:
        if not self._shown:
            return
        share = done / total if total else 1.0
        bar = "█" * int(share * 30)
        self._stage = stage
        click.echo(f"\r  {stage:<20} {bar:<30} {share:4.0%}", nl=False, err=True)


COMMANDS = (load,)
