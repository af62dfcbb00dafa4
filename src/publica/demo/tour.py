"""The tour: what Publica does, shown on the demo's instance. Everything shown happened just now."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from publica.demo import store
from publica.demo.prepare import prepare
from publica.demo.stage import Citizen, Say, Stage, acting_as, expect, quoted, text
from publica.instance import Instance, citizens, offline

OPEN_QUESTIONS = (
    """SELECT socket, count(*) AS points, max(power_kw) AS kw FROM charging_points
       GROUP BY socket ORDER BY points DESC LIMIT 3""",
    """SELECT complaint_type, count(*) AS requests FROM service_requests
       GROUP BY complaint_type ORDER BY requests DESC LIMIT 3""",
    """SELECT country, value FROM open_data_index
       WHERE variable = 'availability_score' ORDER BY value DESC LIMIT 3""",
)
ENTITLED = """SELECT p.household_id, count(*) AS adults, sum(i.income) AS income
       FROM population p JOIN incomes i ON i.person_id = p.person_id
       WHERE i.year = 2025 AND p.municipality = '{municipality}'
       GROUP BY p.household_id HAVING sum(i.income) < 20000 ORDER BY income DESC LIMIT 4"""
ADMITTED = """SELECT s.person_id, p.birth_date AS born, p.municipality AS region, s.diagnosis_code
       FROM hospital_stays s JOIN population p ON p.person_id = s.person_id
       WHERE s.admitted = DATE '{admitted}' ORDER BY born"""
MEANS = "SELECT year, count(*) AS people, avg(income) AS mean FROM incomes GROUP BY year ORDER BY year"
STAYS = "SELECT count(*) AS stays, count(DISTINCT person_id) AS people FROM hospital_stays"
MOVED = "I moved in spring. The register still has my old address."
HOW = {"left": "your row left", "total": "in a total", "looked through": "looked through"}
PUBLIC_KEY = "ledger.pub"
RECEIPT = ("id", "at", "organisation", "activity", "purpose", "basis", "agreements", "datasets", "rows")
COMMITTED = ("actor", "sql", "result", "touched", "released")


def run(folder: Path, persons: int, say: Say, serve: bool = False) -> tuple[Citizen, ...]:
    """Build the demo in `folder` (or take the one made there before) and give the tour.

    Returns the citizen whom it follows, and the others of whom the demo tells.
    Raises BadInput when the folder holds something else, IntegrityBroken when a step does not do what it
    must.
    """
    stage = prepare(folder, persons, say)
    try:
        open_data(stage)
        allowed(stage)
        refused(stage)
        before = consented(stage)
        after = withdrawn(stage)
        listed(stage, before)
        proved(stage, before, after)
        tampered(stage, before)
    finally:
        stage.instance.close()
    farewell(stage, serve=serve)
    return stage.citizen, *stage.others


def open_data(stage: Stage) -> None:
    stage.title("1  Open data: three real tables, as they were published")
    for sql in OPEN_QUESTIONS:
        expect(stage.ask("ana", "open-access", sql).rows == 3, "an open table answered with other rows")


def allowed(stage: Stage) -> None:
    stage.title("2  An allowed use, and its receipt")
    stage.tell(
        "Ana of Social Services looks for households in one municipality whose income of 2025 entitles them "
        "to a heating grant. A law and two signed agreements let her see these columns of these people, "
        "and no others."
    )
    answer = stage.ask("ana", "heating_grant", ENTITLED.format(municipality=stage.citizen.municipality))
    expect(answer.rows > 0 and answer.receipt is not None, "the allowed use brought no rows or no receipt")
    stage.tell("The receipt is an entry of the ledger. Everybody may read this of it:")
    _show_receipt(stage, answer.receipt or "")


def refused(stage: Stage) -> None:
    stage.title("3  Refusals, each naming what is missing and who can supply it")
    stage.tell("Axel of a supplier has a law and a registered activity, but no agreement with the holder:")
    _expect_clause(
        stage, "axel", "software_tests", "SELECT name, address FROM population", "agreement-exists"
    )
    stage.tell("Ana asks for one column more than her activity covers:")
    _expect_clause(stage, "ana", "heating_grant", "SELECT address FROM population", "columns-in-activity")
    stage.tell("Statistics of the whole population give totals, and no one's own income:")
    _expect_clause(stage, "stella", "labour_statistics", "SELECT max(income) FROM incomes", "aggregate-form")
    stage.tell("Totals come out with noise that protects each person; it says how far they may be off:")
    answer = stage.ask("stella", "labour_statistics", MEANS)
    expect(answer.rows > 0 and answer.protected is not None, "the statistics brought nothing")


def consented(stage: Stage) -> str:
    """Returns the use in which the citizen's row left."""
    stage.title("4  Research on those who consented: pseudonyms, the year of birth, the region")
    stage.tell("Stella sees hospital stays only of people who consented, and never who they are:")
    answer = stage.ask("stella", "health_research", ADMITTED.format(admitted=stage.citizen.admitted))
    expect(answer.rows > 0 and answer.receipt is not None, "the research brought no rows or no receipt")
    return answer.receipt or ""


