"""The event log: append-only, each entry sealing all before it.

`hash_i = SHA-256(hash_(i-1) || canonical JSON of event i)`, with 64 zeros before the
first. The newest number and hash are also kept in `meta`, so a cut-off tail shows.
The first migration puts the empty chain's head there.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from icp.errors import StoreError
from icp.store.tables import events, meta

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, RowMapping

__all__ = ["GENESIS", "append", "canonical", "chained", "verify"]

#: The hash before the first event.
GENESIS: Final = "0" * 64
_CHAIN: Final = "event_chain"


def canonical(document: object, /) -> str:
    """JSON with sorted keys and without spaces: one text per value.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return json.dumps(
        document,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def chained(previous: str, event: Mapping[str, Any] | RowMapping, /) -> str:
    """The hash of an event after the one with hash `previous`."""
    sealed = {
        "seq": event["seq"],
        "at": event["at"].isoformat(timespec="microseconds"),
        "actor": event["actor"],
        "kind": event["kind"],
        "subject": event["subject"],
        "payload": event["payload"],
    }
    return hashlib.sha256((previous + canonical(sealed)).encode()).hexdigest()


def append(
    connection: Connection,
    /,
    *,
    at: datetime,
    actor: str,
    kind: str,
    subject: str,
    payload: Mapping[str, Any],
) -> int:
    """Write one event in the caller's transaction; returns its number."""
    last, previous = _head(connection)
    event = {
        "seq": last + 1,
        "at": at,
        "actor": actor,
        "kind": kind,
        "subject": subject,
        "payload": canonical(payload),
    }
    event["hash"] = chained(previous, event)
    connection.execute(events.insert().values(**event))
    head = meta.update().where(meta.c.name == _CHAIN)
    connection.execute(head.values(value=f"{event['seq']}:{event['hash']}"))
    return last + 1


def verify(connection: Connection, /) -> int:
    """Recompute the whole chain; returns its length, or raises StoreError."""
    previous, count = GENESIS, 0
    for row in connection.execute(sa.select(events).order_by(events.c.seq)):
        count += 1
        if row.seq != count or row.hash != chained(previous, row._mapping):
            message = (
                f"event {row.seq} of the log was changed or one before it removed; "
                "restore the store from a backup"
            )
            raise StoreError(message)
        previous = row.hash
    if _head(connection) != (count, previous):
        message = (
            f"the log ends at event {count}, but more had been written; "
            "restore the store from a backup"
        )
        raise StoreError(message)
    return count


def _head(connection: Connection) -> tuple[int, str]:
    query = sa.select(meta.c.value).where(meta.c.name == _CHAIN)
    stored = connection.execute(query).scalar()
    if stored is None:
        message = "the head of the log is gone; restore the store from a backup"
        raise StoreError(message)
    last, _, digest = stored.partition(":")
    if not last.isdecimal():
        message = "the head of the log is damaged; restore the store from a backup"
        raise StoreError(message)
    return int(last), digest
