"""`publica load`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json

if TYPE_CHECKING:
    from publica.data.model import FileReport, LoadReport


@click.command()
@click.argument("dataset")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Check every row, and publish nothing.")
@click.option("--empty", is_flag=True, help="The dataset is to have no rows from now on.")
@as_option
@format_option
@click.pass_obj
def load(
    folder: str,
    dataset: str,
    files: tuple[Path, ...],
    dry_run: bool,
    empty: bool,
    acting_as: str,
    form: str,
) -> None:
    """Load FILES (CSV, Parquet, JSON lines) as the next version of DATASET.

    Every row is checked against the dataset's schema; one bad row and nothing is published.

    \b
    Example: publica load population people.csv
    """
    with instance(folder) as opened, _Progress(form) as progress:
        report = opened.load(
            dataset,
            files,
            operator(acting_as),
            progress=progress.step,
            dry_run=dry_run,
            allow_empty=empty,
        )
    if form == "json":
        say_json(_as_json(report))
        return
    for file in report.files:
        click.echo(f"  {_summary(file)}")
        for warning in file.warnings:
            click.echo(f"    {warning}")
    people = f", {report.new_subjects:,} new people" if report.new_subjects else ""
    if report.version is None:
        click.echo(f"{dataset}: {report.rows:,} rows fit the schema (dry run: nothing was published)")
    else:
        click.echo(f"{report.version.id} published: {report.rows:,} rows{people}")


def _summary(file: FileReport) -> str:
    """What was measured of one file."""
    how = [file.format]
    if file.encoding:
        how.append(f"{file.encoding} ({file.encoding_found})")
    if file.delimiter:
        how.append(f"delimiter {file.delimiter!r}")
    return f"{file.name}: {file.rows:,} rows × {file.columns} columns, {', '.join(how)}"


def _as_json(report: LoadReport) -> dict[str, object]:
    version = report.version
    return {
        "dataset": report.dataset,
        "version": version and {"id": version.id, "rows": version.rows, "digest": version.digest},
        "rows": report.rows,
        "new_subjects": report.new_subjects,
        "files": [asdict(file) for file in report.files],
    }


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