def withdrawn(stage: Stage) -> str:
    """Returns the first use after the withdrawal."""
    citizen = stage.citizen
    stage.title("5  Consent withdrawn, and the next answer")
    before = stage.ask("stella", "health_research", STAYS)
    stage.tell(f"{citizen.key} (hospital stays: {citizen.stays}) withdraws:")
    stage.command("choice", "withdraw", "--subject", citizen.key, "--activity", "health_research")
    made = stage.instance.choose(citizen.key, "health_research", "withdraw", acting_as("operator"))
    expect(not made["allowed"], "the withdrawal had no effect")
    stage.say(f"    {citizen.key}: data may not be used by health_research")
    after = stage.ask("stella", "health_research", STAYS)
    (counted,), (then,) = before.table().to_pylist(), after.table().to_pylist()
    fewer = (counted["stays"] - then["stays"], counted["people"] - then["people"])
    expect(fewer == (citizen.stays, 1), f"the answer lost {fewer} stays and people")
    first, second = (
        _receipt(stage, answer.receipt or "")["choice_state"]["health_research"] for answer in (before, after)
    )
    expect(first < second, "the second receipt does not stand on a later state of choices")
    stage.tell(f"The receipts say on which state of choices each answer stands: {first}, then {second}.")
    return after.receipt or ""


def listed(stage: Stage, left: str) -> None:
    citizen = stage.citizen
    stage.title("6  What the citizen sees")
    stage.command("uses", "--subject", citizen.key)
    uses = stage.instance.uses(citizen.key, acting_as("operator"))
    rows = [
        [
            _minute(use),
            use["organisation"],
            use["activity"],
            text(use["datasets"]),
            HOW[use["how"]],
            use["use"],
        ]
        for use in uses[:5]
    ]
    stage.table(["when", "who", "activity", "data", "how", "use"], rows)
    how = {use["use"]: use["how"] for use in uses}
    expect(how.get(left) == "left", "the citizen's list does not say that the row left")
    neighbour = (stage.citizen, *stage.others)[-1].key
    waiting = citizens.ask_correction(
        stage.instance, neighbour, "population", "address", MOVED, acting_as(neighbour)
    )
    stage.tell(f"{neighbour} says that their address is wrong. It waits for Sam, who has 28 days:")
    stage.facts({"request": waiting.id, "due": waiting.due_at.date().isoformat()})


