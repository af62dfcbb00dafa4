"""Statements that would take all time, memory, disk or stack: each must end in a refusal or at a limit.

python -m tests.attacks.bombs [NAME...]
"""

# ruff: noqa: T201, E501 (a command that prints; a statement stays on its line)
from __future__ import annotations

import argparse
import gc
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from .corpus import GIVEN, OURS
from .world import Arena, Outcome, Variant, arena

SECONDS, MEMORY = 1.0, "300MB"
"""What a use may take here."""
SPARE = 300_000_000
"""Bytes of a spilled file that may be empty."""
ACTIVITIES = ("casework", "research", "statistics")
ENDS = ("refused by a decision", "at a limit", "no bad end")
LIMITS = re.compile(
    r"(?:TimedOut|NoMemory): (The statement took longer|The statement needed more memory|The answer has more than)"
)


def _nested(head: str, tail: str, times: int, middle: str = "1") -> str:
    return head * times + middle + tail * times


def _doubled(times: int) -> str:
    """A text that is put after itself, again and again, by one CTE after the other."""
    ctes = ["t0 AS (SELECT 'x' || sex AS s FROM persons)"]
    ctes += [f"t{n} AS (SELECT s || s AS s FROM t{n - 1})" for n in range(1, times + 1)]
    return f"WITH {', '.join(ctes)} SELECT max(length(s)) FROM t{times}"


def _squared(times: int) -> str:
    """Rows that are joined with themselves, again and again."""
    ctes = ["t0 AS (SELECT i FROM range(100) r(i))"]
    ctes += [f"t{n} AS (SELECT a.i + b.i AS i FROM t{n - 1} a, t{n - 1} b)" for n in range(1, times + 1)]
    return f"WITH {', '.join(ctes)} SELECT sum(i) FROM t{times}"


def _chain(times: int) -> str:
    froms = " ".join(f"JOIN places p{n} USING (postcode)" for n in range(1, times))
    return f"SELECT count(*) FROM places p0 {froms}"


