"""The one door: every use of data passes here, in ten numbered steps.

No receipt, no data. A crash between 9 and 10 counts as released.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from publica.gateway import again, opened, receipts, surface
from publica.gateway.aggregate import run
from publica.gateway.aggregate.outer import over_cells
from publica.gateway.constants import value_kind
from publica.gateway.decide import decide
from publica.gateway.door import Answer, Door, Explanation, Request
from publica.gateway.execute import Outcome, account, execute, execute_cells, patiently
from publica.gateway.facts import OPEN_ACCESS, OWN_DATA, Facts, Grant, gather, grants, output_of
from publica.gateway.meaning import check_meaning
from publica.gateway.model import Governed, Outside, Resolved, Rewritten, outside
from publica.gateway.moment import Moment, moment
from publica.gateway.own import person_of
from publica.gateway.parse import parse
from publica.gateway.quota import Exhausted
from publica.gateway.relations import MaskKey, build, shape, sketch
from publica.gateway.resolve import resolve
from publica.gateway.rewrite import rewrite
from publica.kernel.decision import Clause, Decision
from publica.kernel.errors import IntegrityBroken, PublicaError, Refused, Unavailable
from publica.kernel.records import Book
from publica.trust.transparency.sets import SubjectSet

T = TypeVar("T")
ATTEMPTS = 20
"""How often an answer is made anew because choices moved while it was computed."""


@dataclass(frozen=True)
class Statement:
    """A statement that was read: what it means, and which columns of which datasets it reads."""

    key: Hashable
    resolved: Resolved

    @property
    def totals(self) -> bool:
        """Whether anything in it takes people together."""
        return self.resolved.totals


def use(door: Door, request: Request) -> Answer:
    """Answer a question under the law, the agreement and each person's choice, and write the receipt.

    Raises Refused with the decision and the receipt of the refusal; BadInput when the statement cannot be
    computed; TimedOut past a limit; Unavailable when the receipt cannot be written.
    """
    for attempt in range(ATTEMPTS):
        with door.in_turn(attempt):
            with refusing(door, request), seen(door, request) as now:
                statement = understand(door, request, now)  # 1 parse, 2 resolve, 3 check meaning
                facts = know(door, request, statement, now)  # 4
            decision = decide(facts)  # 5
            if not decision.allowed:
                raise refuse(door, request, decision, facts)
            try:
                asked = again.question(facts, statement.key, request.params)
                known = again.find(door, asked)
                outcome = known or made(door, request, facts, statement)  # 6 to 8
                receipt = write(door, request, facts, statement, outcome)  # 9
            except run.Nearer:
                continue  # whatever came of it, its cells must not count as released: nothing may be told
            if receipt is not None:
                if known is None:
                    again.keep(door, asked, outcome)
                return release(receipt, decision, facts, outcome)  # 10
    raise Unavailable(
        "People changed their choices faster than an answer could be made.", do="Try again in a moment."
    )


def explain(door: Door, request: Request) -> Explanation:
    """Decide and rewrite, run nothing, write no receipt."""
    try:
        with seen(door, request) as now:
            statement = understand(door, request, now)
            facts = know(door, request, statement, now)
        decision = decide(facts)
        plan = _rewrite(request, facts, statement, sketch(facts)) if decision.allowed else None
    except Outside as found:
        return Explanation(Decision((found.clause,)), None, None)
    return Explanation(decision, plan.readable if plan else None, facts.output)


@contextmanager
def refusing(door: Door, request: Request, facts: Facts | None = None) -> Iterator[None]:
    """What cannot be understood inside this is refused."""
    try:
        yield
    except Outside as found:
        raise refuse(door, request, Decision((found.clause,)), facts) from None


@contextmanager
def seen(door: Door, request: Request) -> Iterator[Moment]:
    """One snapshot of the state database, in which a statement is understood and its facts are gathered."""
    with door.db.read() as connection:
        yield moment(connection, door.kinds, request.activity)


def understand(door: Door, request: Request, now: Moment) -> Statement:
    """Steps 1 to 3, remembered for statements asked again. Raises Outside for what cannot be understood."""
    records, day = now.records, now.at.date()
    key = (request.sql, request.activity, records.generation, day)
    known: Statement | None = door.statements.get(key)
    if known is None:
        granted = _granted(door, records, request.activity, day)
        output = output_of(records.get("activity", request.activity), granted)
        shapes = {dataset: shape(grant, output) for dataset, grant in granted.items()}
        within = Within(surface.READING_SECONDS)
        query = within(lambda: parse(request.sql))  # 1
        resolved = within(lambda: resolve(query, shapes))  # 2
        within(lambda: check_meaning(resolved, shapes))  # 3
        known = Statement(key, resolved)
        door.statements.put(key, known)
    for name in sorted(known.resolved.parameters - request.params.keys()):
        raise Outside(Clause("sql-parameter-missing", False, {"name": name}))
    return known


class Within:
    """Steps that may take so many seconds of this thread's work in all.

    The time of others does not count. Raises Outside after the step that went past; each takes a time that
    is bounded by the statement's length.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._ends = seconds, time.thread_time() + seconds

    def __call__(self, step: Callable[[], T]) -> T:
        done = step()
        if time.thread_time() > self._ends:
            raise outside("sql-too-slow", limit=f"{self._seconds:g}")
        return done


def know(door: Door, request: Request, statement: Statement, now: Moment) -> Facts:
    """Step 4: all facts, at the moment at which the statement was understood."""
    return gather(
        now,
        door.folder,
        _granted(door, now.records, request.activity, now.at.date()),
        actor=request.actor.id,
        activity_id=request.activity,
        reads=statement.resolved.reads,
        person=person_of(request.actor, request.activity),
        only=request.roles,
    )


