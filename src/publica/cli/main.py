"""The command's root: which commands there are, and how errors become exit codes.

Exit codes: 0 done, 1 bad input, 2 usage, 3 refused, 4 integrity, 5 unavailable or timed out.
"""

from __future__ import annotations

import os
import sys
import traceback

import click

from publica import __version__
from publica.cli import (
    choice,
    corrections,
    data,
    demo,
    ledger,
    operations,
    query,
    records,
    requests,
    serve,
    token,
    uses,
)
from publica.cli.common import printable
from publica.kernel.errors import BadInput, IntegrityBroken, PublicaError, Refused, Unavailable

EXIT = ((BadInput, 1), (Refused, 3), (IntegrityBroken, 4), (Unavailable, 5))
INTERRUPTED, FAULT = 130, 5


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="publica")
@click.option(
    "--instance",
    "folder",
    envvar="PUBLICA_INSTANCE",
    default=".",
    show_default="the current folder",
    type=click.Path(file_okay=False),
    help="The instance's folder (also: PUBLICA_INSTANCE).",
)
@click.pass_context
def publica(context: click.Context, folder: str) -> None:
    """Every use of public data governed, useful, and visible to the people it is about.

    \b
    Try it:             publica demo
    Start an instance:  publica init my-office && cd my-office
    """
    context.obj = folder


for command in (
    *records.COMMANDS,
    *data.COMMANDS,
    *query.COMMANDS,
    *requests.COMMANDS,
    *choice.COMMANDS,
    *corrections.COMMANDS,
    *uses.COMMANDS,
    *ledger.COMMANDS,
    *operations.COMMANDS,
    *token.COMMANDS,
    *serve.COMMANDS,
    *demo.COMMANDS,
):
    publica.add_command(command)


def main() -> None:
    """Run the command and exit with its code."""
    try:
        _require_text(sys.argv[1:])
        code = publica(standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; what was not finished was undone.", err=True)
        code = INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # the reader went away; nothing more to say
        code = 0
    except PublicaError as error:
        code = report(error)
    except OSError as error:
        code = unusable(error)
    except Exception as error:  # noqa: BLE001 (no traceback reaches a user)
        code = fault(error)
    sys.exit(code)


def _require_text(words: list[str]) -> None:
    """Refuse what is no text (the system hands over any bytes): it could be neither kept nor printed."""
    for number, word in enumerate(words, 1):
        try:
            word.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"Argument {number} is not UTF-8.") from None


def unusable(error: OSError) -> int:
    """A file that cannot be read or written."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    click.echo(f"publica: {what}. Check the path, its permissions and the room on its disk.", err=True)
    return 5


def report(error: PublicaError) -> int:
    """Tell the person what happened; returns the exit code."""
    if isinstance(error, Refused):
        query.show_refusal(error)
    else:
        click.echo(printable(f"publica: {error}"), err=True)
    return next(code for kind, code in EXIT if isinstance(error, kind))


def fault(error: Exception) -> int:
    """A fault of ours: one line; the traceback only when PUBLICA_DEBUG is set."""
    if os.environ.get("PUBLICA_DEBUG"):
        traceback.print_exception(error)
    name = type(error).__name__
    click.echo(
        f"publica: a fault inside Publica ({name}). Set PUBLICA_DEBUG=1 to see where, and report it.",
        err=True,
    )
    return FAULT
