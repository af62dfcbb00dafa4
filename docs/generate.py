"""Writes the pages of docs/ that would drift from the source: commands, reasons, settings, SQL surface.

python docs/generate.py            write them
python docs/generate.py --check    write nothing; exit 1 and name the pages that differ
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from publica.api.app import document
from publica.cli.main import publica
from publica.gateway import surface
from publica.http.problems import KINDS
from publica.instance.settings import FILE, Settings
from publica.kernel.reasons import REASONS
from publica.wording.en import SENTENCES

HERE = Path(__file__).resolve().parent
NOTE = "<!-- Written by `./dev docs`; change the source instead. -->"
WIDTH = 88


def commands() -> str:
    """docs/reference/commands.md: the help of every command."""
    lines = ["# Commands", "", "What `publica COMMAND --help` prints.", ""]
    for context in tree(publica):
        text = "\n".join(line.rstrip() for line in context.command.get_help(context).splitlines())
        lines += [f"## {context.command_path}", "", "```text", text, "```", ""]
    return "\n".join(lines)


def tree(command: click.Command, above: click.Context | None = None) -> Iterator[click.Context]:
    """A context for every command, groups before their members."""
    context = click.Context(
        command,
        above,
        info_name=command.name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=None if above else command.context_settings.get("help_option_names"),
    )
    yield context
    if isinstance(command, click.Group):
        for _, member in sorted(command.commands.items()):
            yield from tree(member, context)


def reasons() -> str:
    """docs/reference/reasons.md: every reason code, and both its sentences."""
    lines = [
        "# Reasons",
        "",
        "Every decision is a list of conditions. Each has a stable code, which programs read, and a sentence",
        "for when it is met and for when it is missing; the words in ‹brackets› are filled in.",
        "",
    ]
    for code, reason in REASONS.items():
        blanks = {name: f"‹{name.replace('_', ' ')}›" for name in reason.params}
        met, missing = (text.format_map(blanks) for text in SENTENCES[code])
        lines += [f"### {code}", ""]
        lines += [f"- met: {met}"] if reason.can_hold else []
        lines += [f"- missing: {missing}", ""]
    return "\n".join(lines)


def api() -> str:
    """docs/reference/api.md: every route of the API, and every kind of problem."""
    described = document()
    lines = [
        "# The API",
        "",
        "What `/docs` and `/openapi.json` of every server say, in short. How to begin: [the API](../api.md).",
        "",
    ]
    for tag in described["tags"]:
        lines += [f"## {tag['name']}", "", tag["description"], ""]
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    lines += route(method.upper(), path, operation)
    lines += ["## Problems", "", "| type | status | when |", "|---|---|---|"]
    lines += [f"| `{kind.uri}` | {kind.status} | {kind.when} |" for kind in KINDS.values()]
    return "\n".join([*lines, ""])


def route(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    """One route: what it does, for whom, what it takes and answers."""
    yield from (
        f"### {method} `{path}`",
        "",
        operation["description"].replace("\n\n", " ").replace("\n", " "),
        "",
    )
    yield f"- for: {', '.join(operation['x-roles'])}"
    for one in operation.get("parameters", ()):
        needed = ", required" if one.get("required") else ""
        yield f"- `{one['name']}` ({one['in']}{needed}): {one.get('description', 'a value')}"
    for media in operation.get("requestBody", {}).get("content", {}):
        yield f"- body: `{media}`"
    yield f"- answers: {', '.join(operation['responses'])}"
    yield ""


def settings() -> str:
    """docs/reference/settings.md: every setting of the settings file, every variable of the environment."""
    lines = ["# Settings", "", f"`{FILE}` in the instance's folder. Every setting has a default.", ""]
    for name, section in sections(Settings):
        own = {key: member for key, member in section.model_fields.items() if inner(member) is None}
        lines += [f"## [{name}]", "", (section.__doc__ or "").strip(), ""]
        if own:
            lines += ["| setting | default | what it does |", "|---|---|---|"]
            lines += [*(setting(key, member) for key, member in own.items()), ""]
    lines += ["## Environment", "", "| variable | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in sorted({*VARIABLES.items(), *variables()})]
    return "\n".join([*lines, ""])


def sections(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section, and those within it, by their names in the file."""
    for key, field in model.model_fields.items():
        section = inner(field)
        if section is not None:
            yield above + key, section
            yield from sections(section, f"{above}{key}.")
        elif not above:
            raise TypeError(f"{key} is no section; this page shows settings in sections only")


def inner(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field is; None for a setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def setting(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise ValueError(f"the setting {name} has no description")
    default = "none" if field.default is None else f"`{shown(field.default)}`"
    return f"| `{name}` | {default} | {field.description} |"


def shown(value: Any) -> str:
    """A value as TOML writes it, as far as settings need."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return f'"{value}"' if isinstance(value, str) else str(value)


def variables() -> set[tuple[str, str]]:
    """The environment variables that options read, with the options' help."""
    return {
        (option.envvar, (option.help or "").replace(f" (also: {option.envvar})", ""))
        for context in tree(publica)
        for option in context.command.params
        if isinstance(option, click.Option) and isinstance(option.envvar, str)
    }


VARIABLES = {
    "PUBLICA_DEBUG": "When set, a fault of Publica itself shows its traceback (for those who mend it)."
}
"""Environment variables that no option names, with what they do."""

PAGES: dict[str, Callable[[], str]] = {
    "reference/api.md": api,
    "reference/commands.md": commands,
    "reference/reasons.md": reasons,
    "reference/settings.md": settings,
    "surface.md": surface.markdown,
}
"""Page → what writes it."""


def pages() -> dict[Path, str]:
    """The text of every generated page."""
    found = {}
    for name, write in PAGES.items():
        title, _, rest = write().strip().partition("\n")
        found[HERE / name] = f"{title}\n\n{NOTE}\n{rest}\n"
    return found


def stale() -> list[str]:
    """The pages that are missing or differ from what would be written."""
    return [
        path.relative_to(HERE.parent).as_posix()
        for path, text in pages().items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        old = stale()
        for name in old:
            print(f"{name} is not what the source says; run ./dev docs", file=sys.stderr)
        return 1 if old else 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
