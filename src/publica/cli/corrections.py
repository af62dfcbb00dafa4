"""`publica corrections`: what people say is wrong about their data, and the answers."""

from __future__ import annotations

import click

from publica.cli.choice import subject_option
from publica.cli.common import as_option, format_option, instance, operator, say_json, table

words_option = click.option("--words", required=True, help="In whose words; the other side reads them.")


@click.group()
def corrections() -> None:
    """Requests of people about their own data: ask, list, open, answer.

    \b
    Example: publica corrections list --as sam
    """


@corrections.command()
@subject_option
@click.option("--dataset", required=True, metavar="ID", help="Whose data is wrong.")
@click.option("--column", default="", metavar="NAME", help="Which column, if one knows.")
@words_option
@click.pass_obj
def ask(folder: str, key: str, dataset: str, column: str, words: str) -> None:
    """Record what a person says is wrong; whoever answers for the data has four weeks.

    \b
    Example: publica corrections ask --subject P-0000001 --dataset incomes --words "2024 is too high."
    """
    from publica.instance import citizens

    with instance(folder) as opened:
        made = citizens.ask_correction(opened, key, dataset, column, words, operator("operator"))
    click.echo(f"{made.id}: to be answered by {made.organisation} until {made.due_at.date()}.")


@corrections.command("list")
@as_option
@format_option
@click.pass_obj
def waiting(folder: str, acting_as: str, form: str) -> None:
    """List what waits for an official, most urgent first.

    \b
    Example: publica corrections list --as rosa
    """
    from publica.instance import citizens

    with instance(folder) as opened:
        found = citizens.to_answer(opened, operator(acting_as))
    rows = [
        [each.id, str(each.what), each.dataset or each.organisation, each.due_at.date()] for each in found
    ]
    if form == "json":
        say_json([dict(zip(("id", "what", "about", "due"), map(str, row), strict=True)) for row in rows])
    elif rows:
        click.echo(table(["id", "what", "about", "due"], rows))
    else:
        click.echo("Nothing waits.")


@corrections.command()
@click.argument("name", metavar="ID")
@as_option
@click.pass_obj
def show(folder: str, name: str, acting_as: str) -> None:
    """Open one: who asks, in which words. That it was opened is entered in the ledger.

    \b
    Example: publica corrections show rrq_7k3m… --as rosa
    """
    from publica.instance import citizens

    with instance(folder) as opened:
        found = citizens.open_request(opened, name, operator(acting_as))
    say_json({**citizens.request_as_json(found), "person": found.content.person})


@corrections.command()
@click.argument("name", metavar="ID")
@click.option("--done/--declined", required=True, default=None, help="What became of it.")
@words_option
@as_option
@click.pass_obj
def answer(folder: str, name: str, done: bool, words: str, acting_as: str) -> None:
    """Answer one. It changes no data: correct it where it is kept, and load it.

    \b
    Example: publica corrections answer rrq_7k3m… --done --words "It is corrected." --as rosa
    """
    from publica.instance import citizens

    with instance(folder) as opened:
        made = citizens.answer(opened, name, done=done, words=words, actor=operator(acting_as))
    click.echo(f"{made.id}: {made.state}.")


COMMANDS = (corrections,)
