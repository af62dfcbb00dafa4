"""`publica choice`: a person's own choices."""

from __future__ import annotations

from pathlib import Path

import click

from publica.cli.common import as_option, format_option, instance, operator, say_json

subject_option = click.option("--subject", "key", required=True, metavar="KEY", help="The person's key.")
activity_option = click.option("--activity", required=True, metavar="ID", help="The activity.")


@click.group()
def choice() -> None:
    """Consents and objections: grant, refuse, withdraw, object, look, load.

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
_make("refuse", "Say no to an activity that asks for consent.", "health_research")
_make("withdraw", "Take a consent back, or an objection where one can be made.", "health_research")
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
@click.option("--terms", metavar="HASH", help="The terms that its consents were given to.")
@as_option
@format_option
@click.pass_obj
def load_many(folder: str, file: Path, activity: str, terms: str | None, acting_as: str, form: str) -> None:
    """Load many choices at once from a CSV FILE with the columns person_key and action.

    A consent is to the terms that people read: once those of the activity have changed, --terms must name
    them (`publica choice notice` shows their hash), and consents to other terms than hold are not taken.

    \b
    Example: publica choice load choices.csv --activity health_research
    """
    from publica.trust.consent.terms import Shown

    shown = None if terms is None else Shown(terms)
    with instance(folder) as opened:
        counts = opened.choose_many(file, activity, operator(acting_as), shown=shown)
    if form == "json":
        say_json({"activity": activity, "loaded": counts})
        return
    click.echo(
        f"{activity}: " + (", ".join(f"{n} × {action}" for action, n in counts.items()) or "no choices")
    )


@choice.command()
@activity_option
@click.option(
    "--language", type=click.Choice(["en", "fr"]), default="en", show_default=True, help="Language."
)
@format_option
@click.pass_obj
def notice(folder: str, activity: str, language: str, form: str) -> None:
    """Show the notice of an activity that asks for consent, how plain it is, and how it was understood.

    \b
    Example: publica choice notice --activity health_research --language fr
    """
    from publica.instance import citizens
    from publica.kernel.errors import BadInput
    from publica.wording import notice as wording

    with instance(folder) as opened:
        book = opened.book()
        record = book.get("activity", activity)
        version = None if record is None else citizens.notice(opened, record, book)
        if version is None:
            raise BadInput(
                f"No consent is asked for {activity!r}.", do="Name an activity that rests on consent."
            )
        understood = citizens.understood(opened, activity)
    made = wording.compiled(version.terms, wording.names_of(book, language), language, version.question)
    answers = [{"version": each.version, "asked": each.asked, "passed": each.passed} for each in understood]
    if form == "json":
        facts = {"activity": activity, "version": version.version, "terms": version.hash, "ease": made.ease}
        say_json({**facts, "text": made.text, "understood": answers})
        return
    click.echo(made.text)
    click.echo(f"Version {version.version}, terms {version.hash}; reading ease {made.ease}.")
    for each in answers:
        click.echo(f"Version {each['version']}: {each['passed']} of {each['asked']} answers were right.")


@choice.command("receipt")
@subject_option
@activity_option
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.pass_obj
def signed_receipt(folder: str, key: str, activity: str, out: Path) -> None:
    """Write the signed receipt (ISO/IEC TS 27560) of a person's last choice; `publica verify` checks it.

    \b
    Example: publica choice receipt --subject P-0000001 --activity health_research --out receipt.json
    """
    import json

    from publica.instance import citizens

    with instance(folder) as opened:
        made = citizens.receipt(opened, key, activity)
    out.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    click.echo(f"Receipt written to {out}. Anyone can check it: publica verify {out} --key KEYFILE")


def _sentence(state: dict[str, object]) -> str:
    may = "may be used" if state["allowed"] else "may not be used"
    again = "" if state.get("changed", True) else " (nothing changed: this was so already)"
    return f"{state['subject']}: data {may} by {state['activity']}{again}"


COMMANDS = (choice,)