BOMBS: dict[str, str] = {
    # time
    "cross joins of people": f"SELECT count(*) FROM persons a{', persons' * 0}, persons b, persons c, persons d "
    "WHERE a.sex || b.sex || c.sex || d.sex = 'x'",
    "cross joins of numbers": "SELECT sum(a.i * b.i % 7) FROM range(1000000) a(i), range(1000000) b(i)",
    "cross joins of open tables": "SELECT count(*) FROM "
    + ", ".join(f"places p{n}" for n in range(12))
    + " WHERE p0.place || p11.place = ''",
    "rows squared by CTEs": _squared(4),
    "a long series": "SELECT count(DISTINCT i % 1000003) FROM range(100000000000) r(i)",
    "a recursive CTE": "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "an expensive pattern": "SELECT count(*) FROM (SELECT repeat('a', 10000) AS s FROM range(100000) r(i)) WHERE regexp_matches(s, '(a*)*(a|b)*(a|c)*d$')",
    "many patterns": "SELECT sum(length(regexp_replace(repeat('ab', 9000), '(a|b)+?', 'ccc', 'g'))) FROM range(1000000)",
    "a correlated subquery": "SELECT count(*) FROM range(200000) a(i) WHERE (SELECT count(*) FROM range(200000) b(j) WHERE b.j * a.i % 7 = 3) > 2",
    "an unequal join of people": "SELECT count(*) FROM persons a JOIN persons b ON a.income < b.income JOIN persons c ON b.income < c.income JOIN persons d ON c.income < d.income",
    "a wide window": "SELECT sum(s) FROM (SELECT sum(i) OVER (ORDER BY i % 1000 ROWS BETWEEN 500000 PRECEDING AND 500000 FOLLOWING) AS s FROM range(50000000) r(i))",
    "many windows": "SELECT "
    + ", ".join(f"sum(i) OVER (ORDER BY i + {k})" for k in range(150))
    + " FROM range(500000) r(i)",
    "a lambda in a large list": "SELECT sum(list_sum(list_transform(range(10000), lambda x: x * x % 7))) FROM range(100000000)",
    "factorials": "SELECT sum(factorial(33) % (i + 1)) FROM range(1000000000) r(i)",
    # memory
    "a text grown by repeat": "SELECT length(repeat(repeat(repeat('x', 10000), 10000), 10000))",
    "a text grown by doubling": _doubled(40),
    "a text grown by replace": "SELECT length(replace(replace(repeat('x', 10000), 'x', repeat('x', 10000)), 'x', repeat('x', 10000)))",
    "a padded text in many rows": "SELECT max(s) FROM (SELECT lpad('x', 10000, 'y') || i AS s FROM range(100000000) r(i)) ",
    "a large list": "SELECT len(list(i ORDER BY i)) FROM range(1000000000) r(i)",
    "a large text": "SELECT length(string_agg(s, '' ORDER BY s)) FROM (SELECT repeat('x', 9999) || i AS s FROM range(10000000) r(i))",
    "a list of lists": "SELECT len(list_transform(range(10000), lambda x: range(10000))) ",
    "a list too long": "SELECT range(1000000000000)",
    "a large sort": "SELECT md5(i::VARCHAR) AS m FROM range(1000000000) r(i) ORDER BY m LIMIT 1 OFFSET 999999999",
    "many groups": "SELECT max(n) FROM (SELECT md5(i::VARCHAR), count(*) AS n FROM range(1000000000) r(i) GROUP BY 1)",
    "distinct values": "SELECT count(*) FROM (SELECT DISTINCT i, sha256(i::VARCHAR) FROM range(1000000000) r(i))",
    "a large cube": "SELECT count(*) FROM (SELECT a, b, c, d FROM (SELECT i % 97 AS a, i % 89 AS b, i % 83 AS c, i % 79 AS d FROM range(100000000) r(i)) GROUP BY CUBE (a, b, c, d))",
    "exact quantiles": "SELECT median(md5(i::VARCHAR)) FROM range(1000000000) r(i)",
    # rows and bytes
    "many rows": "SELECT i FROM range(1000000000) r(i)",
    "many rows of people": "SELECT a.sex FROM persons a, persons b",
    "many rows of totals": "SELECT t.sex FROM (SELECT sex, count(*) AS n FROM persons GROUP BY sex) t, range(100000000)",
    "many bytes": "SELECT repeat('x', 10000) FROM range(50000)",
    "many bytes in one row": "SELECT list_transform(range(10000), lambda x: repeat('x', 10000)) AS l",
    "many elements": "SELECT unnest(range(10000)) FROM range(100000)",
    # the parser
    "brackets": "SELECT " + _nested("(", ")", 5_000),
    "brackets to the limit": "SELECT " + _nested("(", ")", 99),
    "nested selects": _nested("SELECT * FROM (", ")", 3_000, "SELECT 1"),
    "nested scalar selects": "SELECT " + _nested("(SELECT ", ")", 2_000),
    "nested CASE": "SELECT " + _nested("CASE WHEN 1 = 1 THEN ", " END", 3_000),
    "nested calls": "SELECT " + _nested("abs(", ")", 5_000),
    "nested lists": "SELECT " + _nested("[", "]", 5_000),
    "nested casts": "SELECT 1" + "::INT" * 15_000,
    "unary minus": "SELECT " + "- " * 40_000 + "1",
    "NOT": "SELECT " + "NOT " * 20_000 + "TRUE",
    "a long sum": "SELECT 1" + " + 1" * 24_000,
    "a long disjunction": "SELECT count(*) FROM persons WHERE sex = 'F'" + " OR sex = 'F'" * 7_000,
    "a long concatenation": "SELECT 'x'" + " || 'x'" * 14_000,
    "a list of a hundred thousand": "SELECT count(*) FROM persons WHERE postcode IN ("
    + ", ".join(f"'{n}'" for n in range(100_000))
    + ")",
    "a list to the limit": "SELECT count(*) FROM persons WHERE sex IN (" + ", ".join(["'F'"] * 19_000) + ")",
    "a union of ten thousand": " UNION ALL ".join(["SELECT 1"] * 10_000),
    "a union to the limit": " UNION ".join(["SELECT 1"] * 6_000),
    "values": "SELECT count(*) FROM (VALUES " + ", ".join(["(1)"] * 19_000) + ") v(x)",
    "columns": "SELECT " + ", ".join(["1"] * 30_000),
    "columns of people": "SELECT " + ", ".join(["sex"] * 15_000) + " FROM persons",
    "joins": _chain(2_500),
    "joins to the limit": _chain(33),
    "CTEs": "WITH " + ", ".join(f"t{n} AS (SELECT 1 AS x)" for n in range(3_000)) + " SELECT 1",
    "CTEs that double": "WITH t0 AS (SELECT 1 AS x)"
    + "".join(f", t{n} AS (SELECT a.x FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 40))
    + " SELECT count(*) FROM t39",
    "aliases that double": "SELECT 1 AS a0" + "".join(f", a{n - 1} + a{n - 1} AS a{n}" for n in range(1, 60)),
    "stars that double": "WITH t0 AS (SELECT 1 AS x)"
    + "".join(f", t{n} AS (SELECT a.*, b.* FROM t{n - 1} a, t{n - 1} b)" for n in range(1, 25))
    + " SELECT count(*) FROM t24",
    "grouping sets": "SELECT count(*) FROM persons GROUP BY CUBE ("
    + ", ".join(["sex", "postcode"] * 30)
    + ")",
    "grouping sets of totals": "SELECT left(postcode, 1), count(*) FROM persons GROUP BY "
    + ", ".join(["CUBE (sex, postcode)"] * 20)
    + ", 1",
    "filters": "SELECT "
    + ", ".join(f"count(*) FILTER (WHERE postcode = '{n}')" for n in range(1_500))
    + " FROM places",
    "filters to the limit": "SELECT "
    + ", ".join(f"count(*) FILTER (WHERE sex = '{n}')" for n in range(300))
    + " FROM persons",
    "derived tables of people": _nested(
        "SELECT sex FROM (", ")", 30, "SELECT left(sex, 1) AS sex FROM persons"
    )
    + " GROUP BY sex",
    "a huge number": "SELECT " + "9" * 90_000,
    "a huge fraction": "SELECT 0." + "1" * 90_000,
    "a huge exponent": "SELECT 1e" + "9" * 5_000,
    "a huge text": "SELECT '" + "x" * 99_000 + "'",
    "a text past the limit": "SELECT '" + "x" * 5_000_000 + "'",
    "a huge name": 'SELECT 1 AS "' + "x" * 99_000 + '"',
    "a huge comment": "SELECT 1 /*" + "x" * 5_000_000 + "*/",
    "nested comments": "SELECT 1 " + "/*" * 40_000,
    "spaces": "SELECT" + " " * 5_000_000 + "1",
    "semicolons": "SELECT 1" + ";" * 90_000,
    "dots": "SELECT " + "a." * 40_000 + "a",
    "indexes": "SELECT [1]" + "[1]" * 30_000,
    "lambdas": "SELECT " + _nested("list_transform([1], lambda x: ", ")", 2_000, "x"),
    "intervals": "SELECT INTERVAL 1 DAY" + " + INTERVAL 1 DAY" * 5_000,
    "open quotes": "SELECT " + "'" * 50_001,
}
"""What each tries → the statement."""

HARMLESS = frozenset(
    """brackets to the limit|filters to the limit|a list to the limit|a huge text|a huge name|joins to the limit|unary minus|NOT|a huge exponent|values|
    an expensive pattern|many patterns|semicolons|grouping sets of totals|aliases that double|a long disjunction|many rows of totals|derived tables of people|a huge number|a huge fraction""".replace(
        "\n    ", ""
    ).split("|")
)
"""Those that may be answered: they are within the limits."""


@dataclass
class Blast:
    """What came of one bomb: the outcome, and the processor time that it took in this process's thread."""

    name: str
    activity: str
    outcome: Outcome
    seconds: float

    @property
    def wrong(self) -> str:
        """What is wrong with how it ended; nothing if it ended well."""
        told, kind = self.outcome.text[:200], self.outcome.kind
        if kind == "answered" and self.name in HARMLESS:
            return ""
        ended = kind == "refused" or (
            kind == "failed" and (LIMITS.match(told) or told.startswith("BadInput"))
        )
        return "" if ended else f"{self.name} under {self.activity}: {kind} {told}"


def ignite(place: Arena, name: str, activity: str) -> Blast:
    """One bomb, through the one door."""
    began = time.thread_time()
    outcome = place.base.ask(activity, BOMBS[name], fresh=False)
    return Blast(name, activity, outcome, time.thread_time() - began)


# others, meanwhile


@dataclass
class Neighbour:
    """Somebody who asks small questions all the while, and what they were answered."""

    variant: Variant
    wanted: tuple[tuple[Any, ...], ...]
    answers: int = 0
    wrong: list[str] = field(default_factory=list)
    most: int = 0
    """The most memory that the process held at any look (bytes)."""

    QUESTION = "SELECT sex, count(*) AS n FROM persons GROUP BY sex ORDER BY sex"

    def ask(self, done: threading.Event) -> None:
        while not done.is_set():
            told = self.variant.ask("casework", self.QUESTION, fresh=False)
            if told.rows == self.wanted:
                self.answers += 1
            else:
                self.wrong.append(f"{told.kind} {told.text[:200]}")
            self.most = max(self.most, resident())
            done.wait(0.2)


@contextmanager
def neighbour(place: Arena) -> Iterator[Neighbour]:
    """A neighbour in a thread of this process."""
    asked = place.base.ask("casework", Neighbour.QUESTION, fresh=False)
    other, done = Neighbour(place.base, asked.rows), threading.Event()
    thread = threading.Thread(target=other.ask, args=(done,))
    thread.start()
    try:
        yield other
    finally:
        done.set()
        thread.join()


AGAIN = """
import sys
from publica.gateway.door import Request
from publica.instance import Instance
from publica.kernel.actor import Actor
instance = Instance.open(__import__("pathlib").Path(sys.argv[1]))
for line in sys.stdin:
    answer = instance.use(Request(Actor("cyd", "operator", "tester"), "casework", line.strip(), {}))
    print([tuple(row.values()) for row in answer.table().to_pylist()], flush=True)
instance.close()
"""


@contextmanager
def other_process(folder: Path) -> Iterator[Any]:
    """Asks a question in another process on the same instance: a function that gives the answer's text."""
    command = [sys.executable, "-c", AGAIN, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        reads, writes = process.stdout, process.stdin

        def ask(sql: str) -> str:
            writes.write(sql + "\n")
            writes.flush()
            return reads.readline().strip()

        yield ask
        writes.close()
        process.wait(60)


def resident() -> int:
    """How many bytes of memory this process holds, where the system tells."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found[1]) * 1024 if found else 0


def settled() -> int:
    """The same after what can be given back was given back."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    return resident()


def spilled(place: Arena, seconds: float = 20.0) -> dict[str, int]:
    """Bytes that uses left on disk because they did not fit into memory, by what they are; it takes the
    engine a moment to clear away.

    Rows of the working copy itself may lie there until they are read again; and the engine keeps a file's room
    for the next use that spills.
    """
    until = time.monotonic() + seconds
    while (found := _spilled(place)) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _spilled(place: Arena) -> dict[str, int]:
    sql = "SELECT tag, temporary_storage_bytes FROM duckdb_memory() WHERE temporary_storage_bytes > 0"
    with place.base.instance.door.engine._copy.cursor() as cursor:
        found = dict(cursor.execute(sql).fetchall())
    ours = found.pop("IN_MEMORY_TABLE", 0)
    files = sum(path.stat().st_size for path in place.folder.rglob("spill-*/*") if path.is_file())
    return {**found, **({"files": files} if files > ours + SPARE else {})}


@contextmanager
def range_of_fire(seconds: float = SECONDS) -> Iterator[Arena]:
    """The world of the corpus, with tight limits."""
    with arena(GIVEN, OURS, seconds=seconds, memory=MEMORY, only="A") as place:
        yield place


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev attack bombs", description="Resource bombs against Publica.")
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--format", dest="form", choices=("table", "json"), default="table")
    given = parser.parse_args(words)
    chosen = [name for name in BOMBS if not given.names or name in given.names]
    blasts = []
    with range_of_fire() as place:
        for name in chosen:
            for activity in ACTIVITIES:
                blasts.append(blast := ignite(place, name, activity))
                if given.form == "table":
                    told = (blast.outcome.text.splitlines() or [""])[0][:70]
                    line = f"{name:34} {activity:11} {blast.outcome.kind:9} {blast.seconds:6.2f} s  {told}"
                    print(line, flush=True)
    wrong = [blast.wrong for blast in blasts if blast.wrong]
    if given.form == "json":
        rows = [{"bomb": b.name, "activity": b.activity, "outcome": b.outcome.kind} for b in blasts]
        print(json.dumps({"bombs": rows, "wrong": wrong}, indent=2))
    else:
        print(f"{len(blasts)} bombs: {len(wrong)} not stopped", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
