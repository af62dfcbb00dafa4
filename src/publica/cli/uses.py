"""`publica uses`, `publica verify`: what was done with a person's data, and the proof of it."""

from __future__ import annotations

from pathlib import Path

import click

from publica.cli.choice import subject_option
from publica.cli.common import as_option, format_option, instance, operator, say_json, table

HOW = {"left": "your row left", "total": "in a total", "looked through": "looked through"}


@click.group(invoke_without_command=True)
@click.option("--subject", "key", metavar="KEY", help="The person's key.")
@as_option
@format_option
@click.pass_context
def uses(context: click.Context, key: str | None, acting_as: str, form: str) -> None:
    """List the uses of one person's data, newest first; or prove one.

    \b
    Example: publica uses --subject P-0000001
             publica uses prove --subject P-0000001 --use use_7k3m… --out proof.json
    """
    if context.invoked_subcommand:
        return
    if key is None:
        raise click.UsageError("Whose? Give --subject KEY.", context)
    with instance(context.obj) as opened:
        found = opened.uses(key, operator(acting_as))
        lost = opened.keys.sealing_lost
    if lost:
        click.echo(f"Uses before {lost} may be missing: the key to whom they touched is lost.", err=True)
    if form == "json":
        say_json(found)
    elif not found:
        click.echo(f"Nobody has used data about {key}.")
    else:
        rows = [
            [
                u["at"][:19].replace("T", " "),
                u["organisation"],
                u["activity"],
                u["purpose"],
                ", ".join(u["datasets"]),
                HOW[u["how"]],
                u["use"],
            ]
            for u in found
        ]
        click.echo(table(["when", "who", "activity", "why", "data", "how", "use"], rows))


@uses.command()
@subject_option
@click.option("--use", "use_id", required=True, metavar="ID", help="The use.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Proof file.")
@as_option
@click.pass_obj
def prove(folder: str, key: str, use_id: str, out: Path, acting_as: str) -> None:
    """Write a file that proves what a use's receipt commits to about a person: in or out.

    \b
    Example: publica uses prove --subject P-0000001 --use use_7k3m… --out proof.json
    """
    import json

    with instance(folder) as opened:
        proof = opened.prove(key, use_id, operator(acting_as))
    out.write_text(json.dumps(proof, ensure_ascii=False, indent=1) + "\n", "utf-8")
    click.echo(f"Proof written to {out}. Anyone can check it: publica verify {out} --key KEYFILE")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the ledger's public key; this instance's when left out.",
)
@format_option
@click.pass_obj
def verify(folder: str, file: Path, key_file: Path | None, form: str) -> None:
    """Check a proof FILE, offline: it needs only the file and the ledger's public key.

    \b
    Example: publica verify proof.json --key ledger.pub
    """
    from publica.instance import offline

    found = offline.verify(file, offline.public_key(Path(folder), key_file))
    if form == "json":
        say_json(found)
        return
    click.echo(found["sentence"])


COMMANDS = (uses, verify)
