"""The records of a small fictional area: six activities that use the same data on different terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

YEARS = ("2022", "2023")


@dataclass(frozen=True)
class Share:
    """What an activity gets of a dataset: a transform per column, and the values that rows must have."""

    columns: Mapping[str, str]
    scope: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: bool = False


@dataclass(frozen=True)
class Terms:
    """An activity in short. `right`: what people may choose (consent, objection, none)."""

    organisation: str
    official: str
    purpose: str
    right: str
    protection: str
    shares: Mapping[str, Share]


HOLDERS = {
    "population": "registry",
    "guardianships": "registry",
    "incomes": "revenue",
    "budgets": "revenue",
    "municipalities": "office",
}
OFFICIALS = {
    "sam": ("registry", "steward"),
    "ruth": ("registry", "analyst"),
    "rosa": ("revenue", "steward"),
    "mira": ("office", "steward"),
    "ana": ("services", "analyst"),
    "ivo": ("services", "steward"),
    "stella": ("institute", "statistician"),
    "nils": ("institute", "steward"),
}
SIGNERS = {"registry": "sam", "revenue": "rosa", "services": "ivo", "institute": "nils", "office": "mira"}


def _as_is(names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), "as is")


PERSON = "person_id sex birth_date municipality income note score"
TERMS: dict[str, Terms] = {
    "grants": Terms(
        "services", "ana", "dpv:ServiceProvision", "none", "rows",
        {
            "population": Share(
                _as_is(PERSON), {"municipality": ("m1", "m2", "m3", "m12"), "sex": ("F", "M")}
            ),
            "incomes": Share(_as_is("person_id year income"), {"year": YEARS}),
            "guardianships": Share(_as_is("parent_id child_id kind since")),
            "budgets": Share(_as_is("code year amount"), {"code": ("m1", "m12", "m9")}),
        },
    ),
    "survey": Terms(
        "institute", "stella", "dpv:PublicBenefit", "objection", "rows",
        {
            "population": Share(
                {
                    **_as_is(PERSON),
                    "birth_date": "year", "municipality": "region prefix 2", "note": "withheld",
                }
            ),
            "incomes": Share(_as_is("person_id year income")),
            "guardianships": Share({"parent_id": "as is", "child_id": "as is", "since": "age band"}),
        },
    ),
    "study": Terms(
        "institute", "stella", "dpv:ScientificResearch", "consent", "pseudonymous rows",
        {
            "population": Share(
                {
                    "person_id": "pseudonym", "sex": "as is", "birth_date": "age band", "income": "as is",
                    "municipality": "region prefix 1", "note": "as is", "score": "as is",
                },
                {"sex": ("F", "M", "X")},
            ),
            "incomes": Share(_as_is("person_id year income"), {"year": YEARS}),
            "guardianships": Share(
                {"parent_id": "pseudonym", "child_id": "as is", "kind": "region prefix 3"}
            ),
        },
    ),
    "wellbeing": Terms(
        "services", "ana", "dpv:ServicePersonalisation", "consent", "rows",
        {
            "population": Share(_as_is(PERSON)),
            "incomes": Share(_as_is("person_id year income")),
            "guardianships": Share(_as_is("parent_id child_id kind since")),
            "budgets": Share(_as_is("code year amount")),
        },
    ),
    "watch": Terms(
        "services", "ana", "dpv:FraudPreventionAndDetection", "objection", "pseudonymous rows",
        {
            "population": Share(
                {
                    "person_id": "as is", "sex": "as is", "birth_date": "year", "income": "as is",
                    "municipality": "as is", "note": "withheld",
                }
            ),
            "incomes": Share({"person_id": "pseudonym", "year": "as is", "income": "as is"}),
            "guardianships": Share(
                {"parent_id": "pseudonym", "child_id": "pseudonym", "kind": "as is", "since": "year"},
                {"kind": ("parent", "foster")},
            ),
        },
    ),
    "upkeep": Terms(
        "registry", "ruth", "dpv:RecordManagement", "objection", "rows",
        {
            "population": Share(_as_is("person_id sex birth_date municipality income score"), own=True),
            "guardianships": Share(_as_is("parent_id child_id kind since"), own=True),
        },
    ),
}  # fmt: skip

DATASETS: dict[str, dict[str, Any]] = {
    "population": {
        "access": "personal",
        "columns": [
            {"name": "person_id", "type": "string", "role": "subject key"},
            {"name": "name", "type": "string", "role": "direct"},
            {"name": "sex", "type": "string", "role": "dimension"},
            {"name": "birth_date", "type": "date", "role": "attribute"},
            {"name": "municipality", "type": "string", "role": "dimension", "concept": "municipality"},
            {"name": "income", "type": "integer", "role": "measure"},
            {"name": "note", "type": "string", "role": "attribute"},
            {"name": "score", "type": "number", "role": "measure"},
        ],
    },
    "incomes": {
        "access": "personal",
        "columns": [
            {"name": "person_id", "type": "string", "role": "subject key"},
            {"name": "year", "type": "integer", "role": "time"},
            {"name": "income", "type": "integer", "role": "measure"},
        ],
    },
    "guardianships": {
        "access": "personal",
        "columns": [
            {"name": "parent_id", "type": "string", "role": "subject key"},
            {"name": "child_id", "type": "string", "role": "subject key"},
            {"name": "kind", "type": "string", "role": "dimension"},
            {"name": "since", "type": "date", "role": "time"},
        ],
    },
    "municipalities": {
        "access": "open",
        "columns": [
            {"name": "code", "type": "string", "role": "key", "concept": "municipality"},
            {"name": "name", "type": "string", "role": "attribute"},
            {"name": "region", "type": "string", "role": "dimension"},
        ],
    },
    "budgets": {
        "access": "restricted",
        "columns": [
            {"name": "code", "type": "string", "role": "dimension", "concept": "municipality"},
            {"name": "year", "type": "integer", "role": "time"},
            {"name": "amount", "type": "decimal", "precision": 12, "scale": 2, "role": "measure"},
        ],
    },
}


def documents() -> list[dict[str, Any]]:
    """Every record, as `publica apply` reads it."""
    made = [_document("organisation", o, name=o.title(), type="public body") for o in SIGNERS]
    for official, (organisation, role) in OFFICIALS.items():
        made.append(_document("official", official, name=official.title(), organisation=organisation))
        made.append(
            _document(
                "role",
                f"{official}-{role}",
                official=official,
                role=role,
                organisation=organisation,
                valid_from="2020-01-01",
            )
        )
    made.append(_document("law", "act", title="Act", eli="eli/area/act/2019/1", valid_from="2019-01-01"))
    for dataset, spec in DATASETS.items():
        text = {"title": dataset, "description": dataset, "holder": HOLDERS[dataset]}
        made.append(_document("dataset", dataset, **text, **spec))
    for activity, terms in TERMS.items():
        made.append(_activity(activity, terms))
        made += _agreements(activity, terms)
    return made


def write(folder: Path, made: list[dict[str, Any]] | None = None) -> Path:
    """The documents as one YAML file."""
    file = folder / "records.yaml"
    file.write_text(yaml.safe_dump_all(documents() if made is None else made, sort_keys=False), "utf-8")
    return file


def _document(kind: str, record_id: str, **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "id": record_id, "spec": spec}


def _activity(activity: str, terms: Terms) -> dict[str, Any]:
    basis = (
        {"kind": "consent"}
        if terms.right == "consent"
        else {"kind": "law", "law": "act", "objection": terms.right == "objection"}
    )
    datasets = [
        {
            "dataset": dataset,
            "columns": [c for c, transform in share.columns.items() if transform != "withheld"],
        }
        for dataset, share in terms.shares.items()
    ]
    return _document(
        "activity",
        activity,
        title=activity,
        organisation=terms.organisation,
        purpose=terms.purpose,
        basis=basis,
        datasets=datasets,
        roles=[OFFICIALS[terms.official][1]],
        protection=terms.protection,
        retention="P1Y",
        valid_from="2020-01-01",
    )


def _agreements(activity: str, terms: Terms) -> list[dict[str, Any]]:
    made = []
    shared = {dataset: share for dataset, share in terms.shares.items() if not share.own}
    for holder in sorted({HOLDERS[dataset] for dataset in shared}):
        datasets = [
            {
                "dataset": dataset,
                "columns": dict(share.columns),
                "rows": [{"column": c, "in": list(values)} for c, values in share.scope.items()],
            }
            for dataset, share in shared.items()
            if HOLDERS[dataset] == holder
        ]
        signatures = [
            {"official": SIGNERS[party], "organisation": party, "date": "2020-01-01"}
            for party in (holder, terms.organisation)
        ]
        made.append(
            _document(
                "agreement",
                f"{holder}-{activity}",
                holder=holder,
                recipient=terms.organisation,
                purposes=[terms.purpose],
                datasets=datasets,
                protection=terms.protection,
                valid_from="2020-01-01",
                signatures=signatures,
            )
        )
    return made
