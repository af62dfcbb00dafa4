"""`publica request`, `publica queue`, `publica oversight`: after a refusal, and for those who oversee it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json, table

if TYPE_CHECKING:
    from publica.governance.capacity import AccessRequest

acting = click.option("--as", "acting_as", required=True, metavar="ACTOR", help="The official who does it.")


@click.group()
def request() -> None:
    """Ask whoever can supply what a refusal lacked; answer; take it back.

    \b
    Example: publica request lacked --as ana --use use_7k3m…
    """


@request.command()
@acting
@click.option("--use", required=True, metavar="ID", help="Receipt of the refusal.")
@format_option
@click.pass_obj
def lacked(folder: str, acting_as: str, use: str, form: str) -> None:
    """Say what a refusal of one's own lacked, and whom to ask for it.

    \b
    Example: publica request lacked --as ana --use use_7k3m…
    """
    from publica.instance import requests

    with instance(folder) as opened:
        found = requests.refusal(opened, use, operator(acting_as))
    rows = [[gap.reason, gap.about, gap.answering, gap.official] for gap in found.gaps]
    names = ["reason", "about", "organisation", "official"]
    if form == "json":
        say_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        click.echo(table(names, rows))


@request.command()
@acting
@click.option("--use", required=True, metavar="ID", help="Receipt of the refusal.")
@click.option("--reason", required=True, help="What was missing: a code that `lacked` names.")
@click.option("--about", required=True, metavar="RECORD", help="Of which record, as dataset:population.")
@click.option("--words", required=True, help="Why it is needed.")
@click.pass_obj
def ask(folder: str, acting_as: str, use: str, reason: str, about: str, words: str) -> None:
    """Ask for one thing that a refusal lacked. The clock starts: 28 days.

    \b
    Example: publica request ask --as ana --use use_7k3m… --reason columns-in-activity \\
                 --about activity:heating_grant --words "Letters need an address."
    """
    from publica.instance import requests

    with instance(folder) as opened:
        made = requests.ask(opened, use, reason, about, words, operator(acting_as))
    click.echo(f"{made.id}: {made.addressee} is asked, and has until {made.due_at:%Y-%m-%d}")


@request.command()
@click.argument("name")
@acting
@click.option("--agree/--decline", "agreed", required=True, default=None, help="The answer.")
@click.option("--why", required=True, help="The reason.")
@click.pass_obj
def answer(folder: str, name: str, acting_as: str, agreed: bool, why: str) -> None:
    """Answer the request NAME, with a reason.

    \b
    Example: publica request answer req_7k3m… --as ivo --decline --why "Totals are enough."
    """
    from publica.instance import requests

    with instance(folder) as opened:
        done = requests.answer(opened, name, agreed=agreed, why=why, actor=operator(acting_as))
    click.echo(f"{done.id}: {done.state}")


@request.command()
@click.argument("name")
@acting
@click.pass_obj
def withdraw(folder: str, name: str, acting_as: str) -> None:
    """Take the request NAME of one's own back.

    \b
    Example: publica request withdraw req_7k3m… --as ana
    """
    from publica.instance import requests

    with instance(folder) as opened:
        done = requests.withdraw(opened, name, operator(acting_as))
    click.echo(f"{done.id}: {done.state}")


@request.command("list")
@click.option("--of", "party", metavar="ACTOR", help="Only those that this official made or was asked.")
@click.option("--open", "open_only", is_flag=True, help="Only those that wait for an answer.")
@format_option
@click.pass_obj
def listed(folder: str, party: str | None, open_only: bool, form: str) -> None:
    """List requests, newest first.

    \b
    Example: publica request list --of ana --open
    """
    from publica.governance.capacity import listing

    with instance(folder) as opened, opened.db.read() as connection:
        state = "open" if open_only else None
        found = listing.listed(connection, state=state, party=party, limit=1000)
    rows = [_row(each) for each in found]
    names = ["id", "state", "reason", "about", "asker", "addressee", "due"]
    if form == "json":
        say_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        click.echo(table(names, rows) if rows else "Nobody has asked for anything.")


def _row(found: AccessRequest) -> list[str]:
    plain = [found.id, str(found.state), found.reason, found.about, found.by.id, found.addressee]
    return [*plain, f"{found.due_at:%Y-%m-%d}"]


@click.command()
@click.option("--as", "acting_as", metavar="ACTOR", help="What waits for this official; for anybody without.")
@format_option
@click.pass_obj
def queue(folder: str, acting_as: str | None, form: str) -> None:
    """List what waits for an answer, most urgent first.

    \b
    Example: publica queue --as sam
    """
    from publica.instance import duties
    from publica.kernel import clock

    with instance(folder) as opened:
        found = duties.queue(opened, operator(acting_as)) if acting_as else duties.everything(opened)
    now = clock.now()
    if form == "json":
        say_json([each.as_json(now) for each in found])
    elif not found:
        click.echo("Nothing waits.")
    else:
        rows = [[each.kind, each.id, each.what, each.about, each.days_left(now)] for each in found]
        click.echo(table(["kind", "id", "what", "about", "days left"], rows))


@click.group()
def oversight() -> None:
    """For those who oversee: what is missing, what ends, what is refused, whom an actor touched.

    \b
    Example: publica oversight holes
    """


@oversight.command()
@format_option
@click.pass_obj
def holes(folder: str, form: str) -> None:
    """List the holes in accountability: nobody answers, or something is missing.

    \b
    Example: publica oversight holes
    """
    from publica.instance import duties

    with instance(folder) as opened:
        _, found = duties.found_holes(opened)
    rows = [[hole.kind.value, hole.record, hole.concerns, hole.detail, hole.stops] for hole in found]
    names = ["kind", "record", "concerns", "detail", "stops data"]
    if form == "json":
        say_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        click.echo(table(names, rows) if rows else "There are none.")


@oversight.command()
@click.option(
    "--days", type=click.IntRange(min=1), default=90, show_default=True, help="Within so many days."
)
@format_option
@click.pass_obj
def endings(folder: str, days: int, form: str) -> None:
    """List agreements, activities, laws and roles that end soon.

    \b
    Example: publica oversight endings --days 30
    """
    from publica.instance import duties

    with instance(folder) as opened:
        found = duties.found_endings(opened, days)
    rows = [[each.record.name, str(each.last), ", ".join(each.carries)] for each in found]
    names = ["record", "last day", "activities"]
    if form == "json":
        say_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        click.echo(table(names, rows) if rows else f"Nothing ends within {days} days.")


@oversight.command()
@click.option("--days", type=click.IntRange(min=1), default=90, show_default=True, help="Of so many.")
@format_option
@click.pass_obj
def refusals(folder: str, days: int, form: str) -> None:
    """Rank refusals by what was missing.

    \b
    Example: publica oversight refusals --days 30
    """
    from publica.kernel import clock
    from publica.trust.transparency.refusals import ranked

    now = clock.now()
    with instance(folder) as opened, opened.db.read() as connection:
        found = ranked(connection, now - timedelta(days=days), now + timedelta(seconds=1))
    rows = [[each.reason, each.times, each.latest[:10], ", ".join(each.activities)] for each in found]
    names = ["missing", "times", "latest", "activities"]
    if form == "json":
        say_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        click.echo(table(names, rows) if rows else f"Nothing was refused in {days} days.")


@oversight.command()
@click.argument("about", metavar="ACTOR")
@click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day (UTC).")
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last day (UTC).")
@click.option("--why", required=True, help="Why it must be known; kept with the report.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the keys here, as CSV.")
@as_option
@click.pass_obj
def breach(
    folder: str,
    about: str,
    since: datetime,
    until: datetime,
    why: str,
    out: Path | None,
    acting_as: str,
) -> None:
    """Find everyone whom ACTOR's uses touched in a period. The report is sealed, and entered in the ledger.

    \b
    Example: publica oversight breach ana --since 2026-11-01 --until 2026-11-20 --why "A stolen laptop."
    """
    from publica.instance import breach as reports

    begin, end = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC) + timedelta(days=1)
    with instance(folder) as opened:
        made = reports.report(opened, about, begin, end, why, operator(acting_as))
        people = reports.persons(opened, made) if out is not None else []
    if out is not None:
        out.touch(mode=0o600)
        out.write_text("person,row_left\n" + "".join(f"{key},{left}\n" for key, left in people), "utf-8")
    touched, left = len(made.touched | made.left), len(made.left)
    uses = "1 use" if len(made.uses) == 1 else f"{len(made.uses):,} uses"
    click.echo(f"{made.id}: {uses} touched {touched:,} people; the rows of {left:,} left")


COMMANDS = (request, queue, oversight)
