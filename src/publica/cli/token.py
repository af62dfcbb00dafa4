"""`publica token`: API tokens of officials and of the machines that act as them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json, table

if TYPE_CHECKING:
    from publica.governance.identity.credentials import Token

SCOPES = ("metrics", "tracker")
LONGEST_DAYS, USUAL_DAYS = 365, 90


@click.group()
def token() -> None:
    """API tokens: make, list, revoke.

    \b
    Example: publica token create --for ana --name nightly --activity heating_aid
    """


@token.command()
@click.option("--for", "holder", required=True, metavar="OFFICIAL", help="The official whose token it is.")
@click.option("--name", required=True, help="What it is for, in a few words.")
@click.option(
    "--activity", "activities", multiple=True, metavar="ID", help="An activity it may cite; may be repeated."
)
@click.option("--every-activity", is_flag=True, help="It may cite whatever the official may.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What it may do besides; may be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=USUAL_DAYS,
    show_default=True,
    help="How long it is good.",
)
@as_option
@format_option
@click.pass_obj
def create(
    folder: str,
    holder: str,
    name: str,
    activities: tuple[str, ...],
    every_activity: bool,
    scopes: tuple[str, ...],
    days: int,
    acting_as: str,
    form: str,
) -> None:
    """Make a token and print it, this once. Keep it as you keep a password.

    \b
    Example: publica token create --for ana --name nightly --activity heating_aid --days 30
             publica token create --for robot --name prometheus --scope metrics
    """
    from publica.instance import credentials

    if every_activity and activities:
        raise click.UsageError("Name activities, or every one; not both.")
    with instance(folder) as opened:
        made, text = credentials.create(
            opened,
            holder,
            name,
            operator(acting_as),
            activities=None if every_activity else activities,
            scopes=scopes,
            days=days,
        )
    if form == "json":
        say_json({**made.as_json(), "token": text})
        return
    click.echo(text)
    click.echo(
        f"This is {made.id}, good until {made.expires_at:%Y-%m-%d}. It is shown this once only.", err=True
    )


@token.command("list")
@as_option
@format_option
@click.pass_obj
def list_(folder: str, acting_as: str, form: str) -> None:
    """List tokens, the newest first: whose, what for, until when, and in which hour each was used last.

    \b
    Example: publica token list
             publica token list --as ana
    """
    from publica.instance import credentials

    with instance(folder) as opened:
        found = credentials.listing(opened, operator(acting_as))
    if form == "json":
        say_json([one.as_json() for one in found])
    elif not found:
        click.echo("There are no tokens.")
    else:
        headings = ["token", "of", "name", "activities", "scopes", "until", "last used", "state"]
        click.echo(table(headings, [_row(one) for one in found]))


@token.command()
@click.argument("token_id", metavar="ID")
@as_option
@click.pass_obj
def revoke(folder: str, token_id: str, acting_as: str) -> None:
    """Revoke the token ID: from now on it lets nobody in.

    \b
    Example: publica token revoke tok_7k3mq0v2h8xw5c1d9e4f
    """
    from publica.instance import credentials

    with instance(folder) as opened:
        now = credentials.revoke(opened, token_id, operator(acting_as))
    click.echo(f"{token_id} is revoked." if now else f"{token_id} was revoked before.")


def _row(one: Token) -> list[str]:
    from publica.kernel import clock

    state = "revoked" if one.revoked_at else "good" if one.good(clock.now()) else "expired"
    activities = "every" if one.activities is None else ", ".join(sorted(one.activities))
    used = "never" if one.last_used is None else f"{one.last_used:%Y-%m-%d %Hh}"
    until = f"{one.expires_at:%Y-%m-%d}"
    return [one.id, one.holder, one.name, activities, ", ".join(sorted(one.scopes)), until, used, state]


COMMANDS = (token,)
