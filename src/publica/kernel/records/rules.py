"""From documents to specs that fit together, and what applying them would do. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from publica.kernel.documents import Document
from publica.kernel.errors import BadInput
from publica.kernel.records.model import Book, Difference, FieldChange, Key, Kind, Problem, Record, Spec

MOST_GUESSES = 20
"""How many misspelt references get a suggestion; looking for one takes time."""


@dataclass(frozen=True)
class Given:
    """The documents of one input by key, and the specs of those that fit their model."""

    documents: Mapping[Key, Document]
    specs: Mapping[Key, Spec]
    problems: tuple[BadInput, ...]


def typed(documents: Iterable[Document], kinds: Mapping[str, Kind]) -> Given:
    """Turn documents into specs: unknown kinds, second documents of a record and misfits are problems."""
    first: dict[Key, Document] = {}
    specs: dict[Key, Spec] = {}
    problems: list[BadInput] = []
    for document in documents:
        key = (document.kind, document.id)
        if document.kind not in kinds:
            problems.append(_unknown_kind(document, kinds))
        elif key in first:
            problems.append(_second(document, first[key]))
        else:
            first[key] = document
            try:
                specs[key] = kinds[document.kind].model.model_validate(document.spec)
            except ValidationError as error:
                problems += _misfits(document, kinds[document.kind], error)
    return Given(first, specs, tuple(problems))


def broken_references(given: Given, book: Book) -> Iterator[BadInput]:
    """Every reference that leads neither into the input nor to a stored record."""
    broken = [
        (given.documents[key], reference)
        for key, spec in given.specs.items()
        for reference in book.kinds[key[0]].references(spec)
        if (reference.kind, reference.id) not in given.documents
        and (reference.kind, reference.id) not in book.records
    ]
    for number, (document, reference) in enumerate(broken):
        known = _ids(reference.kind, given, book) if number < MOST_GUESSES else ()
        yield BadInput(
            f"There is no {reference.kind} {reference.id[:100]!r}, which {document.kind} "
            f"{document.id} refers to.",
            do=_perhaps(reference.id, known) or "Correct the id, or add that record.",
            place=document.place(("spec", *reference.path)),
        )


def _ids(kind: str, given: Given, book: Book) -> list[str]:
    return [record_id for known, record_id in {**given.documents, **book.records} if known == kind]


def failed_checks(given: Given, changed: Iterable[Key], after: Book) -> Iterator[BadInput]:
    """What is wrong in the book as it would be, in the records that change and in those that hang on them."""
    for record, cause in _affected(changed, after):
        document = given.documents.get((record.kind, record.id))
        for problem in after.kinds[record.kind].check(record.id, record.spec, after):
            if document is None:
                yield _elsewhere(record, problem, given.documents[cause])
            else:
                place = document.place(("spec", *problem.path))
                yield BadInput(problem.what, do=problem.do, place=place)


def _affected(changed: Iterable[Key], after: Book) -> Iterator[tuple[Record[Any], Key]]:
    """What changes, what refers to it, and what refers to something it refers to; each with its cause."""
    seen: set[Key] = set(changed)
    targets: dict[Key, Key] = {}
    for key in sorted(seen):
        record = after.records[key]
        yield record, key
        targets.setdefault(key, key)
        for reference in after.kinds[key[0]].references(record.spec):
            targets.setdefault((reference.kind, reference.id), key)
    for target, cause in targets.items():
        for record in after.referring(*target):
            if (record.kind, record.id) not in seen:
                seen.add((record.kind, record.id))
                yield record, cause


def _elsewhere(record: Record[Any], problem: Problem, cause: Document) -> BadInput:
    at = path_text(problem.path)
    return BadInput(
        f"With this {cause.kind} {cause.id}, the stored {record.kind} {record.id} would no longer hold"
        f"{f' (at {at})' if at else ''}: {problem.what}",
        do=f"Change {record.kind} {record.id} in the same input, or leave {cause.kind} {cause.id} as it is.",
        place=cause.place(),
    )


def changes(found: Iterable[Difference]) -> tuple[Key, ...]:
    """The records that get a new revision."""
    return tuple((each.kind, each.id) for each in found if each.what != "unchanged")


def differences(specs: Mapping[Key, Spec], book: Book) -> tuple[Difference, ...]:
    """What applying the specs would do, by kind in the order of the book's kinds, then by id."""
    order = {name: number for number, name in enumerate(book.kinds)}
    return tuple(
        _difference(key, specs[key], book.records.get(key))
        for key in sorted(specs, key=lambda key: (order[key[0]], key[1]))
    )


def _difference(key: Key, spec: Spec, before: Record[Any] | None) -> Difference:
    if before is None:
        return Difference(*key, "added")
    if before.spec == spec:
        return Difference(*key, "unchanged")
    return Difference(*key, "changed", tuple(_changes((), before.spec.json_value, spec.json_value)))


