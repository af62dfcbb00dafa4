"""Organisations, the officials who work there, and the roles they hold."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from publica.kernel.records import Ref, Spec
from publica.kernel.records.languages import Language
from publica.kernel.records.types import Day, Line, Text

OrganisationId = Annotated[str, Ref("organisation")]
OfficialId = Annotated[str, Ref("official")]
DatasetId = Annotated[str, Ref("dataset")]


class OrganisationType(StrEnum):
    """What kind of body an organisation is."""

    PUBLIC_BODY = "public body"
    SUPPLIER = "supplier"
    RESEARCH_INSTITUTION = "research institution"


class RoleName(StrEnum):
    """The roles that officials may hold."""

    CHIEF_DATA_OFFICER = "chief data officer"
    STEWARD = "steward"
    ANALYST = "analyst"
    STATISTICIAN = "statistician"
    ENGINEER = "engineer"
    AUDITOR = "auditor"


class OrganisationTexts(Spec):
    """The texts of an organisation in another language."""

    name: Line | None = None
    description: Text | None = None


class Organisation(Spec):
    """A body that holds or receives data. `code`: its number in the country's register of organisations."""

    name: Line
    code: Line | None = None
    type: OrganisationType
    description: Text | None = None
    translations: Mapping[Language, OrganisationTexts] = {}


class Official(Spec):
    """A person, or a machine, that acts for an organisation; `valid_to`: its last day there."""

    name: Line
    organisation: OrganisationId
    email: Line | None = None
    valid_to: Day | None = None


class RoleAssignment(Spec):
    """A role that an official holds at an organisation, from one day to another (both included).

    `datasets` limits a steward to some of the organisation's datasets; empty means all of them.
    """

    official: OfficialId
    role: RoleName
    organisation: OrganisationId
    datasets: tuple[DatasetId, ...] = ()
    valid_from: Day
    valid_to: Day | None = None
