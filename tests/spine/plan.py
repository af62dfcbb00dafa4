"""How many examples each law gets: 5,000 in all in CI, a fifth elsewhere, or as PUBLICA_EXAMPLES has it.

On PostgreSQL fewer: the laws are about the gateway and the engine, which are the same there.
The shares are by what an example costs: an answer 0.05 s, other values and other people four times that.
"""

from __future__ import annotations

import os

import states
from hypothesis import HealthCheck, Phase, settings

IN_CI = os.environ.get("CI", "").lower() == "true"
TOTAL = int(os.environ.get("PUBLICA_EXAMPLES", "5000" if IN_CI else "1000"))
SHARES = {"answers": 0.26, "values": 0.06, "touched": 0.06, "released": 0.12, "decisions": 0.50}
ON_POSTGRESQL = {"answers": 140, "values": 20, "touched": 20, "released": 120, "decisions": 100}
"""At most. A sixth of `released` must tell exactly who left, which of much fewer is a matter of chance."""


def examples(law: str) -> settings:
    """The settings of one law. A failing example is shown as drawn: making it small would take many minutes,
    for each step is a use with its receipt."""
    count = max(1, round(TOTAL * SHARES[law]))
    return settings(
        max_examples=count if states.Current.kind == "sqlite" else min(count, ON_POSTGRESQL[law]),
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
