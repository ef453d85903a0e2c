"""The workspace's memory: what was imported, labelled, learnt, activated and scored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
import sqlalchemy as sa

from icp.errors import NotFoundError
from icp.store.bulk import BulkFile, BulkFolder
from icp.store.database import Database, canonical, utc_now, verify_chain
from icp.store.deals import DealBook
from icp.store.disqualifiers import RuleBook
from icp.store.jobs import JobQueue
from icp.store.records import (
    activation_stack,
    active_number,
    import_of,
    label_of,
    newest,
    one,
    profile_of,
    run_of,
)
from icp.store.tables import (
    activations,
    bulk,
    events,
    imports,
    labels,
    mappings,
    overrides,
    profiles,
    score_runs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from icp.profile import Profile
    from icp.store.database import Clock, Transaction
    from icp.store.records import ImportRecord, LabelRecord, ProfileRecord, ScoreRun


#: The big tables of an import.
TABLES: Final = ("customers", "prospects", "quarantine", "unmatched")


class Store:
    """Everything a workspace remembers; each change and its event in one transaction.

    `place` is an SQLite file or a SQLAlchemy URL, `folder` where the big tables lie.
    The schema is brought up to date on opening. Who may do what is decided above, in
    `icp.workflow`.
    """

    def __init__(
        self, place: str | Path, folder: Path, /, *, clock: Clock = utc_now
    ) -> None:
        self.database = Database(place, clock=clock)
        self.bulk = BulkFolder(folder)
        self.jobs = JobQueue(self.database)
        self.rules = RuleBook(self.database)
        self.deals = DealBook(self.database)

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()

    # ------------------------------------------------------------------- mappings

    def save_mapping(self, source: str, document: str, /, *, actor: str) -> int:
        """Keep a new version of a source's mapping; the same again changes nothing."""
        with self.database.write(actor) as tx:
            last = newest(tx.connection, mappings, mappings.c.source == source)
            if last is not None and last.document == document:
                return int(last.version)
            version = last.version + 1 if last else 1
            row = {"source": source, "version": version, "document": document}
            tx.insert(mappings, **row)
            tx.log("mapping_saved", source, version=version)
            return int(version)

    def mapping(self, source: str, /) -> str | None:
        """The mapping in force of a source, as JSON."""
        with self.database.read() as connection:
            row = newest(connection, mappings, mappings.c.source == source)
        return row.document if row else None

    # ------------------------------------------------------------- imported tables

    def record_import(
        self,
        tables: Mapping[str, pl.DataFrame | pl.LazyFrame | None],
        /,
        *,
        schemas: Mapping[str, Any],
        summary: Mapping[str, Any],
        actor: str,
    ) -> tuple[ImportRecord, bool]:
        """Store an import, and say whether it differs from the last one."""
        files = {
            name: self.bulk.write(frame)
            for name, frame in tables.items()
            if frame is not None
        }
        sealed = {name: file.hash for name, file in files.items()}
        mark = _sha256(canonical({"tables": sealed, "schemas": schemas}))
        with self.database.write(actor) as tx:
            last = newest(tx.connection, imports)
            if last is not None and last.fingerprint == mark:
                return import_of(last), False
            hashes = {name: tx.keep(file, name) for name, file in files.items()}
            number = tx.insert(
                imports,
                fingerprint=mark,
                schemas=canonical(schemas),
                summary=canonical(summary),
                **hashes,
            )
            rows = {name: file.rows for name, file in files.items()}
            tx.log("import", number, tables=hashes, rows=rows)
            return import_of(one(tx.connection, imports, number)), True

    def last_import(self) -> ImportRecord | None:
        """The newest import."""
        with self.database.read() as connection:
            row = newest(connection, imports)
        return import_of(row) if row else None

    # ------------------------------------------------------------------- outcomes

    def record_labels(
        self,
        frame: pl.DataFrame | pl.LazyFrame,
        /,
        *,
        import_number: int,
        policy: Mapping[str, Any],
        counts: Mapping[str, int],
        actor: str,
    ) -> LabelRecord:
        """Store labelled customers; the same again changes nothing."""
        file = self.bulk.write(frame)
        document = canonical(policy)
        with self.database.write(actor) as tx:
            last = newest(tx.connection, labels)
            same = (import_number, file.hash, document)
            if last and (last.import_number, last.bulk, last.policy) == same:
                return label_of(last)
            number = tx.insert(
                labels,
                import_number=import_number,
                bulk=tx.keep(file, "labelled"),
                policy=document,
                counts=canonical(counts),
            )
            tx.log("label", number, table=file.hash, counts=dict(counts))
            return label_of(one(tx.connection, labels, number))

    def last_labels(self) -> LabelRecord | None:
        """The newest labelling."""
        with self.database.read() as connection:
            row = newest(connection, labels)
        return label_of(row) if row else None

    def override(
        self, account: str, outcome: str, /, *, reason: str, actor: str
    ) -> None:
        """Set an account's outcome by hand; the history stays in the events."""
        with self.database.write(actor) as tx:
            same = overrides.c.account_id == account
            tx.connection.execute(overrides.delete().where(same))
            tx.connection.execute(
                overrides.insert().values(
                    account_id=account,
                    outcome=outcome,
                    reason=reason,
                    created_at=tx.now,
                    author=actor,
                )
            )
            tx.log("override", account, outcome=outcome, reason=reason)

    def withdraw(self, account: str, /, *, reason: str, actor: str) -> None:
        """Take back what was set by hand; raises NotFoundError where nothing was."""
        with self.database.write(actor) as tx:
            same = overrides.c.account_id == account
            if not tx.connection.execute(overrides.delete().where(same)).rowcount:
                message = f"no outcome of {account!r} was set by hand; nothing to undo"
                raise NotFoundError(message)
            tx.log("withdraw", account, reason=reason)

    def overrides(self) -> pl.DataFrame:
        """`account_id`, `outcome`, `reason`, `author`, `at`; one row per account."""
        columns = ("account_id", "outcome", "reason", "author", "created_at")
        query = sa.select(*(overrides.c[name] for name in columns))
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(overrides.c.account_id)).all()
        schema = {name: pl.String() for name in columns[:-1]} | {"at": pl.Date()}
        values = [(*row[:-1], row[-1].date()) for row in rows]
        return pl.DataFrame(values, schema, orient="row")

    # ------------------------------------------------------------------- profiles

    def record_profile(
        self,
        profile: Profile,
        /,
        *,
        import_number: int | None,
        label_number: int | None,
        actor: str,
    ) -> ProfileRecord:
        """Store a learnt profile; the same again gives the number it has."""
        learnt = profile.provenance
        with self.database.write(actor) as tx:
            row = newest(tx.connection, profiles, profiles.c.hash == profile.id)
            if row is None:
                number = tx.insert(
                    profiles,
                    hash=profile.id,
                    document=profile.to_json(),
                    parent=active_number(tx.connection),
                    import_number=import_number,
                    label_number=label_number,
                    best=learnt.best,
                    regrettable=learnt.regrettable,
                    evidence=learnt.evidence.level,
                    auc=learnt.evidence.auc,
                )
                tx.log("learn", number, profile=profile.id)
                row = one(tx.connection, profiles, number)
            return profile_of(row, active_number(tx.connection))

    def profiles(self) -> list[ProfileRecord]:
        """All profiles, newest first."""
        query = sa.select(profiles).order_by(profiles.c.number.desc())
        with self.database.read() as connection:
            active = active_number(connection)
            return [profile_of(row, active) for row in connection.execute(query)]

    def profile_json(self, number: int, /) -> str:
        """A profile's document."""
        with self.database.read() as connection:
            document: str = one(connection, profiles, number).document
        return document

    def activate(self, number: int, /, *, reason: str, actor: str) -> None:
        """Put a profile in force; putting it in force again changes nothing."""
        with self.database.write(actor) as tx:
            if active_number(tx.connection) != number:
                one(tx.connection, profiles, number)
                self._switch(tx, number, "activate", reason)

    def rollback(self, *, reason: str, actor: str) -> int:
        """Put the profile in force that was so before; returns its number."""
        with self.database.write(actor) as tx:
            stack = activation_stack(tx.connection)
            if len(stack) < 2:
                message = "no earlier profile was in force; activate one by its number"
                raise NotFoundError(message)
            self._switch(tx, stack[-2], "rollback", reason)
            return stack[-2]

    @staticmethod
    def _switch(
        tx: Transaction, number: int, kind: Literal["activate", "rollback"], reason: str
    ) -> None:
        before = active_number(tx.connection)
        tx.insert(activations, profile=number, kind=kind, reason=reason)
        tx.log(kind, number, before=before, reason=reason)

    # -------------------------------------------------------------------- scoring

    def record_scores(
        self, run: Mapping[str, Any], file: BulkFile | None, /, *, actor: str
    ) -> ScoreRun:
        """Store a scored list (or, without a file, that one was written elsewhere)."""
        values = {**run, "grades": canonical(run["grades"])}
        with self.database.write(actor) as tx:
            stored = tx.keep(file, "scored") if file else None
            number = tx.insert(score_runs, bulk=stored, **values)
            tx.log("score", number, profile=run["profile"], rows=run["rows"])
            return run_of(tx.connection, one(tx.connection, score_runs, number))

    def runs(self) -> list[ScoreRun]:
        """All scored lists, newest first."""
        query = sa.select(score_runs).order_by(score_runs.c.number.desc())
        with self.database.read() as connection:
            return [run_of(connection, row) for row in connection.execute(query).all()]

    # ---------------------------------------------------------------------- audit

    def events(self, limit: int, /) -> pl.DataFrame:
        """The newest events first: seq, at, actor, kind, subject, payload, hash."""
        query = sa.select(events).order_by(events.c.seq.desc()).limit(limit)
        with self.database.read() as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        schema = {column.name: pl.String() for column in events.columns}
        kinds = {"seq": pl.Int64(), "at": pl.Datetime("us", "UTC")}
        return pl.DataFrame(rows, {**schema, **kinds}, orient="row")

    def note(self, kind: str, subject: str, /, *, actor: str, **payload: str) -> None:
        """Log what a person decided and what is kept elsewhere, in `icp.toml`."""
        with self.database.write(actor) as tx:
            tx.log(kind, subject, **payload)

    def verify_events(self) -> int:
        """Length of the chain; raises StoreError where it is broken."""
        with self.database.read() as connection:
            return verify_chain(connection)

    def bulk_files(self) -> list[BulkFile]:
        """Every table that the store says it has."""
        query = sa.select(bulk.c.hash, bulk.c.rows, bulk.c.bytes)
        with self.database.read() as connection:
            return [
                BulkFile(hash=row.hash, rows=row.rows, bytes=row.bytes)
                for row in connection.execute(query.order_by(bulk.c.hash))
            ]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
