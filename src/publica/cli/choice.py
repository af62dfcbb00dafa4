"""`publica choice`: a person's own choices."""

from __future__ import annotations

from pathlib import Path

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json

subject_option = click.option("--subject", "key", required=True, metavar="KEY", help="The person's key.")
activity_option = click.option("--activity", required=True, metavar="ID", help="The activity.")


@click.group()
def choice() -> None:
    """Consents and objections: grant, withdraw, object, look, or load many.

    \b
    Example: publica choice withdraw --subject P-0000001 --activity health_research
    """


def _make(action: str, meaning: str, activity: str) -> click.Command:
    example = f"publica choice {action} --subject P-0000001 --activity {activity}"

    @choice.command(action, help=f"{meaning}\n\n\b\nExample: {example}")
    @subject_option
    @activity_option
    @as_option
    @format_option
    @click.pass_obj
    def command(folder: str, key: str, activity: str, acting_as: str, form: str) -> None:
        with instance(folder) as opened:
            made = opened.choose(key, activity, action, operator(acting_as))
        if form == "json":
            say_json(made)
            return
        click.echo(_sentence(made))

    return command


_make("grant", "Consent to an activity that rests on consent.", "health_research")
_make("withdraw", "Take a consent or an objection back.", "health_research")
_make("object", "Object to an activity that gives the right to.", "labour_statistics")


@choice.command()
@subject_option
@activity_option
@format_option
@click.pass_obj
def status(folder: str, key: str, activity: str, form: str) -> None:
    """Show whether a person's data may be used by an activity, and since when.

    \b
    Example: publica choice status --subject P-0000001 --activity health_research
    """
    with instance(folder) as opened:
        found = opened.choice_status(key, activity)
    if form == "json":
        say_json(found)
        return
    click.echo(_sentence(found))
    for line in found["history"]:
        click.echo(f"  {line['at']}  {line['action']}")


@choice.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@activity_option
@as_option
@format_option
@click.pass_obj
def load_many(folder: str, file: Path, activity: str, acting_as: str, form: str) -> None:
    """Load many choices at once from a CSV FILE with the columns person_key and action.

    \b
    Example: publica choice load choices.csv --activity health_research
    """
    with instance(folder) as opened:
        counts = opened.choose_many(file, activity, operator(acting_as))
    if form == "json":
        say_json({"activity": activity, "loaded": counts})
        return
    click.echo(
        f"{activity}: " + (", ".join(f"{n} × {action}" for action, n in counts.items()) or "no choices")
    )


def _sentence(state: dict[str, object]) -> str:
    may = "may be used" if state["allowed"] else "may not be used"
    again = "" if state.get("changed", True) else " (nothing changed: this was so already)"
    return f"{state['subject']}: data {may} by {state['activity']}{again}"


COMMANDS = (choice,)
