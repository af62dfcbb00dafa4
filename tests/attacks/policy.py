"""The policy of a corpus of attacks, read from its `policy.md`, and the same in Publica's own documents.

What a policy must say, and how: `Tables: t(a, b) governed; u(c) open` (the first column of a governed table
names a person); that only rows with `c = TRUE` count; which columns may not influence an answer (those that
are "exact" may as a year); over how many persons an aggregate must be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HOLDER = "registry"


class UnreadPolicy(Exception):
    """A policy that does not say one of the things that it must."""


@dataclass(frozen=True)
class Table:
    """A table of the policy's world."""

    name: str
    columns: tuple[str, ...]
    open: bool

    @property
    def key(self) -> str:
        """What names a row: in a governed table, a person."""
        return self.columns[0]


@dataclass(frozen=True)
class Policy:
    """Who consents, what is withheld, what is made coarser, how many persons a total needs."""

    tables: tuple[Table, ...]
    consent: str
    denied: tuple[str, ...]
    coarse: tuple[str, ...]
    k: int

    @property
    def governed(self) -> Table:
        """The one table about persons."""
        (found,) = (table for table in self.tables if not table.open)
        return found

    @property
    def withheld(self) -> frozenset[str]:
        return frozenset({*self.denied, self.consent})


def read(file: Path) -> Policy:
    """The policy in a file. Raises UnreadPolicy."""
    text = file.read_text("utf-8")
    tables = tuple(
        Table(name, tuple(re.findall(r"\w+", columns)), kind == "open")
        for name, columns, kind in re.findall(r"`?(\w+)\(([^)]*)\)`?\s+(governed|open)", text)
    )
    consent = re.search(r"only \w+ with `(\w+) = TRUE`", text, re.IGNORECASE)
    columns = re.search(
        r"^\W*\d\W+Columns:(.*?)may not influence", text, re.IGNORECASE | re.DOTALL | re.MULTILINE
    )
    least = re.search(r"at least (\d+) distinct", text)
    if not tables or consent is None or columns is None or least is None:
        raise UnreadPolicy(f"{file} does not say what the harness must know; see {__name__}.")
    coarse = tuple(re.findall(r"exact `(\w+)`", columns[1]))
    denied = tuple(c for c in re.findall(r"`(\w+)`", columns[1]) if c not in (*coarse, consent[1]))
    policy = Policy(tables, consent[1], denied, coarse, int(least[1]))
    named = {policy.consent, *denied, *coarse}
    if sum(not table.open for table in tables) != 1 or not named <= set(policy.governed.columns):
        raise UnreadPolicy(f"{file} names other columns than its one governed table has.")
    return policy


@dataclass(frozen=True)
class Terms:
    """An activity of the world: who does it, and under which protection."""

    organisation: str
    official: str
    protection: str
    aggregates: Mapping[str, Any] | None = None


def activities(policy: Policy) -> dict[str, Terms]:
    """The same data under every protection; `statistics` is what the policy describes, `totals` what Publica
    does unless told otherwise."""
    exact = {"k": policy.k, "dominance": 0.9, "noise": 0}
    return {
        "statistics": Terms("bureau", "ana", "aggregates", exact),
        "totals": Terms("ministry", "bea", "aggregates"),
        "casework": Terms("office", "cyd", "rows"),
        "research": Terms("university", "dag", "pseudonymous rows"),
    }


Types = Mapping[str, Mapping[str, str]]
Limits = Mapping[str, Sequence[float]]


def documents(policy: Policy, types: Types, limits: Limits) -> list[dict[str, Any]]:
    """The records of the world. `types`: of each table's columns, as a dataset's record names them; `limits`:
    of the measures of persons, at which they may be told apart."""
    terms = activities(policy)
    officials = {
        "sam": (HOLDER, "steward"),
        **{t.official: (t.organisation, "analyst") for t in terms.values()},
    }
    made = [_record("organisation", o, name=o.title(), type="public body") for o in (HOLDER, *_by(terms))]
    for official, (organisation, role) in officials.items():
        made.append(_record("official", official, name=official.title(), organisation=organisation))
        held = {"official": official, "role": role, "organisation": organisation, "valid_from": "2020-01-01"}
        made.append(_record("role", f"{official}-{role}", **held))
    made += [_dataset(policy, table, types[table.name], limits) for table in policy.tables]
    for activity, term in terms.items():
        made += [_activity(policy, activity, term), _agreement(policy, activity, term, types)]
    return made


def write(file: Path, made: Sequence[Mapping[str, Any]]) -> Path:
    file.write_text(yaml.safe_dump_all(made, sort_keys=False), "utf-8")
    return file


def _by(terms: Mapping[str, Terms]) -> dict[str, int]:
    return dict.fromkeys((term.organisation for term in terms.values()), 0)


def _record(kind: str, record: str, /, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "id": record, "spec": spec}


def _dataset(policy: Policy, table: Table, types: Mapping[str, str], limits: Limits) -> dict[str, Any]:
    shared = [set(other.columns) for other in policy.tables if other is not table]
    columns = [
        {
            "name": name,
            "type": types[name],
            "role": role(policy, table, name, types[name]),
            **({"concept": name} if any(name in names for names in shared) else {}),
            **({"precision": 12, "scale": 2} if types[name] == "decimal" else {}),
            **({"limits": list(limits[name])} if name in limits and not table.open else {}),
        }
        for name in table.columns
    ]
    spec = {"title": table.name, "description": f"The table {table.name} of the policy.", "holder": HOLDER}
    access = "open" if table.open else "personal"
    return _record("dataset", table.name, **spec, access=access, columns=columns)


def role(policy: Policy, table: Table, name: str, kind: str) -> str:
    """What a column is for."""
    if name == table.key:
        return "key" if table.open else "subject key"
    if table.open:
        return "measure" if kind in ("integer", "decimal", "number") else "dimension"
    if name in policy.denied:
        return "direct" if kind == "string" else "attribute"
    if name in policy.coarse or name == policy.consent:
        return "attribute"
    return "measure" if kind in ("decimal", "number") else "dimension"


def _activity(policy: Policy, activity: str, terms: Terms) -> dict[str, Any]:
    columns = [name for name in policy.governed.columns if name not in policy.withheld]
    spec = {
        "title": activity.title(),
        "organisation": terms.organisation,
        "purpose": "dpv:ScientificResearch",
        "basis": {"kind": "consent"},
        "datasets": [{"dataset": policy.governed.name, "columns": columns}],
        "roles": ["analyst"],
        "protection": terms.protection,
        "retention": "P1Y",
        "valid_from": "2020-01-01",
    }
    if terms.aggregates is not None:
        spec["aggregates"] = dict(terms.aggregates)
    return _record("activity", activity, **spec)


def _agreement(
    policy: Policy, activity: str, terms: Terms, types: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    table = policy.governed
    opaque = "pseudonym" if terms.protection == "pseudonymous rows" else "as is"
    transforms = {name: "withheld" if name in policy.withheld else "as is" for name in table.columns}
    transforms |= {name: "year" for name in policy.coarse if types[table.name][name] == "date"}
    transforms[table.key] = opaque
    return _record(
        "agreement",
        f"{HOLDER}-{activity}",
        holder=HOLDER,
        recipient=terms.organisation,
        purposes=["dpv:ScientificResearch"],
        datasets=[{"dataset": table.name, "columns": transforms}],
        protection=terms.protection,
        valid_from="2020-01-01",
        signatures=[
            {"official": official, "organisation": organisation, "date": "2020-01-01"}
            for official, organisation in (("sam", HOLDER), (terms.official, terms.organisation))
        ],
    )
