"""Step 9: what a use leaves in the ledger, whether released, refused or failed."""

from __future__ import annotations

from dataclasses import replace

from publica.gateway import own
from publica.gateway.aggregate.run import Nearer, Release, fresh, parameters, remember, standing
from publica.gateway.door import Door, Request
from publica.gateway.execute import Outcome
from publica.gateway.facts import Facts, agreements_of
from publica.gateway.moment import moment
from publica.gateway.quota import count, locks, reserve
from publica.governance.activities.model import OWN_DATA, Activity
from publica.kernel import ids
from publica.kernel.database import Change
from publica.kernel.decision import Clause, Decision
from publica.kernel.records import Record, book
from publica.kernel.records import store as records
from publica.trust.consent import reading as consent
from publica.trust.privacy.laws import digest
from publica.trust.transparency import receipts as transparency
from publica.trust.transparency.model import Form, Private, Receipt, Written
from publica.trust.transparency.model import Outcome as Result
from publica.trust.transparency.sets import SubjectSet


class _Moved(Exception):
    """A choice or a record changed between the facts and the receipt."""


def released(door: Door, request: Request, facts: Facts, outcome: Outcome, *, totals: bool) -> str | None:
    """Write the receipt of an answer and reserve what its agreements allow. None when the facts moved.

    Raises Exhausted when an agreement's volume or frequency is used up; Unavailable when the ledger
    cannot be written.
    """
    receipt = replace(
        _receipt(request, facts, "released"),
        rows=outcome.answer.rows,
        bytes=outcome.answer.size,
        digest=outcome.answer.digest,
        choice_state={} if outcome.counter is None else {facts.activity_id: outcome.counter},
        form=_form(outcome, totals=totals),
        exact=outcome.exact,
    )
    prepared = transparency.prepare(
        door.keys, receipt, _private(request), outcome.touched_as or outcome.touched, outcome.released
    )

    def work(change: Change) -> Written:
        connection = change.connection
        now = moment(connection, door.kinds, facts.activity_id)
        if now.records.generation != facts.generation or outcome.counter not in (None, now.counter):
            raise _Moved
        reserve(connection, agreements_of(facts.grants).values(), outcome.charge, facts.at)
        return _write(change, prepared, outcome.release)

    stands = [records.STANDS, *locks(agreements_of(facts.grants).values()), *standing(outcome.release)]
    if outcome.counter is not None:
        stands.append(consent.standing(facts.activity_id))
    try:
        written = door.db.write(work, stands)
    except (_Moved, Nearer):
        return None
    if outcome.touched_key is not None and written.touched is not None:
        door.masks.put(outcome.touched_key, (outcome.touched, written.touched))
    return receipt.id


def refused(door: Door, request: Request, decision: Decision, facts: Facts | None) -> str:
    """Write the receipt of a refusal before anything was computed; returns its id."""
    receipt = _receipt(request, facts, "refused") if facts else _unread(door, request)
    prepared = _without_release(door, request, _naming(receipt, decision), None)
    door.db.write(lambda change: transparency.write(change, prepared))
    return receipt.id


def withheld(
    door: Door,
    request: Request,
    decision: Decision,
    facts: Facts,
    touched: SubjectSet | None,
    release: Release | None = None,
) -> str:
    """Write the receipt of an answer that was computed and then refused; returns its id.

    It was a use: it counts against the agreements, and those it looked through can see it. That it was too
    long tells something of the cells (`release`) that it was computed from: they count as released. Raises
    Nearer as `failed` does.
    """
    receipt = _naming(_receipt(request, facts, "refused"), decision)
    prepared = _without_release(door, request, receipt, touched)

    def work(change: Change) -> Written:
        for agreement in agreements_of(facts.grants).values():
            count(change.connection, agreement, facts.at)
        return _write(change, prepared, release)

    door.db.write(work, [*locks(agreements_of(facts.grants).values()), *standing(release)])
    return receipt.id