def proved(stage: Stage, left: str, after: str) -> None:
    key = stage.citizen.key
    stage.title("7  Proofs that need only a file and the public key")
    for use, name, part in ((left, "proof-in.json", True), (after, "proof-out.json", False)):
        stage.command("uses", "prove", "--subject", key, "--use", use, "--out", name)
        file = stage.folder / name
        file.write_text(json.dumps(stage.instance.prove(key, use, acting_as(key)), indent=1) + "\n", "utf-8")
        stage.command("verify", name, "--key", PUBLIC_KEY)
        found = offline.verify(file, offline.public_key(stage.folder, stage.folder / PUBLIC_KEY))
        stage.note(found["sentence"])
        expect(found["touched"] is part, f"the proof {name} says otherwise")


def tampered(stage: Stage, use: str) -> None:
    stage.title("8  A forged ledger is found out")
    stage.command("ledger", "verify")
    found = stage.instance.verify_ledger()
    expect(not found["problems"], f"the ledger does not verify: {found['problems'][:1]}")
    stage.say(f"    ✓ {found['size']} entries: everything holds")
    stage.tell(
        "In a copy of the instance, somebody with every right on the database makes the receipt of step 4 "
        "say that nothing was released:"
    )
    with tempfile.TemporaryDirectory(prefix="publica-forged-") as scratch:
        copy = Instance.open(_copy(stage.folder, Path(scratch) / "forged"))
        try:
            copy.db.maintain(lambda change: store.rewrite_history(change, use))
            problems = copy.verify_ledger()["problems"]
        finally:
            copy.close()
    expect(bool(problems), "the forgery was not found")
    stage.say("  $ publica --instance COPY ledger verify")
    for problem in problems[:2]:
        stage.note(f"✗ {problem}")
    stage.tell("The copy is gone; the instance was not touched.")


def farewell(stage: Stage, *, serve: bool) -> None:
    stage.title("What to try next")
    stage.say(f"  $ cd {quoted(str(stage.folder))}")
    stage.command(
        "query", "--as", "ana", "--activity", "heating_grant", "--explain", "SELECT name FROM population"
    )
    stage.command("query", "--as", "carla", "--activity", "open-access", "SELECT * FROM municipalities")
    stage.command("choice", "grant", "--subject", stage.citizen.key, "--activity", "health_research")
    stage.command("choice", "status", "--subject", stage.citizen.key, "--activity", "health_research")
    stage.command("export", "my-records")
    stage.tell("Then change a file in my-records, see the difference and apply it:")
    stage.command("apply", "--dry-run", "my-records")
    if serve:
        stage.tell(
            "It is served now, on this machine alone. Open the address below in a browser: the first page "
            "says whom you can be there, and what to try as each."
        )


def _minute(use: dict[str, Any]) -> str:
    """When a use was, to the minute (UTC)."""
    return str(use["at"])[:16].replace("T", " ")


def _expect_clause(stage: Stage, official: str, activity: str, sql: str, reason: str) -> None:
    refusal = stage.refused(official, activity, sql)
    missing = [clause.reason for clause in refusal.decision.missing]
    expect(reason in missing, f"the refusal names {missing}, not {reason}")
    expect(refusal.receipt is not None, "the refusal has no receipt")


def _show_receipt(stage: Stage, use: str) -> None:
    entry = _receipt(stage, use)
    stage.facts({name: entry[name] for name in RECEIPT} | {"columns": _columns(entry["columns"])})
    stage.note(f"Only as commitments, to be opened when needed: {', '.join(COMMITTED)}.")
    expect(all(name in entry for name in COMMITTED), "the receipt lacks a commitment")


def _columns(columns: dict[str, list[str]]) -> str:
    return "; ".join(f"{dataset}: {', '.join(names)}" for dataset, names in columns.items())


def _receipt(stage: Stage, use: str) -> dict[str, Any]:
    with stage.instance.db.read() as connection:
        return store.receipt(connection, use)


def _copy(folder: Path, to: Path) -> Path:
    """A copy of the instance without its data, which the ledger does not need to be verified."""
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("material", "*.parquet")))
