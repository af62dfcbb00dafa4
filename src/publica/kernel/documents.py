"""YAML documents of records: read strictly, every value as text, every value with its line.

YAML is read as a stream of events, not composed: nesting costs no recursion, and what could mean something
else than it says (anchors, aliases, merge keys, tags, directives, duplicate keys) is refused where it stands.
Values stay text (`NO` is "NO", `1.10` is "1.10"); the models turn them into what they should be. Only a plain
empty value, `~` or `null` is no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from publica.kernel.errors import BadInput, Place
from publica.kernel.ids import RECORD_ID

MAX_BYTES, MAX_DEPTH, MAX_VALUES, MAX_DOCUMENTS = 5_000_000, 50, 500_000, 10_000
MAX_ID = 100
FIELDS = ("kind", "id", "spec")

_NO_VALUE = ("", "~", "null", "Null", "NULL")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_DIRECTIVE = re.compile(r"^%", re.MULTILINE)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """One document: a kind, an id, a spec of texts, lists and mappings, and the line of every value."""

    file: str
    kind: str
    id: str
    spec: Mapping[str, Any]
    lines: Mapping[Where, int]

    def place(self, where: Where = ()) -> Place:
        """The place of a value, or of the nearest one around it."""
        while where and where not in self.lines:
            where = where[:-1]
        return Place(self.file, self.lines[where])


@dataclass
class Reading:
    """What could be read, and what could not."""

    documents: list[Document] = field(default_factory=list)
    problems: list[BadInput] = field(default_factory=list)


def read(paths: Sequence[Path]) -> Reading:
    """Read YAML files, and the *.yaml and *.yml files of folders (sorted, hidden ones left out).

    Problems are collected, not raised; nothing to read at all is one of them.
    """
    reading = Reading()
    for path in _files(paths, reading):
        _read_file(path, reading)
        if len(reading.documents) > MAX_DOCUMENTS:
            break
    if not reading.documents and not reading.problems:
        names = ", ".join(str(path) for path in paths[:5]) or "The input"
        reading.problems.append(BadInput(f"{names} holds no document.", do="Write kind, id and spec."))
    return reading


def read_text(data: bytes, name: str) -> Reading:
    """Read the YAML documents of one text, which problems call `name`."""
    reading = Reading()
    try:
        for document in _Stream(name, _decoded(data, name), reading.problems):
            reading.documents.append(document)
    except BadInput as problem:
        reading.problems.append(problem)
    if not reading.documents and not reading.problems:
        _fail(reading, "There is no document.", "Write kind, id and spec.", Place(name))
    return reading


def read_values(given: Sequence[Any], name: str) -> Reading:
    """Read documents that were JSON: kind, id and spec each; every value is taken as text, as in YAML."""
    reading = Reading()
    for number, value in enumerate(given[:MAX_DOCUMENTS], 1):
        called = f"{name} {number}"
        wrong = [(what, do) for _, what, do in _form(_textual(value, MAX_DEPTH, called))]
        for what, do in wrong:
            _fail(reading, what, do, Place(called))
        if not wrong:
            root = _textual(value, MAX_DEPTH, called)
            document = Document(called, root["kind"], root["id"], root["spec"], {(): 1})
            reading.documents.append(document)
    if len(given) > MAX_DOCUMENTS or not given:
        _fail(reading, f"There are {len(given)} documents.", f"Send 1 to {MAX_DOCUMENTS}.", Place(name))
    return reading


def _textual(value: Any, depth: int, name: str) -> Any:
    """A JSON value with its numbers and booleans as text. Raises BadInput when it is nested too deeply."""
    if depth == 0:
        raise BadInput(
            f"Values are nested more than {MAX_DEPTH} deep.", do="Flatten them.", place=Place(name)
        )
    if isinstance(value, dict):
        return {key: _textual(item, depth - 1, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_textual(item, depth - 1, name) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else repr(value)


def _files(paths: Sequence[Path], reading: Reading) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(_inside(path))
            if not inside:
                _fail(reading, "The folder holds no .yaml or .yml file.", "Name another.", Place(str(path)))
        elif path.is_file():
            inside = [path]
        else:
            inside = []
            _fail(reading, "There is no such file or folder.", "Check the path.", Place(str(path)))
        for file in inside:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _inside(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if file.suffix in (".yaml", ".yml") and not hidden and file.is_file():
            yield file


def _fail(reading: Reading, what: str, do: str, place: Place) -> None:
    reading.problems.append(BadInput(what, do=do, place=place))


def _read_file(path: Path, reading: Reading) -> None:
    try:
        text = _text(path)
        for document in _Stream(str(path), text, reading.problems):
            reading.documents.append(document)
            if len(reading.documents) > MAX_DOCUMENTS:
                raise BadInput(
                    f"There are more than {MAX_DOCUMENTS} documents.",
                    do="Apply them in several parts.",
                    place=document.place(),
                )
    except BadInput as problem:
        reading.problems.append(problem)


def _text(path: Path) -> str:
    """The text of a file, UTF-8 with or without byte order mark. Raises BadInput."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(
            f"The file cannot be read ({error.strerror}).",
            do="Check its permissions.",
            place=Place(str(path)),
        ) from error
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB.", do="Split it.", place=Place(str(path))
        )
    return _decoded(data, str(path))


