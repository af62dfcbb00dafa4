"""All attacks but the long ones: those given, and our own. `./dev attack`."""

from __future__ import annotations

import sys

from . import corpus, own

if __name__ == "__main__":
    held = [tried.main(sys.argv[1:]) == 0 for tried in (corpus, own)]
    sys.exit(0 if all(held) else 1)
