"""Agreements between the holder of data and its recipient, in terms that a machine applies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from publica.governance.activities.model import Protection, Purpose
from publica.governance.identity.model import DatasetId, OfficialId, OrganisationId
from publica.kernel.records import Spec
from publica.kernel.records.types import Count, Day

TransformKind = Literal["as is", "year", "age band", "region prefix", "pseudonym", "withheld"]

_TRANSFORM = re.compile(
    r"(as is|year|age band|pseudonym|withheld)\Z|(region prefix) ([1-9][0-9]?)\Z", re.ASCII
)


@dataclass(frozen=True)
class Transform:
    """What becomes of a column's values on their way out. `length` is the prefix's, in characters."""

    kind: TransformKind
    length: int | None = None

    def __str__(self) -> str:
        return self.kind if self.length is None else f"{self.kind} {self.length}"


@lru_cache(maxsize=256)
def parse_transform(text: str) -> Transform:
    """The transform that a text names. Raises ValueError on anything else."""
    found = _TRANSFORM.match(text)
    if found is None:
        raise ValueError(text)
    kind = cast(TransformKind, found[1] or found[2])
    return Transform(kind, int(found[3]) if found[3] else None)


def _transform(text: str) -> str:
    try:
        return str(parse_transform(text))
    except ValueError:
        raise PydanticCustomError(
            "wrong",
            "A transform is one of: as is, year, age band, region prefix N (1 to 99), pseudonym, withheld.",
        ) from None


TransformText = Annotated[str, AfterValidator(_transform)]


class RowScope(Spec):
    """Only rows whose value of a column, as text, is one of some values."""

    column: str
    values: Annotated[tuple[str, ...], Field(alias="in", min_length=1)]


class SharedDataset(Spec):
    """What is shared of one dataset: a transform per column, and every row that all scopes let through."""

    dataset: DatasetId
    columns: Annotated[dict[str, TransformText], Field(min_length=1)]
    rows: tuple[RowScope, ...] = ()


class Signature(Spec):
    """An official signs for one of the two organisations."""

    official: OfficialId
    organisation: OrganisationId
    date: Day


class Agreement(Spec):
    """What a holder lets a recipient have, for which purposes, and under which protection.

    `volume` is rows released in a calendar month, `frequency` uses in a day; None is no limit.
    """

    holder: OrganisationId
    recipient: OrganisationId
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    datasets: Annotated[tuple[SharedDataset, ...], Field(min_length=1)]
    protection: Protection
    volume: Count | None = None
    frequency: Count | None = None
    valid_from: Day
    valid_to: Day | None = None
    signatures: tuple[Signature, ...] = ()
