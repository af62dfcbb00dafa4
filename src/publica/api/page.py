"""The page of the API: its OpenAPI document laid out for people, without any script."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from html import escape
from typing import Any

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem}
body{color:#0b0c0c;background:#fff}
h2{border-top:2px solid #1d70b8;margin-top:2.5rem;padding-top:.5rem}
h3{margin:2rem 0 .5rem;overflow-wrap:anywhere}
code,pre{font:14px/1.45 ui-monospace,monospace;background:#f3f2f1}
code{padding:.1em .25em}
pre{padding:.75rem;overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;vertical-align:top;border-bottom:1px solid #b1b4b6;padding:.35rem .5rem .35rem 0}
.method{color:#fff;background:#1d70b8;padding:.1em .4em}
.roles{color:#505a5f}
a{color:#1d70b8}
a:focus{outline:3px solid #fd0;color:#0b0c0c;background:#fd0}
"""
STYLE_POLICY = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""What the content security policy lets in: this style and no other."""


def page(document: dict[str, Any]) -> bytes:
    """The whole page, UTF-8."""
    return "".join(_page(document)).encode()


def _page(document: dict[str, Any]) -> Iterator[str]:
    title = f"{document['info']['title']}: the API"
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
    for paragraph in document["info"]["description"].split("\n\n"):
        yield f"<p>{_marked(paragraph)}</p>"
    yield '<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>'
    for tag in document["tags"]:
        operations = list(_operations(document, tag["name"]))
        if operations:
            name, told = escape(tag["name"]), _marked(tag["description"])
            yield f'<h2 id="{name}">{name}</h2><p>{told}</p>'
            for method, path, operation in operations:
                yield from _operation(method, path, operation)
    yield "<h2>Schemas</h2>"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{_json(schema)}'
    yield "</main></body></html>"


def _operations(document: dict[str, Any], tag: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if tag in operation.get("tags", ()):
                yield method.upper(), path, operation


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(operation["operationId"])}"><span class="method">{method}</span> '
    yield f"<code>{escape(path)}</code></h3><p>{_marked(operation.get('description', ''))}</p>"
    yield f'<p class="roles">For: {escape(", ".join(operation["x-roles"]))}</p>'
    if operation.get("parameters"):
        yield "<table><tr><th>Parameter</th><th>In</th><th>What it is</th></tr>"
        for one in operation["parameters"]:
            needed = " (required)" if one.get("required") else ""
            yield f"<tr><td><code>{escape(one['name'])}</code>{needed}</td><td>{one['in']}</td>"
            yield f"<td>{_marked(one.get('description', ''))} {_schema(one.get('schema', {}))}</td></tr>"
        yield "</table>"
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media)}</code> {_schema(body.get('schema', {}))}</p>"
        yield from _example(body)
    yield "<table><tr><th>Answer</th><th>What it means</th></tr>"
    for status, answer in operation["responses"].items():
        yield f"<tr><td>{escape(status)}</td><td>{_marked(answer['description'])}"
        for media, body in answer.get("content", {}).items():
            if not status.startswith("2"):
                continue
            yield f"<br><code>{escape(media)}</code> {_schema(body.get('schema', {}))}"
            yield from _example(body)
        yield "</td></tr>"
    yield "</table>"


def _example(body: dict[str, Any]) -> Iterator[str]:
    if "example" in body:
        yield _json(body["example"])


def _schema(schema: dict[str, Any]) -> str:
    """A schema in short: a link to a named one, else its JSON."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    return f"<code>{escape(json.dumps(schema, ensure_ascii=False))}</code>" if schema else ""


def _json(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    return f"<pre>{escape(text)}</pre>"


def _marked(text: str) -> str:
    """Text with its `code` marked as such."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