def _granted(door: Door, records: Book, activity: str, at: date) -> Mapping[str, Grant]:
    """What the activity may get of every dataset: the same for a day, until a record changes."""
    key = (records.generation, activity, at)
    known: Mapping[str, Grant] | None = door.granted.get(key)
    if known is None:
        everything = activity == OWN_DATA
        known = grants(records, records.get("activity", activity), at, everything=everything)
        door.granted.put(key, known)
    return known


def refuse(door: Door, request: Request, decision: Decision, facts: Facts | None) -> Refused:
    """The refusal, with its receipt: refusals are uses too."""
    return Refused(decision, receipts.refused(door, request, decision, facts))


def made(door: Door, request: Request, facts: Facts, statement: Statement) -> Outcome:
    """Steps 6 to 8: an answer, complete and protected; not yet anybody's. Raises Nearer as `protect` does."""
    plan, masks = govern(door, request, facts, statement)  # 6
    outcome = compute(door, request, facts, plan, masks)  # 7
    return protect(door, request, facts, plan, outcome)  # 8


def govern(
    door: Door, request: Request, facts: Facts, statement: Statement
) -> tuple[Rewritten, Mapping[str, MaskKey]]:
    """Step 6: every base table becomes its governed relation."""
    relations, masks = build(door, facts)
    given = _deciding(facts, statement, request.params)
    key = (statement.key, given, tuple(relation.identity for _, relation in sorted(relations.items())))
    plan: Rewritten | None = None if given is None else door.plans.get(key)
    if plan is None:
        with refusing(door, request, facts):
            plan = _rewrite(request, facts, statement, relations)
        if given is not None:
            door.plans.put(key, plan)
    return plan, masks


def _deciding(facts: Facts, statement: Statement, params: Mapping[str, Any]) -> Hashable | None:
    """What a plan depends on of the parameters: of which kinds they are; None where their values decide."""
    names = sorted(statement.resolved.parameters)
    if names and facts.output == "aggregates":
        return None
    return tuple((name, value_kind(params[name])) for name in names)


def _rewrite(
    request: Request, facts: Facts, statement: Statement, relations: Mapping[str, Governed]
) -> Rewritten:
    within = Within(surface.READING_SECONDS)
    if facts.output == "aggregates" and any(not grant.open for grant in facts.grants.values()):
        return within(lambda: over_cells(statement.resolved, relations, request.params))
    pseudonymous = facts.output == "pseudonymous rows"
    return within(
        lambda: rewrite(statement.resolved, relations, pseudonymous=pseudonymous, params=request.params)
    )


def compute(
    door: Door, request: Request, facts: Facts, plan: Rewritten, masks: Mapping[str, MaskKey]
) -> Outcome:
    """Step 7. A statement that fails half-way was a use too: it gets a receipt, and nothing leaves."""
    try:
        if plan.cores:
            return patiently(door, lambda: execute_cells(door, facts, plan, masks, request.params))
        return patiently(door, lambda: execute(door, plan, masks, request.params, facts.size))
    except PublicaError:
        if facts.activity_id != OPEN_ACCESS:
            _failed(door, request, facts, account(door, plan, masks, request.params, facts.size))
        raise


def _failed(
    door: Door,
    request: Request,
    facts: Facts,
    touched: SubjectSet | None,
    release: run.Release | None = None,
) -> None:
    """The receipt of a statement that failed; when no use was left for it, it is refused instead."""
    try:
        receipts.failed(door, request, facts, touched, release)
    except Exhausted as exhausted:
        raise withhold(door, request, exhausted, facts, touched, release) from None


def protect(door: Door, request: Request, facts: Facts, plan: Rewritten, outcome: Outcome) -> Outcome:
    """Step 8. Rows were protected in 6; cells are now, and the statement is answered from those left.

    Either way nothing but the visible columns may be left.
    """
    if plan.cores:
        wanted = run.parameters(facts)
        released: run.Release | None = None
        complete = False
        try:
            chosen, released = run.choose(door, facts, outcome.cells, wanted)
            spool, margins = run.answer(door, facts, plan, chosen, request.params, wanted)
            complete = True
        finally:  # whatever failed may tell something of the cells, so they count as released
            if not complete:
                _failed(door, request, facts, outcome.touched, released)
        outcome = replace(outcome, spool=spool, cells=(), release=released, margins=margins)
    names = outcome.answer.schema.names
    if len(names) != len(plan.columns) or any(name.startswith("__") for name in names):
        raise IntegrityBroken("An answer carried columns that must not leave; it was withheld.")
    return outcome


def write(door: Door, request: Request, facts: Facts, statement: Statement, outcome: Outcome) -> str | None:
    """Step 9: the receipt, durably; None when choices or records moved meanwhile, so start again from 4."""
    if facts.activity_id == OPEN_ACCESS:
        opened.count(door.db, facts.reads, facts.at)
        return ""
    try:
        return receipts.released(door, request, facts, outcome, totals=statement.totals)
    except Exhausted as exhausted:
        raise withhold(door, request, exhausted, facts, outcome.touched, outcome.release) from None


def withhold(
    door: Door,
    request: Request,
    exhausted: Exhausted,
    facts: Facts,
    touched: SubjectSet | None,
    release: run.Release | None,
) -> Refused:
    """The refusal of what was computed already, with its receipt."""
    decision = Decision((exhausted.clause,))
    return Refused(decision, receipts.withheld(door, request, decision, facts, touched, release))


def release(receipt: str, decision: Decision, facts: Facts, outcome: Outcome) -> Answer:
    """Step 10."""
    wanted = run.parameters(facts) if outcome.release is not None else None
    return Answer(receipt or None, decision, outcome.answer, wanted, outcome.margins)
