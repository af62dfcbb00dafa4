"""What the OpenAPI document says besides its routes."""

from __future__ import annotations

from typing import Any

DESCRIPTION = """\
One governed door to data: every use cites an activity, is decided, and leaves a receipt.

Errors are problem documents (RFC 9457) with a stable `type`; a refusal carries its `clauses` and `receipt`.
Lists are paged: follow `next` until it is null. Times are RFC 3339, UTC. Every answer has an `X-Request-Id`.

Sign in with a browser (a cookie; requests that change something then need the header `Publica-CSRF`), or send
an API token or a machine's access token as `Authorization: Bearer …`. `x-roles` says for whom a route is.
"""

TAGS = [
    {"name": "uses", "description": "Put questions to data, and see what was asked."},
    {"name": "requests", "description": "After a refusal: ask whoever can supply what was missing."},
    {"name": "oversight", "description": "For chief data officers and auditors: what is missing or late."},
    {"name": "me", "description": "A citizen's own choices, and the uses of their own data."},
    {"name": "rights", "description": "A citizen's rights: what is held, notices, receipts, corrections."},
    {"name": "records", "description": "The governance records: read them, and propose changes."},
    {"name": "datasets", "description": "What data there is, what it means, and who answers for it."},
    {"name": "ledger", "description": "The append-only log, as C2SP tlog-tiles has it."},
    {"name": "sign-in", "description": "Sign in and out, and see who you are here."},
    {"name": "tokens", "description": "API tokens: for programs that ask in your name."},
    {"name": "tracker", "description": "Estonia's Data Tracker protocol."},
    {"name": "operations", "description": "For those who run the server."},
    {"name": "reference", "description": "This description."},
]

SECURITY: dict[str, dict[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token (`publica_…`), or a machine's OAuth 2 access token (a JWT).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-publica",
        "description": "The cookie of a session; over plain http on loopback its name is `publica`.",
    },
}

COMPONENTS: dict[str, Any] = {
    "Answered": {
        "title": "Answered",
        "description": "An answer as JSON. Decimals are texts; so are whole numbers beyond ±(2^53 - 1), "
        "which many readers would round. Times are ISO 8601, bytes base64; numbers that are not finite are "
        '"NaN", "Infinity" and "-Infinity". Columns of the same name are numbered: `n`, `n_2`.',
        "type": "object",
        "required": ["receipt", "columns", "protection", "uncertainty", "rows"],
        "properties": {
            "receipt": {"type": ["string", "null"], "description": "As in the header `Publica-Receipt`."},
            "columns": {
                "type": "array",
                "description": "Names in order, and the types that they have in Arrow.",
                "items": {
                    "type": "object",
                    "required": ["name", "type"],
                    "properties": {"name": {"type": "string"}, "type": {"type": "string"}},
                },
            },
            "protection": {
                "type": ["object", "null"],
                "description": "Of totals: how they are protected, and what may be missing.",
                "properties": {
                    "k": {"type": "integer", "description": "Fewest persons of a cell."},
                    "dominance": {"type": "number", "description": "Largest share of one person in a sum."},
                    "noise": {"type": "number", "description": "Standard deviation of a count's noise."},
                    "left_out": {"type": "string"},
                },
            },
            "uncertainty": {
                "type": ["array", "null"],
                "description": "Of totals: by row, half the 95 % interval of each protected value.",
                "items": {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
            },
            "rows": {"type": "array", "items": {"type": "object"}},
        },
    }
}
