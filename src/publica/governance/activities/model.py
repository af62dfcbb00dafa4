"""Processing activities (GDPR Article 30): what data is used for, on which legal basis."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from publica.governance.identity.model import DatasetId, OrganisationId, RoleName
from publica.kernel.records import Ref, Spec
from publica.kernel.records.languages import Language
from publica.kernel.records.types import Day, Line

OWN_DATA, STEWARDSHIP, OPEN_ACCESS = "own-data", "stewardship", "open-access"
BUILT_IN = (OWN_DATA, STEWARDSHIP, OPEN_ACCESS)
"""Activities that every instance has; no record may take their ids."""

LawId = Annotated[str, Ref("law")]

_PURPOSE = re.compile(r"[a-z][a-z0-9-]*:[A-Za-z][A-Za-z0-9_-]*\Z")
_DURATION = re.compile(
    r"P(?=[0-9T])(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,5}D)?(T(?=\d)(\d{1,4}H)?(\d{1,4}M)?(\d{1,4}S)?)?\Z",
    re.ASCII,
)


class BasisKind(StrEnum):
    """What makes an activity lawful."""

    LAW = "law"
    CONSENT = "consent"


class Protection(StrEnum):
    """What may come out, weakest first."""

    ROWS = "rows"
    PSEUDONYMOUS_ROWS = "pseudonymous rows"
    AGGREGATES = "aggregates"


class Outcome(StrEnum):
    """How an assessment ended."""

    APPROVED = "approved"
    REJECTED = "rejected"


def _purpose(text: str) -> str:
    if not _PURPOSE.match(text):
        raise PydanticCustomError("wrong", "A purpose is a term of a vocabulary, like dpv:ServiceProvision.")
    return text


def _duration(text: str) -> str:
    if not _DURATION.match(text):
        raise PydanticCustomError("wrong", "It must be an ISO 8601 duration, like P5Y (five years) or P90D.")
    return text


Purpose = Annotated[str, AfterValidator(_purpose)]
Duration = Annotated[str, AfterValidator(_duration)]


class Basis(Spec):
    """The legal basis: consent, or a law, which may leave people a right to object."""

    kind: BasisKind
    law: LawId | None = None
    objection: bool = False


class DatasetUse(Spec):
    """The columns of a dataset that an activity uses."""

    dataset: DatasetId
    columns: Annotated[tuple[str, ...], Field(min_length=1)]


class Assessment(Spec):
    """The impact assessment of an activity."""

    id: Line
    completed: Day
    outcome: Outcome


class Aggregates(Spec):
    """How an activity's totals are protected, where its protection is `aggregates`.

    `k`: fewest persons of a published cell. `dominance`: largest share of a sum that one person may have.
    `noise`: standard deviation of the noise of counts, in persons; 0 turns noise off.
    """

    k: Annotated[int, Field(ge=3, le=40)] = 10
    dominance: Annotated[float, Field(ge=0.05, le=0.9)] = 0.5
    noise: Annotated[float, Field(ge=0, le=50)] = 5.0

    @model_validator(mode="after")
    def _some_or_none(self) -> Aggregates:
        if 0 < self.noise < 1:
            raise PydanticCustomError("wrong", "Noise is 0 (off) or at least 1.")
        return self


class ActivityTexts(Spec):
    """The text of an activity in another language."""

    title: Line


class Activity(Spec):
    """One processing activity of one organisation. `purpose` is a term of W3C DPV."""

    title: Line
    organisation: OrganisationId
    purpose: Purpose
    basis: Basis
    datasets: Annotated[tuple[DatasetUse, ...], Field(min_length=1)]
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1)]
    protection: Protection
    retention: Duration
    assessment: Assessment | None = None
    aggregates: Aggregates | None = None
    valid_from: Day
    valid_to: Day | None = None
    translations: Mapping[Language, ActivityTexts] = {}
