"""Requests read strictly: no name twice, no NaN, no NUL, no unknown parameter, no body of another type."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from publica.http.accept import negotiate
from publica.http.problems import HttpProblem

JSON = "application/json"
_HALF = re.compile("[\ud800-\udfff]")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(Request):
    """A request whose JSON is RFC 8259's, and whose objects name nothing twice."""

    async def json(self) -> Any:
        if not hasattr(self, "_read"):
            self._read = parsed(await self.body())
        return self._read


class StrictRoute(APIRoute):
    """A route that refuses what it does not understand, before its handler runs."""

    def get_route_handler(self) -> Handler:
        handler, known, offered = super().get_route_handler(), set(_parameters(self)), _offered(self)
        takes_json = self.body_field is not None and self.body_field.field_info.__class__.__name__ == "Body"

        async def strict(request: Request) -> Response:
            refuse_unknown(request, known)
            if offered:
                negotiate(request.headers.get("accept"), offered)
            if takes_json:
                require_type(request, (JSON,))
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


def parsed(body: bytes) -> Any:
    """The value of a JSON text. Raises HttpProblem (400)."""
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_constant, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise malformed("The body is not UTF-8.") from None
    except RecursionError:
        raise malformed("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise malformed(f"The body is not JSON: {error.msg}, at character {error.pos}.") from None
    except ValueError as error:
        raise malformed(f"The body is not JSON as it is taken here: {_told(error)}.") from None
    if "\\u" in text or "\0" in text:
        _require_text(value)
    return value


def malformed(what: str) -> HttpProblem:
    return HttpProblem("malformed", what, do="Correct it and send it again.")


class _Unfit(ValueError):
    """Something that JSON readers disagree about."""


def _told(error: ValueError) -> str:
    return str(error) if isinstance(error, _Unfit) else "a number has too many digits"


def _constant(name: str) -> Any:
    raise _Unfit(f"{name} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Unfit("an object names something twice")
    return made


def _require_text(value: Any) -> None:
    """Raises HttpProblem for a NUL character, and for half a character (a lone surrogate)."""
    for text in _texts(value):
        if "\0" in text:
            raise malformed("The body holds a NUL character.")
        if _HALF.search(text):
            raise malformed("The body holds half a character.")


def _texts(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        found = pending.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            pending += [*found, *found.values()]
        elif isinstance(found, list):
            pending += found


def require_type(request: Request, taken: Iterable[str]) -> None:
    """Raises HttpProblem (415) unless the body is of one of these types, in UTF-8, not encoded further."""
    given = request.headers.get("content-type", "")
    name, _, parameters = given.partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "")
    if name.strip().lower() not in taken or charset not in ("", "charset=utf-8"):
        raise HttpProblem(
            "unsupported-media-type",
            "The body's Content-Type is not taken.",
            do=f"Send one of: {', '.join(taken)}; in UTF-8.",
            headers={"Accept": ", ".join(taken)},
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HttpProblem("unsupported-media-type", "Encoded bodies are not taken.", do="Send it as it is.")


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raises HttpProblem (422) for a parameter that the route lacks: a misspelt filter filters nothing."""
    seen = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise HttpProblem(
                "bad-input",
                "The address has a parameter that this route does not know.",
                do=f"There are: {', '.join(sorted(known)) or 'none'}.",
            )
        if name in seen:
            raise HttpProblem("bad-input", f"The parameter {name} is there twice.", do="Keep one.")
        seen.add(name)


def _offered(route: APIRoute) -> tuple[str, ...]:
    """The media types of a route's answers, as it documents them; none where it answers without a body."""
    status = route.status_code or 200
    if status >= 300 or status == 204:
        return ()
    content = route.responses.get(status, {}).get("content")
    return tuple(content) if content else (JSON,)


def _parameters(route: APIRoute) -> Iterator[str]:
    """The names of a route's query parameters, those of its dependencies too."""
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        yield from (field.alias for field in dependant.query_params)
        pending += dependant.dependencies
