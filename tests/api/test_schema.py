"""Every operation of the document, with what fits it and what does not: no fault, no undocumented answer.

The cases are the same ones each time. A longer run, with others: set PUBLICA_EXAMPLES to their number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .city import City, opened

EXAMPLES = os.environ.get("PUBLICA_EXAMPLES")
CALLERS = ("anonymous", "analyst", "steward", "chief data officer", "auditor", "citizen")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OFTEN = 10**9
RATES = ("address_per_minute", "actor_per_minute", "sign_in_per_minute", "failed_per_minute")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[City, Any]]:
    with opened(tmp_path_factory.mktemp("schema"), rates=dict.fromkeys(RATES, OFTEN)) as city:
        yield city, schemathesis.openapi.from_asgi("/openapi.json", city.app)


def test_whatever_is_sent(served: tuple[City, Any]) -> None:
    city, schema = served
    wrong: list[str] = []
    for found in schema.get_all_operations():
        wrong += tried(city, found.ok())
    assert not wrong, "\n\n".join(wrong)


def tried(city: City, operation: Any) -> list[str]:
    """What is wrong with one operation, if anything is: each case is sent by every class of callers."""
    cases = st.one_of(
        operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE)
    )
    wrong: dict[str, str] = {}

    @settings(
        max_examples=int(EXAMPLES or 5),
        derandomize=EXAMPLES is None,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def tries(case: Any) -> None:
        for who in CALLERS:
            try:
                answer = case.call(headers=city.headers(who))
                if operation.path == "/sign-out":
                    city.forget(who)
                case.validate_response(answer, checks=CHECKS)
            except (AssertionError, ExceptionGroup) as error:
                wrong.setdefault(who, str(error))

    tries()
    return [f"{operation.label} as {who}: {error}" for who, error in wrong.items()]
