"""Documents of records in a request's body: JSON, or YAML as `publica apply` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from publica.api.strict import JSON, parsed, require_type
from publica.kernel.documents import MAX_BYTES, Reading, read_text, read_values

YAML = "application/yaml"
MOST, TITLE_LIMIT = 1000, 200

EXAMPLE: dict[str, Any] = {
    "kind": "law",
    "id": "heating-act",
    "spec": {"title": "Heating Act", "eli": "eli/arn/act/2026/4", "valid_from": "2026-01-01"},
}
EXAMPLE_YAML = """\
kind: law
id: heating-act
spec:
  title: Heating Act
  eli: eli/arn/act/2026/4
  valid_from: 2026-01-01
"""


class Document(BaseModel):
    """A document of a record, as `publica apply` reads it."""

    model_config = ConfigDict(extra="forbid")
    kind: StrictStr
    id: StrictStr
    spec: dict[str, Any]


class Documents(BaseModel):
    """Documents of records."""

    model_config = ConfigDict(extra="forbid")
    documents: list[Document] = Field(min_length=1, max_length=MOST)


class Proposed(Documents):
    """Documents that would change records, and what for."""

    title: StrictStr = Field(min_length=1, max_length=TITLE_LIMIT, description="What it is about.")


@dataclass(frozen=True)
class Posted:
    """What was sent: the documents as read, the title that JSON may carry, and the bytes."""

    reading: Reading
    title: str | None
    body: bytes


def body_of(model: type[Documents], **more: Any) -> dict[str, Any]:
    """How OpenAPI describes such a body."""
    example = {**more, "documents": [EXAMPLE]}
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": schema, "example": example},
                YAML: {"schema": {"type": "string"}, "example": EXAMPLE_YAML},
            },
        }
    }


def components() -> dict[str, Any]:
    """The schemas that those descriptions refer to."""
    found: dict[str, Any] = {}
    for model in (Documents, Proposed):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        found |= schema.pop("$defs", {})
        found[model.__name__] = schema
    return found


async def _documents(request: Request) -> Posted:
    return _posted(request, Documents, await request.body())


async def _proposed(request: Request) -> Posted:
    return _posted(request, Proposed, await request.body())


def _posted(request: Request, model: type[Documents], body: bytes) -> Posted:
    """The documents of a body. Raises HttpProblem for what cannot be read, and for another type."""
    require_type(request, (JSON, YAML))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == YAML:
        return Posted(read_text(body[: MAX_BYTES + 1], "body"), None, body)
    try:
        given = model.model_validate(parsed(body))
    except ValidationError as error:
        problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
        raise RequestValidationError(problems) from None
    values = [document.model_dump() for document in given.documents]
    return Posted(read_values(values, "document"), getattr(given, "title", None), body)


Given = Annotated[Posted, Depends(_documents)]
GivenToPropose = Annotated[Posted, Depends(_proposed)]
