"""`publica query`: ask a question in SQL, citing an activity."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from publica.cli.common import instance, operator, printable, say_json
from publica.kernel.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from publica.gateway.door import Answer, Explanation
    from publica.kernel.errors import Refused

FORMATS = ("table", "csv", "json", "arrow", "parquet")
BINARY = ("arrow", "parquet")


@click.command()
@click.argument("sql")
@click.option("--as", "acting_as", required=True, metavar="ACTOR", help="The official who asks.")
@click.option("--activity", required=True, metavar="ID", help="The activity this use is part of.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="Form of the answer.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the answer to a file.")
@click.option(
    "--param", "params", multiple=True, metavar="NAME=VALUE", help="Value of $NAME (JSON, or text)."
)
@click.option("--explain", is_flag=True, help="Show the decision and the rewritten SQL; run nothing.")
@click.pass_context
def query(
    context: click.Context,
    sql: str,
    acting_as: str,
    activity: str,
    form: str,
    out: Path | None,
    params: tuple[str, ...],
    explain: bool,
) -> None:
    """Ask SQL under an activity. SQL may be `-` to read it from stdin.

    \b
    Examples:
      publica query --as ana --activity heating_grant \\
          "SELECT municipality, count(*) FROM population GROUP BY municipality"
      publica query --as ana --activity heating_grant --explain "SELECT name FROM population"
      publica query --as ana --activity heating_grant --param year=2025 --format csv --out in.csv \\
          "SELECT * FROM incomes WHERE year = $year"
    """
    from publica.gateway.door import Request

    context.meta["format"] = form
    if form in BINARY and out is None and sys.stdout.isatty():
        raise click.UsageError(f"{form} is not for a terminal. Give --out FILE, or pipe it.", context)
    if out is not None and not out.parent.is_dir():
        raise click.UsageError(f"There is no folder {out.parent} to write {out.name} to.", context)
    text = _stdin() if sql == "-" else sql
    request = Request(operator(acting_as), activity, text, dict(_param(p) for p in params))
    with instance(context.obj) as opened:
        if explain:
            _show_explanation(opened.explain(request), form)
            return
        from publica.cli.output import uncertainty

        answer = opened.use(request)
        _write(answer, form, out)
    counted = "1 row" if answer.rows == 1 else f"{answer.rows:,} rows"
    receipt = f"receipt {answer.receipt}" if answer.receipt else "open data, no receipt"
    click.echo(f"{receipt}: {counted}", err=True)
    for line in uncertainty(answer):
        click.echo(printable(line), err=True)


def _stdin() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise BadInput("What came on stdin is not UTF-8.", do="Save the statement as UTF-8.") from None


def _param(text: str) -> tuple[str, Any]:
    """A parameter's name and value."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise click.UsageError(f"--param takes NAME=VALUE, not {text!r}.")
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return name, value
    return name, value if isinstance(parsed, dict | list) else parsed


def _write(answer: Answer, form: str, out: Path | None) -> None:
    """Write the answer out. One that cannot be written is released all the same: its receipt stands."""
    from publica.cli.output import emit

    try:
        if out is None:
            emit(answer, form, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        else:
            _replace(out, lambda file: emit(answer, form, file))
    except BrokenPipeError:  # the reader has enough; nothing may be written at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise Unavailable(
            f"The answer could not be written to {out or 'standard output'} ({error.strerror}).",
            do=f"It counts as given out: receipt {answer.receipt}. Make room, then ask again.",
        ) from None


def _replace(out: Path, write: Callable[[IO[bytes]], None]) -> None:
    """Write a file beside `out`, then put it in its place: never half of it."""
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"written to {out}", err=True)


def _show_explanation(explanation: Explanation, form: str) -> None:
    from publica.wording import describe, sentence

    if form == "json":
        say_json(
            {**describe(explanation.decision), "sql": explanation.sql, "protection": explanation.protection}
        )
    else:
        for clause in explanation.decision.clauses:
            click.echo(printable(f"{'✓' if clause.holds else '✗'} {sentence(clause)}"))
        if explanation.sql:
            click.echo(f"\n{printable(explanation.sql)}")
        click.echo("\n(explained only; nothing was run)", err=True)
    if not explanation.decision.allowed:
        sys.exit(3)


def show_refusal(error: Refused) -> None:
    """The missing clauses on stderr; with --format json also as JSON on stdout."""
    from publica.wording import describe, sentence

    context = click.get_current_context(silent=True)
    if "json" in (context.meta.get("format") if context else None, _asked_format()):
        say_json({"refused": True, "receipt": error.receipt, **describe(error.decision)})
    click.echo("Refused:", err=True)
    for clause in error.decision.missing:
        click.echo(printable(f"✗ {sentence(clause)}  [{clause.reason}]"), err=True)
    if error.receipt:
        click.echo(f"receipt {error.receipt}", err=True)


def _asked_format() -> str | None:
    """The --format on the command line: the context is gone by the time an error is reported."""
    words = sys.argv[1:]
    after = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--format"]
    return next(iter(after), next((w.partition("=")[2] for w in words if w.startswith("--format=")), None))


COMMANDS = (query,)
