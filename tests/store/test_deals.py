from __future__ import annotations

from datetime import date

import pytest

from icp.errors import NotFoundError, StoreError
from icp.qualify import Attempt, Exit, Signal
from icp.store.tables import exits

TODAY = date(2026, 3, 1)
LEFT = Exit(
    account_id="P1",
    verdict="not_now",
    reason="no_budget",
    play="park",
    words="until then",
    promised="call in June",
    money=1_500.0,
    hours=20.0,
    wake_text="the next budget",
    wake_when="signal_no_budget = false",
    wake_on=date(2027, 1, 1),
)


def kinds(store):
    return store.events(100)["kind"].to_list()[::-1]


def test_signals_come_back_oldest_first(store):
    deals = store.deals
    no = Signal(reason="no_need", holds=False, on=date(2026, 1, 1), evidence="said so")
    deals.note_signal("P1", no, on=TODAY, actor="ann")
    deals.note_signal("P1", Signal(reason="stalled", holds=True), on=TODAY, actor="bob")
    deals.note_signal("P2", Signal(reason="stalled", holds=True), on=TODAY, actor="bob")
    assert deals.signals("P1")["P1"] == [
        no,
        Signal(reason="stalled", holds=True, on=TODAY, evidence="bob says so"),
    ]
    assert set(deals.signals()) == {"P1", "P2"}
    assert deals.signals("P3") == {}
    assert kinds(store) == ["signal"] * 3


@pytest.mark.parametrize("value", [12.5, "Retail", True, ["AWS", "SAP"]])
def test_an_answer_comes_back_as_it_was_given(store, value):
    store.deals.note_answer("P1", "size", value, actor="ann")
    assert store.deals.answers() == {"P1": {"size": value}}


def test_the_newest_answer_counts_and_nothing_takes_it_back(store):
    for value in (1, 2):
        store.deals.note_answer("P1", "size", value, actor="ann")
    assert store.deals.answers("P1") == {"P1": {"size": 2}}
    store.deals.note_answer("P1", "size", None, actor="ann")
    assert store.deals.answers("P1") == {"P1": {}}
    assert kinds(store) == ["answer"] * 3


def test_attempts_keep_their_day_and_how_they_went(store):
    tried = Attempt(reason="no_value_seen", play="quantify", worked=True)
    store.deals.note_attempt("P1", tried, note="small gain", actor="ann")
    assert store.deals.attempts() == {
        "P1": [Attempt(reason="no_value_seen", play="quantify", on=TODAY, worked=True)]
    }


def test_an_exit_comes_back_whole(store, clock):
    kept = store.deals.note_exit(LEFT, actor="ann")
    assert (kept.exit, kept.author, kept.created_at) == (LEFT, "ann", clock.now)
    assert (kept.open, kept.woke_at, kept.woke_why) == (True, None, "")
    assert store.deals.exits() == [kept]


def test_a_later_exit_closes_the_earlier_one(store):
    first = store.deals.note_exit(LEFT, actor="ann")
    second = store.deals.note_exit(LEFT, actor="bob")
    assert [e.number for e in store.deals.exits("P1")] == [second.number, first.number]
    assert [e.number for e in store.deals.exits(only_open=True)] == [second.number]


def test_waking_says_when_and_why(store, clock):
    kept = store.deals.note_exit(LEFT, actor="ann")
    clock.pass_time(days=3)
    store.deals.wake({kept.number: "their budget is set"}, actor="bob")
    (woke,) = store.deals.exits()
    assert (woke.woke_at, woke.woke_why) == (clock.now, "their budget is set")
    assert woke.open
    assert kinds(store) == ["exit", "woke"]


def test_arming_changes_nothing_else(store):
    from dataclasses import replace

    kept = store.deals.note_exit(replace(LEFT, armed=False), actor="ann")
    store.deals.arm([kept.number], actor="bob")
    assert store.deals.exits() == [replace(kept, exit=LEFT)]


def test_an_account_is_taken_up_again_once(store):
    store.deals.note_exit(LEFT, actor="ann")
    store.deals.reopen("P1", reason="they called", actor="ann")
    assert store.deals.exits(only_open=True) == []
    with pytest.raises(NotFoundError, match="'P1' was not left"):
        store.deals.reopen("P1", reason="again", actor="ann")
    assert kinds(store) == ["exit", "reopened"]


def test_referrals_keep_who_was_asked_and_who_came(store, clock):
    store.deals.note_referral("P1", came=None, note="asked", actor="ann")
    store.deals.note_referral("P1", came="P9", note="", actor="bob")
    newest, oldest = store.deals.referrals()
    assert (newest.account_id, newest.came, newest.author) == ("P1", "P9", "bob")
    assert (oldest.came, oldest.note, oldest.created_at) == (None, "asked", clock.now)
    assert store.deals.referrals("P2") == []


def test_every_note_is_in_the_chain(store):
    deals = store.deals
    deals.note_signal("P1", Signal(reason="x", holds=True), on=TODAY, actor="ann")
    deals.note_answer("P1", "size", 3, actor="ann")
    deals.note_attempt("P1", Attempt(reason="x", play="park"), note="", actor="ann")
    deals.note_exit(LEFT, actor="ann")
    deals.note_referral("P1", came=None, note="", actor="ann")
    assert store.verify_events() == 5


def test_a_damaged_exit_is_named(store):
    kept = store.deals.note_exit(LEFT, actor="ann")
    with store.database.write("eve") as tx:
        tx.connection.execute(exits.update().values(document="{}"))
    with pytest.raises(StoreError, match=f"exit {kept.number} cannot be read"):
        store.deals.exits()
