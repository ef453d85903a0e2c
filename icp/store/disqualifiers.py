"""Learned disqualifiers in the store: every change is an event with its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import sqlalchemy as sa

from icp.disqualifiers import Disqualifier, Override, held_back
from icp.errors import NotFoundError
from icp.store.tables import disqualifiers, exceptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from icp.store.database import Database, Transaction


#: What became of a rule that a search found.
Proposed = Literal["new", "again", "same", "held back"]
_FOUND_AGAIN: Final = "found by the search once more"


class RuleBook:
    """The disqualifiers of one workspace."""

    def __init__(self, database: Database, /) -> None:
        self._database = database

    def all(self) -> list[Disqualifier]:
        """Every learned rule, oldest first."""
        order = (disqualifiers.c.created_at, disqualifiers.c.id)
        query = sa.select(disqualifiers.c.document).order_by(*order)
        with self._database.read() as connection:
            documents = connection.execute(query).scalars().all()
        return [Disqualifier.from_json(document) for document in documents]

    def propose(
        self, rules: Iterable[Disqualifier], /, *, actor: str
    ) -> dict[str, Proposed]:
        """Keep what a search found; rule id -> what became of it.

        A rule that is there gets the newer evidence. One that was retired is proposed
        again, unless that is too soon; then it is held back.
        """
        with self._database.write(actor) as tx:
            return {rule.id: _propose(tx, rule) for rule in rules}

    def change(
        self,
        rule_id: str,
        step: Callable[[Disqualifier], Disqualifier],
        /,
        *,
        actor: str,
    ) -> Disqualifier:
        """Exchange a rule for what `step` makes of it, nobody coming between."""
        with self._database.write(actor) as tx:
            before = _read(tx, rule_id)
            if before is None:
                message = f"no rule {rule_id!r}; icp rules list shows them all"
                raise NotFoundError(message)
            after = step(before)
            if after != before:
                _write(tx, after)
                kind = "rule_evidence" if after.state == before.state else "rule_moved"
                _log(tx, kind, after, before=before.state)
            return after

    def allow(self, exception: Override, /) -> None:
        """Keep that a person pursues an account although a rule says no."""
        with self._database.write(exception.asked_by) as tx:
            tx.insert(
                exceptions,
                rule=exception.rule,
                account_id=exception.account_id,
                approver=exception.approver,
                reason=exception.reason,
            )
            tx.log(
                "rule_exception",
                exception.rule,
                account=exception.account_id,
                approver=exception.approver,
                reason=exception.reason,
            )

    def exceptions(self, account_id: str | None = None, /) -> list[Override]:
        """The exceptions that were allowed, oldest first; of one account if given."""
        query = sa.select(exceptions).order_by(exceptions.c.number)
        if account_id is not None:
            query = query.where(exceptions.c.account_id == account_id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Override(
                rule=row.rule,
                account_id=row.account_id,
                asked_by=row.author,
                approver=row.approver,
                reason=row.reason,
                on=row.created_at.date(),
            )
            for row in rows
        ]


def _propose(tx: Transaction, rule: Disqualifier) -> Proposed:
    before = _read(tx, rule.id)
    evidence = rule.evidence[-1]
    if before is None:
        _insert(tx, rule)
        _log(tx, "rule_proposed", rule)
        return "new"
    if held_back(before, evidence, on=tx.now.date()):
        return "held back"
    if before.state == "retired":
        after = before.move(
            "proposed",
            by=None,
            reason=_FOUND_AGAIN,
            on=tx.now.date(),
            evidence=evidence,
        )
        _write(tx, after)
        _log(tx, "rule_proposed", after, before="retired")
        return "again"
    if before.latest is None or not before.latest.same_as(evidence):
        after = before.seen(evidence)
        _write(tx, after)
        _log(tx, "rule_evidence", after)
        return "again"
    return "same"


def _read(tx: Transaction, rule_id: str) -> Disqualifier | None:
    query = sa.select(disqualifiers.c.document).where(disqualifiers.c.id == rule_id)
    document = tx.connection.execute(query.with_for_update()).scalar()
    return None if document is None else Disqualifier.from_json(document)


def _insert(tx: Transaction, rule: Disqualifier) -> None:
    values: dict[str, Any] = {
        "id": rule.id,
        "state": rule.state,
        "document": rule.to_json(),
        "changed_at": tx.now,
        "created_at": tx.now,
        "author": tx.actor,
    }
    tx.connection.execute(disqualifiers.insert().values(**values))


def _write(tx: Transaction, rule: Disqualifier) -> None:
    changed = disqualifiers.update().where(disqualifiers.c.id == rule.id)
    values = {"state": rule.state, "document": rule.to_json(), "changed_at": tx.now}
    tx.connection.execute(changed.values(**values))


def _log(tx: Transaction, kind: str, rule: Disqualifier, /, **more: Any) -> None:
    evidence = rule.latest
    tx.log(
        kind,
        rule.id,
        condition=str(rule.condition),
        state=rule.state,
        person=rule.moves[-1].by,
        reason=rule.moves[-1].reason,
        evidence=None if evidence is None else evidence.model_dump(mode="json"),
        **more,
    )
