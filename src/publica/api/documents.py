"""Documents of records in a request's body: JSON, or YAML as `publica apply` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from publica.api.serving import Served, Serving
from publica.api.strict import JSON, parsed, require_type
from publica.http.problems import HttpProblem
from publica.http.streaming import gone
from publica.http.who import caller
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


async def _documents(request: Request, serving: Served) -> Posted:
    return await _aside(request, serving, Documents)


async def _proposed(request: Request, serving: Served) -> Posted:
    return await _aside(request, serving, Proposed)


async def _aside(request: Request, serving: Serving, model: type[Documents]) -> Posted:
    """Read in its turn, as a use is: it may take seconds."""
    body, sender = await request.body(), (await caller(request)).actor.id
    return await serving.in_turn(sender, lambda: gone(request.receive), lambda: _posted(request, model, body))


def _posted(request: Request, model: type[Documents], body: bytes) -> Posted:
    """The documents of a body. Raises HttpProblem for what cannot be read, and for another type."""
    require_type(request, (JSON, YAML))
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == YAML:
        return Posted(read_text(body[: MAX_BYTES + 1], "body"), None, body)
    try:
        given = model.model_validate(parsed(body))
    except ValidationError as error:
        raise _unfit(error) from None
    values = [{"kind": each.kind, "id": each.id, "spec": each.spec} for each in given.documents]
    return Posted(read_values(values, "document"), getattr(given, "title", None), body)


def _unfit(error: ValidationError) -> Exception:
    """What does not fit, unless it is so much that listing it would take long."""
    if error.error_count() > MOST:
        return HttpProblem("bad-input", f"More than {MOST} things in the body do not fit.")
    problems = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)]
    return RequestValidationError(problems)


Given = Annotated[Posted, Depends(_documents)]
GivenToPropose = Annotated[Posted, Depends(_proposed)]
