"""`publica init`, `apply`, `export`, `accountable`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json, table
from publica.cli.operations import state_option

if TYPE_CHECKING:
    from publica.kernel.records import Difference

SIGN = {"added": "+", "changed": "~", "unchanged": "="}


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--origin", help="Name of its ledger, unique in the world, e.g. data.example.gov/ledger.")
@state_option
def init(folder: Path, origin: str | None, state: str | None) -> None:
    """Make a new instance in FOLDER: settings, keys, state database, data folder.

    \b
    Example: publica init my-office
    Example: publica init my-office --state postgresql://publica@db.example.gov/office
    """
    from publica.instance import Instance

    made = Instance.create(folder, origin, state)
    key = made.verifier_key
    made.close()
    click.echo(f"An instance is ready in {folder}. Its ledger is verified with this public key:\n  {key}")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@as_option
@format_option
@click.pass_obj
def apply(folder: str, paths: tuple[Path, ...], dry_run: bool, acting_as: str, form: str) -> None:
    """Bring the records to what the YAML documents in PATHS say: all of them or none.

    \b
    Example: publica apply records/ --dry-run
    """
    with instance(folder) as opened:
        differences = opened.apply(paths, operator(acting_as), dry_run=dry_run)
    if form == "json":
        say_json([_difference(difference) for difference in differences])
        return
    for difference in differences:
        click.echo(f"{SIGN[difference.what]} {difference.kind} {difference.id}")
        if difference.what == "changed":
            for change in difference.changes:
                click.echo(f"    {change.path}: {change.before!r} → {change.after!r}")
    counts = [sum(d.what == what for d in differences) for what in SIGN]
    mode = " (dry run: nothing was changed)" if dry_run else ""
    click.echo(f"{counts[0]} added, {counts[1]} changed, {counts[2]} unchanged{mode}")


def _difference(difference: Difference) -> dict[str, object]:
    changes = [{"path": c.path, "before": c.before, "after": c.after} for c in difference.changes]
    return {"kind": difference.kind, "id": difference.id, "what": difference.what, "changes": changes}


@click.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def export(folder: str, target: Path) -> None:
    """Write every current record as YAML into TARGET; applying them gives the same state.

    \b
    Example: publica export backup-of-records/
    """
    with instance(folder) as opened:
        written = opened.export(target)
    click.echo(f"{len(written)} records written to {target}")


@click.command()
@click.argument("dataset")
@click.option("--at", type=click.DateTime(["%Y-%m-%d"]), help="On that day; today when left out.")
@format_option
@click.pass_obj
def accountable(folder: str, dataset: str, at: date | None, form: str) -> None:
    """Say who answers for DATASET.

    \b
    Example: publica accountable population --at 2026-03-01
    """
    with instance(folder) as opened:
        found = opened.accountable(dataset, at)
    if form == "json":
        say_json(found)
        return
    click.echo(table(list(found), [list(found.values())]))


COMMANDS = (init, apply, export, accountable)
