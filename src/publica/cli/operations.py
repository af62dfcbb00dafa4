"""`publica backup`, `restore`, `upgrade`, `keys`: running an instance over the years."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json, table

state_option = click.option(
    "--state", metavar="URL", help="PostgreSQL database of the state: postgresql://USER@HOST/NAME"
)
kind_argument = click.argument("kind", type=click.Choice(["ledger", "sealing", "pseudonym", "directory"]))
NO_KEYS = (
    "THE SECRET KEYS ARE NOT IN THIS BACKUP. Keep keys/ elsewhere, or nothing restored from it can be used: "
    "no receipt signed, no original opened. With --with-keys they are in it; guard it then like the keys."
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--with-keys", is_flag=True, help="Put the secret keys into the backup, too.")
@click.pass_obj
def backup(folder: str, file: Path, with_keys: bool) -> None:
    """Write a backup of the whole instance to FILE, while it serves.

    \b
    Example: publica backup /backups/2026-11-23.tar
    """
    from publica.instance.backup import back_up

    with instance(folder) as opened:
        done = back_up(opened, file, with_keys=with_keys)
    click.echo(f"{len(done.files)} files, {sum(done.rows.values())} rows, {done.size} bytes: {file}")
    if not with_keys:
        click.echo(NO_KEYS, err=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@state_option
@click.option("--accept-loss", is_flag=True, help="Go on behind a published checkpoint; the ledger says so.")
@as_option
def restore(file: Path, folder: Path, state: str | None, accept_loss: bool, acting_as: str) -> None:
    """Make the instance of the backup FILE in the new folder FOLDER; all of it or nothing.

    \b
    Example: publica restore /backups/2026-11-23.tar office --state postgresql://publica@db/office
    """
    from publica.instance.restore import restore as make

    done = make(file, folder, operator(acting_as), state=state, accept_loss=accept_loss)
    click.echo(f"{done['files']} files and {done['rows']} rows restored to {folder}")
    if done["lost"]:
        _say_lost(done["lost"])
    if not done["keys"]:
        click.echo(f"Now put the secret keys into {folder / 'keys'}: the backup does not hold all.", err=True)
        if done["behind"]:
            click.echo("Then accept what is lost: publica ledger recover --accept-loss", err=True)


@click.command()
@click.pass_obj
def upgrade(folder: str) -> None:
    """Bring the state database to the schema of this version of Publica. Make a backup first.

    \b
    Example: publica upgrade
    """
    from publica.instance.upgrade import upgrade as bring

    before, after = bring(Path(folder))
    done = "is up to date" if before == after else f"was upgraded from schema {before}"
    click.echo(f"The state database {done} (schema {after}).")


@click.command()
@click.option(
    "--accept-loss", is_flag=True, required=True, help="What was published and is missing, is lost."
)
@as_option
@click.pass_obj
def recover(folder: str, accept_loss: bool, acting_as: str) -> None:  # noqa: ARG001 (asked for, so given)
    """Go on with a state that is behind a published checkpoint. The ledger will say what was lost.

    Choices that people made after that state are gone: ask them again, or take them from elsewhere, before
    anybody uses their data.

    \b
    Example: publica ledger recover --accept-loss
    """
    from publica.instance.recovery import recover as accept

    _say_lost(accept(Path(folder), operator(acting_as)))


def _say_lost(lost: dict[str, Any]) -> None:
    click.echo(
        f"The ledger goes on from {lost['state']} entries; {lost['published']} had been published. The "
        f"checkpoint that it contradicts is kept in {lost['kept']}. Choices made since are gone: ask those "
        "people again."
    )


@click.group("keys")
def keys_group() -> None:
    """The instance's secret keys: list them, replace one, draw one anew that was lost.

    \b
    Example: publica keys list
    """


@keys_group.command("list")
@format_option
@click.pass_obj
def list_keys(folder: str, form: str) -> None:
    """List the keys by their fingerprints.

    \b
    Example: publica keys list
    """
    from publica.instance.keyring import listed

    found = listed(Path(folder))
    if form == "json":
        say_json(found)
        return
    click.echo(table(list(found[0]), [list(each.values()) for each in found]))


@keys_group.command()
@kind_argument
@as_option
@click.pass_obj
def rotate(folder: str, kind: str, acting_as: str) -> None:
    """Replace a key. Restart every server afterwards.

    ledger: later checkpoints are signed with the new key; publish the new ledger.pub. sealing: what was
    sealed before stays readable. pseudonym: everybody gets new pseudonyms. directory: cannot be replaced.

    \b
    Example: publica keys rotate ledger
    """
    from publica.instance.keyring import rotate as replace

    done = replace(Path(folder), kind, operator(acting_as))
    click.echo(f"The {kind} key {done['old']} was replaced by {done['new']}. Restart every server.")


@keys_group.command()
@kind_argument
@as_option
@click.pass_obj
def create(folder: str, kind: str, acting_as: str) -> None:
    """Draw a key that was lost anew. What the old one alone could do is gone: docs/operations.md.

    \b
    Example: publica keys create ledger
    """
    from publica.instance.keyring import create as draw

    done = draw(Path(folder), kind, operator(acting_as))
    click.echo(f"A new {kind} key, {done['new']}, is in place.")


COMMANDS = (backup, restore, upgrade, keys_group)
