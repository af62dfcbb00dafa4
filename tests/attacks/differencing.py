"""An analyst who may ask thousands of questions tries to find one person's income, and whether they are in.

    python -m tests.attacks.differencing [--questions 10000] [--persons 20000]

The analyst knows the register: the municipality, sex and age band of everybody, but not who objected, and
nobody's income. Targets are all adults who are alone in their municipality, sex and age band (the easiest
prey), and people of the crowd. All questions go through the real gateway under `labour_statistics`; meanwhile
people object and come back, join and leave.

By a few questions about one person:
- `direct`: their cell. `pairs`: a group, and the same without them. `complements`: the total less all others.
- `trackers`: A with them, B with them, A with B. `spellings`: pairs in many words; and the 24 given ones.
- `silence`: what is left out, and when.

By all tables that can be asked for:
- `reconstruction`: every published cell as an equation about who is in, solved for the most likely solution.
- `siege`: the same again and again over a long time while others come and go.
- `insider`: by somebody who knows of everybody else whether they are in, and what they earn.

By what changes:
- `watching`: the same tables before and after one person's choice (what vanishes? what changed?); other
  tables before than after, put together; the same with dozens of choices; and with a new version of the
  register.

Each strategy gives a score; the threshold from which on it says "in" is the best one for other games.
Success is P(says in | in) - P(says in | out). An income is recovered when the guess is within a tenth of it;
chance is the best guess for the age band, where nothing better is known.
"""

# ruff: noqa: T201 (a command that prints)
from __future__ import annotations

import argparse
import sys
import time

from publica.trust.privacy.rules import Parameters

from .analyst.arena import NAKED, SILENT, arena, protection
from .analyst.campaign import HEAD, blind, campaign

CONDITIONS = (
    ("as it is: noise 5, k 10, release history", Parameters(), True, 1.0),
    ("without noise (thresholds and history are on)", SILENT, True, 0.1),
    ("without any protection (the analyst must succeed)", NAKED, False, 0.1),
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev attack differencing", description=__doc__)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--persons", type=int, default=20_000)
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    with arena(asked.persons) as place:
        print(f"{asked.persons:,} people, {len(place.alone)} adults of them alone in their cell")
        guesses = blind(place)
        for title, parameters, history, share in CONDITIONS:
            print(f"\n{title}: {int(asked.questions * share):,} questions\n{HEAD}", flush=True)
            with protection(parameters, history=history):
                for result in campaign(place, int(asked.questions * share), parameters.noise):
                    print(result.line(guesses), flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
