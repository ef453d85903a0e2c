"""What people noted about accounts: signals, answers, attempts, exits, referrals."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from icp.errors import NotFoundError, StoreError
from icp.qualify.signals import Attempt, Signal
from icp.qualify.verdict import Exit
from icp.store.database import canonical
from icp.store.records import one
from icp.store.tables import answers, attempts, exits, referrals, signals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy.engine import Row

    from icp.store.database import Database


_EXIT = TypeAdapter(Exit)


@dataclass(frozen=True, kw_only=True)
class KeptExit:
    """An exit as it is kept."""

    number: int
    exit: Exit
    created_at: datetime
    author: str
    #: Whether the account is still left alone.
    open: bool
    woke_at: datetime | None
    #: Why it woke, in words; empty while it sleeps.
    woke_why: str


@dataclass(frozen=True, kw_only=True)
class Referral:
    """Somebody was asked for a referral."""

    number: int
    #: The account that was asked.
    account_id: str
    created_at: datetime
    author: str
    #: The account that came of it, None so far.
    came: str | None
    note: str


class DealBook:
    """What is known about the deals of one workspace; nothing is ever overwritten."""

    def __init__(self, database: Database, /) -> None:
        self._database = database

    # ---------------------------------------------------------------------- signals

    def note_signal(
        self, account: str, signal: Signal, /, *, on: date, actor: str
    ) -> None:
        """Keep what somebody learnt about a reason."""
        day = signal.on or on
        row = {
            "reason": signal.reason,
            "holds": signal.holds,
            "evidence": signal.evidence,
        }
        with self._database.write(actor) as tx:
            tx.insert(signals, account_id=account, observed_on=day, **row)
            tx.log("signal", account, observed_on=day.isoformat(), **row)

    def signals(self, account: str | None = None, /) -> dict[str, list[Signal]]:
        """What people learnt, by account, oldest first; of one account if given."""
        signals_of: dict[str, list[Signal]] = {}
        for row in self._rows(signals, account):
            signal = Signal(
                reason=row.reason,
                holds=row.holds,
                on=row.observed_on,
                evidence=row.evidence or f"{row.author} says so",
            )
            signals_of.setdefault(row.account_id, []).append(signal)
        return signals_of

    def note_answer(
        self,
        account: str,
        attribute: str,
        value: object,
        /,
        *,
        actor: str,
        evidence: str = "",
    ) -> None:
        """Keep what somebody found out; None takes it back. The log says from whom."""
        row = {
            "account_id": account,
            "attribute": attribute,
            "value": canonical(value),
        }
        with self._database.write(actor) as tx:
            tx.insert(answers, **row)
            details = {"attribute": attribute, "value": value, "evidence": evidence}
            tx.log("answer", account, **details)

    def answers(self, account: str | None = None, /) -> dict[str, dict[str, Any]]:
        """What people found out, by account and attribute; the newest counts."""
        answers_of: dict[str, dict[str, Any]] = {}
        for row in self._rows(answers, account):
            values = answers_of.setdefault(row.account_id, {})
            values[row.attribute] = json.loads(row.value)
        return {
            name: {k: v for k, v in values.items() if v is not None}
            for name, values in answers_of.items()
        }

    def note_attempt(
        self, account: str, attempt: Attempt, /, *, note: str, actor: str
    ) -> None:
        """Keep what was tried."""
        row = {
            "reason": attempt.reason,
            "play": attempt.play,
            "worked": attempt.worked,
            "note": note,
        }
        with self._database.write(actor) as tx:
            tx.insert(attempts, account_id=account, **row)
            tx.log("attempt", account, **row)

    def attempts(self, account: str | None = None, /) -> dict[str, list[Attempt]]:
        """What was tried, by account, oldest first; of one account if given."""
        attempts_of: dict[str, list[Attempt]] = {}
        for row in self._rows(attempts, account):
            attempt = Attempt(
                reason=row.reason,
                play=row.play,
                on=row.created_at.date(),
                worked=row.worked,
            )
            attempts_of.setdefault(row.account_id, []).append(attempt)
        return attempts_of

    # ------------------------------------------------------------------------ exits

    def note_exit(self, left: Exit, /, *, actor: str) -> KeptExit:
        """Keep how an account was left; an older exit of it is closed."""
        with self._database.write(actor) as tx:
            earlier = exits.c.account_id == left.account_id
            tx.connection.execute(exits.update().where(earlier).values(open=False))
            number = tx.insert(
                exits,
                account_id=left.account_id,
                document=canonical(_plain(left)),
                open=True,
                woke_at=None,
                woke_why="",
            )
            tx.log("exit", left.account_id, **_plain(left))
            return _kept_exit(one(tx.connection, exits, number))

    def exits(
        self, account: str | None = None, /, *, only_open: bool = False
    ) -> list[KeptExit]:
        """How accounts were left, newest first."""
        records = [_kept_exit(row) for row in self._rows(exits, account)]
        return [e for e in reversed(records) if e.open or not only_open]

    def wake(self, why: dict[int, str], /, *, actor: str) -> None:
        """Put accounts that woke on the list: number of the exit -> why."""
        with self._database.write(actor) as tx:
            for number, words in sorted(why.items()):
                row = one(tx.connection, exits, number)
                changed = exits.update().where(exits.c.number == number)
                values = {"woke_at": tx.now, "woke_why": words}
                tx.connection.execute(changed.values(**values))
                tx.log("woke", row.account_id, exit=number, why=words)

    def arm(self, numbers: Iterable[int], /, *, actor: str) -> None:
        """Let the conditions of these exits count from now on."""
        with self._database.write(actor) as tx:
            for number in sorted(numbers):
                record = _kept_exit(one(tx.connection, exits, number))
                document = canonical(_plain(replace(record.exit, armed=True)))
                changed = exits.update().where(exits.c.number == number)
                tx.connection.execute(changed.values(document=document))
                tx.log("wake_armed", record.exit.account_id, exit=number)

    def reopen(self, account: str, /, *, reason: str, actor: str) -> None:
        """Reopen an account; raises NotFoundError where it was not left."""
        with self._database.write(actor) as tx:
            open_exit = (exits.c.account_id == account) & exits.c.open
            changed = exits.update().where(open_exit).values(open=False)
            if not tx.connection.execute(changed).rowcount:
                message = f"{account!r} was not left; there is nothing to reopen"
                raise NotFoundError(message)
            tx.log("reopened", account, reason=reason)

    # -------------------------------------------------------------------- referrals

    def note_referral(
        self, account: str, /, *, came: str | None, note: str, actor: str
    ) -> None:
        """Keep that an account was asked for a referral, or who came of it."""
        with self._database.write(actor) as tx:
            tx.insert(referrals, account_id=account, came=came, note=note)
            tx.log("referral", account, came=came, note=note)

    def referrals(self, account: str | None = None, /) -> list[Referral]:
        """Who was asked, and who came of it, newest first."""
        return [
            Referral(
                number=row.number,
                account_id=row.account_id,
                created_at=row.created_at,
                author=row.author,
                came=row.came,
                note=row.note,
            )
            for row in reversed(self._rows(referrals, account))
        ]

    def _rows(self, table: sa.Table, account: str | None) -> list[Row[Any]]:
        query = sa.select(table).order_by(table.c.number)
        if account is not None:
            query = query.where(table.c.account_id == account)
        with self._database.read() as connection:
            return list(connection.execute(query).all())


def _plain(left: Exit) -> dict[str, Any]:
    day = left.wake_on.isoformat() if left.wake_on else None
    return {**asdict(left), "wake_on": day}


def _kept_exit(row: Row[Any]) -> KeptExit:
    try:
        left = _EXIT.validate_json(row.document)
    except ValidationError as error:
        message = f"exit {row.number} cannot be read; restore the store from a backup"
        raise StoreError(message) from error
    return KeptExit(
        number=row.number,
        exit=left,
        created_at=row.created_at,
        author=row.author,
        open=row.open,
        woke_at=row.woke_at,
        woke_why=row.woke_why,
    )