def _changes(path: tuple[str | int, ...], before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys((*before, *after)):
            yield from _changes((*path, name), before.get(name), after.get(name))
    elif isinstance(before, list) and isinstance(after, list):
        for position in range(max(len(before), len(after))):
            sides = (side[position] if position < len(side) else None for side in (before, after))
            yield from _changes((*path, position), *sides)
    elif before != after:
        yield FieldChange(path_text(path), before, after)


def path_text(path: tuple[str | int, ...]) -> str:
    """A path as people write it: `columns[3].type`, counting from 0."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _unknown_kind(document: Document, kinds: Mapping[str, Kind]) -> BadInput:
    return BadInput(
        f"There is no kind of record {document.kind[:60]!r}.",
        do=f"The kinds are: {', '.join(kinds)}.",
        place=document.place(("kind",)),
    )


def _second(document: Document, first: Document) -> BadInput:
    return BadInput(
        f"The {document.kind} {document.id} stands here a second time (first in {first.place()}).",
        do="Keep one of the two.",
        place=document.place(),
    )


def _perhaps(wrong: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(wrong[:100], sorted(known), n=1)
    return f"Did you mean {close[0]}?" if close else ""


# What the model's errors mean: what is wrong (with the error's context), and what to do.
_EXPLAINED = {
    "missing": ("The field {name} is missing.", "Add it."),
    "bool_parsing": ("{name} must be true or false.", "Correct it."),
    "bool_type": ("{name} must be true or false.", "Correct it."),
    "dict_type": ("{name} must be a mapping.", "Write it as fields with values."),
    "enum": ("{value} is not one of the values of {name}.", "Choose one of: {expected}."),
    "greater_than_equal": ("{name} must be at least {ge}.", "Correct it."),
    "int_from_float": ("{name} must be a whole number.", "Correct it."),
    "int_parsing": ("{name} must be a whole number.", "Correct it."),
    "int_parsing_size": ("{name} is too large a number.", "Correct it."),
    "int_type": ("{name} must be a whole number.", "Correct it."),
    "less_than_equal": ("{name} must be at most {le}.", "Correct it."),
    "model_type": ("{name} must be a mapping.", "Write it as fields with values."),
    "string_too_long": ("{name} is longer than {max_length} characters.", "Shorten it."),
    "string_too_short": ("{name} is empty.", "Fill it in, or leave the field out."),
    "string_type": ("{name} must be text.", "Correct it."),
    "too_long": ("{name} holds more than {max_length} entries.", "Take some out."),
    "too_short": ("{name} is empty.", "List at least one."),
    "tuple_type": ("{name} must be a list.", "Write it as a list: one entry per line, each after `- `."),
    "wrong": ("{value} does not fit {name}.", "{message}"),
}


def _misfits(document: Document, kind: Kind, error: ValidationError) -> Iterator[BadInput]:
    details = error.errors(include_url=False)
    for detail in details:
        if detail["type"] == "too_short" and _has_inner(detail["loc"], details):
            continue  # entries that do not fit are not counted
        path = tuple(part for part in detail["loc"] if part != "[key]")
        if detail["type"] == "extra_forbidden":
            what, do = _unknown_field(document, kind, path)
        else:
            what, do = _explain(path, detail)
        yield BadInput(what, do=do, place=document.place(("spec", *path)))


def _has_inner(loc: tuple[int | str, ...], details: Iterable[Mapping[str, Any]]) -> bool:
    return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in details)


def _explain(path: tuple[str | int, ...], detail: Mapping[str, Any]) -> tuple[str, str]:
    what, do = _EXPLAINED.get(detail["type"], ("{value} does not fit {name}.", "{message}"))
    words = {
        "name": path_text(path) or "spec",
        "value": _short(detail["input"]),
        "message": detail["msg"],
        **{name: _choices(value) for name, value in detail.get("ctx", {}).items()},
    }
    return what.format_map(words), do.format_map(words)


def _unknown_field(document: Document, kind: Kind, path: tuple[str | int, ...]) -> tuple[str, str]:
    name = str(path[-1])
    model = _model_at(kind.model, path[:-1])
    known = [info.alias or field for field, info in model.model_fields.items()] if model else []
    do = _perhaps(name, known) or (f"The fields are: {', '.join(known)}." if known else "Remove it.")
    owner = path_text(path[:-1]) or document.kind
    return f"There is no field {name[:60]!r} in {owner}.", do


def _model_at(model: type[Spec], path: tuple[str | int, ...]) -> type[Spec] | None:
    """The model of the mapping at a path."""
    for part in path:
        if isinstance(part, str):
            info = model.model_fields.get(part)
            inner = _spec_in(info.annotation) if info is not None else None
            if inner is None:
                return None
            model = inner
    return model


def _spec_in(annotation: Any) -> type[Spec] | None:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    found = (_spec_in(arg) for arg in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)


def _choices(value: Any) -> str:
    """The validator's list of choices ('a', 'b' or 'c') without its quotes."""
    return str(value).replace("'", "").replace(" or ", ", ")


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else "A list or mapping" if value is not None else "No value"
    return text if len(text) <= 60 else text[:57] + "…'"