def failed(
    door: Door,
    request: Request,
    facts: Facts,
    touched: SubjectSet | None,
    release: Release | None = None,
) -> str:
    """Write the receipt of a statement that could not be computed; returns its id.

    It counts as a use. Raises Exhausted when none was left: failing says no more than an answer. An error may
    tell something of the cells (`release`) that it was computed from: they count as released. Raises Nearer
    when they must not be, since another answer came out meanwhile: then the error must not be told.
    """
    receipt = replace(_receipt(request, facts, "failed"), clauses=(Clause("use-failed", False),))
    prepared = _without_release(door, request, receipt, touched)

    def work(change: Change) -> Written:
        reserve(change.connection, agreements_of(facts.grants).values(), 0, facts.at)
        return _write(change, prepared, release)

    door.db.write(work, [*locks(agreements_of(facts.grants).values()), *standing(release)])
    return receipt.id


def _write(change: Change, prepared: transparency.Prepared, release: Release | None) -> Written:
    """The receipt; of totals with the cells that came out for the first time, to which it commits."""
    if release is None:
        return transparency.write(change, prepared)
    cells = fresh(change, release)
    shown = digest(prepared.fields["id"], ((cell, release.key) for cell in cells))
    written = transparency.write(change, prepared.saying(cells=shown))
    remember(change, release, cells, written.leaf)
    return written


def _naming(receipt: Receipt, decision: Decision) -> Receipt:
    """The receipt with the clauses that were missing, without their texts, which may quote the statement."""
    return replace(receipt, clauses=tuple(replace(clause, params={}) for clause in decision.missing))


def _without_release(
    door: Door, request: Request, receipt: Receipt, touched: SubjectSet | None
) -> transparency.Prepared:
    nobody = None if touched is None else SubjectSet.empty(touched.size)
    return transparency.prepare(door.keys, receipt, _private(request), touched, nobody)


def _receipt(request: Request, facts: Facts, outcome: Result) -> Receipt:
    return replace(
        _about(request, facts.activity, outcome),
        agreements=_agreements(facts),
        datasets=tuple(version.id for _, version in sorted(facts.versions.items())),
        columns={name: tuple(sorted(columns)) for name, columns in facts.reads.items()},
        protection=_protection(facts),
    )


def _unread(door: Door, request: Request) -> Receipt:
    """Of a statement that could not be read: nothing is known of it but who asked, and under what."""
    with door.db.read() as connection:
        activity = book(connection, door.kinds).get("activity", request.activity)
    return _about(request, activity, "refused")


def _about(request: Request, activity: Record[Activity] | None, outcome: Result) -> Receipt:
    """The part that the activity tells. An unregistered one is not named: its id is a user's text."""
    basis = activity.spec.basis if activity else None
    mine = request.activity == OWN_DATA
    return Receipt(
        id=ids.draw("use"),
        organisation=activity.spec.organisation if activity else own.ORGANISATION if mine else "unknown",
        activity=activity.id if activity else OWN_DATA if mine else "unknown",
        outcome=outcome,
        purpose=activity.spec.purpose if activity else own.PURPOSE if mine else "unknown",
        basis=None if basis is None else "consent" if basis.kind == "consent" else f"law:{basis.law}",
        authenticated=request.actor.authenticated,
        counted=not mine,
    )


def _protection(facts: Facts) -> str:
    """What may come out; of totals with the parameters of their protection, which are public."""
    return f"{facts.output} ({parameters(facts)})" if facts.output == "aggregates" else facts.output


def _agreements(facts: Facts) -> tuple[str, ...]:
    return tuple(sorted(agreements_of(facts.grants)))


def _form(outcome: Outcome, *, totals: bool) -> Form:
    if outcome.touched is None:
        return "none"
    return "total" if totals else "rows"


def _private(request: Request) -> Private:
    return Private(
        actor=request.actor.id,
        authenticated=request.actor.authenticated,
        os_user=request.actor.os_user,
        sql=request.sql,
        params=request.params,
    )
