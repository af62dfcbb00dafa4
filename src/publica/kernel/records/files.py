"""Records as the YAML files that `apply` reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from publica.kernel.database import Database
from publica.kernel.records.history import book
from publica.kernel.records.model import Kind, Record


def export(db: Database, kinds: Sequence[Kind], folder: Path) -> list[Path]:
    """Write every current record to `folder/<kind>/<id>.yaml`; applying the folder gives the same state."""
    with db.read() as connection:
        records = book(connection, kinds).records
    written = []
    for kind, record_id in sorted(records):
        path = folder / kind / f"{record_id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_yaml(records[kind, record_id]), "utf-8", newline="\n")
        written.append(path)
    return written


def as_yaml(record: Record[Any]) -> str:
    """A record as the YAML document that `apply` reads."""
    spec = _plain(record.spec.model_dump(exclude_none=True))
    document = {"kind": record.kind, "id": record.id, "spec": spec}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _plain(value: Any) -> Any:
    """A dumped spec in YAML's own types: enumerations as text, tuples as lists; days stay days."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