def _decoded(data: bytes, name: str) -> str:
    """The text of these bytes, without directives. Raises BadInput."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput(
            f"The file is not UTF-8 (at byte {error.start + 1}).",
            do="Save it as UTF-8.",
            place=Place(name, line),
        ) from error
    directive = _DIRECTIVE.search(text)
    if directive:
        line = text.count("\n", 0, directive.start()) + 1
        raise BadInput("YAML directives (%…) are not taken.", do="Remove the line.", place=Place(name, line))
    return text


class _Stream:
    """The documents of one text. Iterating raises BadInput where the text cannot be followed any further.

    Problems that leave the rest readable go to `problems`, and their document is left out.
    """

    def __init__(self, file: str, text: str, problems: list[BadInput]) -> None:
        self._file, self._text, self._problems = file, text, problems
        self._values = 0

    def __iter__(self) -> Iterator[Document]:
        events = self._events()
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > MAX_DOCUMENTS:
                    raise self._problem(
                        event, f"There are more than {MAX_DOCUMENTS} documents.", "Split the file."
                    )
                before = len(self._problems)
                tree = _Tree()
                self._fill(tree, events)
                if len(self._problems) == before and tree.root is not None:
                    yield from self._document(tree)

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            ended = "end of stream" in (error.problem or "")  # then the beginning says more than the end
            marks = (error.context_mark, error.problem_mark)[:: 1 if ended else -1]
            line = next((mark.line + 1 for mark in marks if mark is not None), None)
            raise BadInput(
                f"This is not valid YAML: {error.problem or error.context}.",
                do=self._advice(line),
                place=Place(self._file, line),
            ) from None
        except yaml.reader.ReaderError as error:
            position = error.position if isinstance(error.position, int) else 0
            line = self._text.count("\n", 0, position) + 1
            raise BadInput(
                "A character is not allowed in YAML.", do="Remove it.", place=Place(self._file, line)
            ) from None

    def _advice(self, line: int | None) -> str:
        lines = self._text.splitlines()
        if line is not None and line <= len(lines) and "\t" in lines[line - 1]:
            return "Indent with spaces, not with tabs."
        return "Check the indentation, quotes and colons just before it."

    def _fill(self, tree: _Tree, events: Iterator[Any]) -> None:
        """Take one document's events into a tree, without recursion."""
        for event in events:
            if isinstance(event, yaml.DocumentEndEvent):
                return
            self._values += 1
            if self._values > MAX_VALUES:
                raise self._problem(event, f"The file holds more than {MAX_VALUES} values.", "Split it.")
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                tree.close()
                continue
            self._refuse_disguise(event)
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(tree, event)
            else:
                self._open(tree, event)

    def _refuse_disguise(self, event: Any) -> None:
        """Anchors, aliases and tags make a value something else than what stands there."""
        if isinstance(event, yaml.AliasEvent):
            self._note(event, f"The alias *{event.anchor} is not taken.", "Write the value itself.")
        elif event.anchor is not None:
            self._note(event, f"The anchor &{event.anchor} is not taken.", "Remove it, and write values out.")
        elif event.tag is not None:
            self._note(event, f"The tag {event.tag[:60]} is not taken.", "Remove it.")

    def _scalar(self, tree: _Tree, event: Any) -> None:
        if _UNPRINTABLE.search(event.value):
            self._note(event, "A control character stands in a value.", "Remove it.")
        if not tree.wants_key:
            empty = event.implicit[0] and event.value in _NO_VALUE
            tree.add(None if empty else event.value, _line(event))
        elif event.value == "<<" and event.implicit[0]:
            self._note(event, "A merge key (<<) is not taken.", "Write the values out.")
            tree.key(event.value, _line(event))
        elif not tree.key(event.value, _line(event)):
            first = tree.line_of(event.value)
            self._note(
                event,
                f"The key {event.value[:60]!r} stands here a second time (first in line {first}).",
                "Keep one of the two.",
            )

    def _open(self, tree: _Tree, event: Any) -> None:
        if tree.wants_key:
            raise self._problem(
                event, "A key must be text; here it is a list, mapping or alias.", "Write text."
            )
        if isinstance(event, yaml.AliasEvent):
            tree.add(None, _line(event))
            return
        if tree.depth >= MAX_DEPTH:
            raise self._problem(event, f"Values are nested more than {MAX_DEPTH} deep.", "Flatten them.")
        tree.open({} if isinstance(event, yaml.MappingStartEvent) else [], _line(event))

    def _document(self, tree: _Tree) -> Iterator[Document]:
        """The document of a tree; problems instead when it is none."""
        before = len(self._problems)
        for where, what, do in _form(tree.root):
            line = tree.lines[where] if where in tree.lines else tree.lines[()]
            self._problems.append(BadInput(what, do=do, place=Place(self._file, line)))
        if len(self._problems) == before:
            root = tree.root
            yield Document(self._file, root["kind"], root["id"], root["spec"], tree.lines)

    def _note(self, event: Any, what: str, do: str) -> None:
        self._problems.append(self._problem(event, what, do))

    def _problem(self, event: Any, what: str, do: str) -> BadInput:
        return BadInput(what, do=do, place=Place(self._file, _line(event)))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Tree:
    """A document being built: nested dicts and lists, the line of each value (for a mapping's, its key's)."""

    def __init__(self) -> None:
        self.root: Any = None
        self.lines: dict[Where, int] = {}
        self._open: list[Any] = []
        self._where: list[str | int] = []  # the key or position being filled, per open container
        self._pending = False  # a key was read, its value not yet

    @property
    def depth(self) -> int:
        return len(self._open)

    @property
    def wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and not self._pending

    def key(self, key: str, line: int) -> bool:
        """Take a key; False when the mapping has it already."""
        self._where[-1] = key
        self._pending = True
        new = key not in self._open[-1]
        if new:
            self.lines[tuple(self._where)] = line
        return new

    def line_of(self, key: str) -> int:
        return self.lines[(*self._where[:-1], key)]

    def add(self, value: Any, line: int) -> None:
        if not self._open:
            self.root, self.lines[()] = value, line
        elif isinstance(self._open[-1], dict):
            self._open[-1][self._where[-1]] = value
        else:
            self._where[-1] = len(self._open[-1])
            self._open[-1].append(value)
            self.lines[tuple(self._where)] = line
        self._pending = False

    def open(self, container: Any, line: int) -> None:
        self.add(container, line)
        self._open.append(container)
        self._where.append("")

    def close(self) -> None:
        self._open.pop()
        self._where.pop()
        self._pending = False


def _form(root: Any) -> Iterable[tuple[Where, str, str]]:
    """What keeps a document from being kind, id and spec."""
    if not isinstance(root, dict):
        yield (), "A document must be a mapping.", "Write kind, id and spec."
        return
    for name in FIELDS:
        if name not in root:
            yield (), f"The document has no {name}.", f"Add `{name}:`."
        elif not isinstance(root[name], dict if name == "spec" else str):
            expected = "a mapping" if name == "spec" else "text"
            yield (name,), f"The {name} must be {expected}.", "Correct it."
    for name in root:
        if name not in FIELDS:
            yield (name,), f"A document has no field {name[:60]!r}.", "Move it into `spec`, or remove it."
    record_id = root.get("id")
    if isinstance(record_id, str) and (not RECORD_ID.match(record_id) or len(record_id) > MAX_ID):
        yield (
            ("id",),
            f"{record_id[:60]!r} is no id.",
            f"Use lower-case letters and digits, words joined by - or _, at most {MAX_ID} characters.",
        )
