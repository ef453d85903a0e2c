import json
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from icp.errors import IcpError, StoreError
from icp.store import database as log
from icp.store.tables import events, mappings

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def write_three(database):
    for name in ("a", "b", "c"):
        with database.write("ann") as tx:
            tx.log("noted", name, letter=name)


def verified(database):
    with database.read() as connection:
        return log.verify_chain(connection)


UNGUARDED = {
    "sqlite": ["DROP TRIGGER events_no_update", "DROP TRIGGER events_no_delete"],
    "postgresql": ["DROP TRIGGER events_append_only ON events"],
}


def tamper(database, *statements):
    with database.write("eve") as tx:
        for statement in UNGUARDED[database.url.get_backend_name()]:
            tx.connection.exec_driver_sql(statement)
        for statement in statements:
            tx.connection.exec_driver_sql(statement)


def test_an_unbroken_chain_has_its_length(database):
    assert verified(database) == 0
    write_three(database)
    assert verified(database) == 3


def test_each_hash_seals_the_one_before(database):
    write_three(database)
    with database.read() as connection:
        rows = connection.execute(sa.select(events).order_by(events.c.seq)).all()
    previous = log.GENESIS
    for row in rows:
        previous = log.event_hash(previous, row._mapping)
        assert row.hash == previous


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = '{}' WHERE seq = 2",
        "UPDATE events SET actor = 'eve' WHERE seq = 1",
        "UPDATE events SET at = '2020-01-01 00:00:00.000000' WHERE seq = 3",
        "UPDATE events SET subject = 'x' WHERE seq = 3",
        "DELETE FROM events WHERE seq = 2",
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events",
    ],
)
def test_tampering_is_found(database, statement):
    write_three(database)
    tamper(database, statement)
    with pytest.raises(StoreError, match="restore the store from a backup"):
        verified(database)


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET actor = 'eve'", "DELETE FROM events"]
)
def test_the_database_itself_refuses_changes(database, statement):
    write_three(database)
    with (
        pytest.raises(IcpError) as caught,
        database.write("eve") as tx,
    ):
        tx.connection.exec_driver_sql(statement)
    assert "append-only" in str(caught.value.__cause__)
    assert verified(database) == 3


def test_state_and_event_are_kept_together_or_not_at_all(database):
    def insert_log_and_crash(tx):
        tx.insert(mappings, source="crm", version=1, document="{}")
        tx.log("mapping_saved", "crm")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), database.write("ann") as tx:
        insert_log_and_crash(tx)
    with database.read() as connection:
        assert connection.execute(sa.select(mappings)).all() == []
        assert log.verify_chain(connection) == 0


def test_events_carry_time_and_author(database, clock):
    write_three(database)
    with database.read() as connection:
        first = connection.execute(sa.select(events)).first()
    assert (first.at, first.actor, first.kind) == (clock.now, "ann", "noted")
    assert (first.subject, first.payload) == ("a", '{"letter":"a"}')


@given(JSON)
def test_canonical_json_is_one_text_per_value(value):
    text = log.canonical(value)
    assert log.canonical(json.loads(text)) == text


@given(st.text(max_size=5), st.text(max_size=5))
def test_no_two_events_share_a_hash_by_moving_text(actor, subject):
    event = {"seq": 1, "at": AT, "actor": actor, "kind": "k", "payload": "{}"}
    here = log.event_hash(log.GENESIS, {**event, "subject": subject})
    moved = {**event, "actor": actor + "x", "subject": subject}
    assert here != log.event_hash(log.GENESIS, moved)


def test_a_chain_without_head_is_broken(database):
    tamper(database, "DELETE FROM meta")
    with pytest.raises(StoreError, match="head of the log is gone"):
        verified(database)
