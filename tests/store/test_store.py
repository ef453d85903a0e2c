import json

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import NotFoundError, StoreError
from icp.profile import Calibration, Profile, ProfileEvidence, Provenance
from icp.store.bulk import BulkFolder
from icp.store.store import Store
from icp.store.tables import HEAD

FRAME = pl.DataFrame({"account_id": ["a", "b"]})


def profile(base):
    evidence = ProfileEvidence(
        level="weak",
        auc=0.6,
        auc_low=0.5,
        auc_high=0.7,
        log_loss=0.6,
        base_log_loss=0.7,
        brier=0.2,
        method="by hand",
    )
    return Profile(
        base=base,
        tables=(),
        segments=(),
        calibration=Calibration(method="none"),
        provenance=Provenance(best=20, regrettable=10, evidence=evidence),
    )


def imported(store, frame=FRAME, **more):
    return store.record_import(
        {"customers": frame, "prospects": None, **more},
        schemas={"customers": {}},
        summary={"sources": []},
        actor="ann",
    )


def learnt(store, base):
    return store.record_profile(
        profile(base), import_number=None, label_number=None, actor="ann"
    )


def test_mappings_have_versions_and_the_newest_counts(store):
    assert store.mapping("crm") is None
    saved = [store.save_mapping("crm", text, actor="ann") for text in "aab"]
    assert saved == [1, 1, 2]
    assert store.save_mapping("erp", "a", actor="ann") == 1
    assert (store.mapping("crm"), store.mapping("erp")) == ("b", "a")


def test_an_import_is_kept_with_its_tables(store, clock):
    record, changed = imported(store)
    assert changed
    assert (record.number, record.author, record.created_at) == (1, "ann", clock.now)
    assert record.tables["prospects"] is None
    assert record.schemas == {"customers": {}}
    assert record == store.last_import()
    kept = store.bulk.scan(record.tables["customers"]).collect()
    assert_frame_equal(kept, FRAME)


def test_the_same_import_again_changes_nothing(store):
    first, _ = imported(store)
    again, changed = imported(store)
    assert (again, changed) == (first, False)
    assert store.events(9).height == 1
    other, changed = imported(store, FRAME.head(1))
    assert (other.number, changed) == (2, True)


def test_a_crash_between_file_and_record_leaves_no_record(store, monkeypatch):
    def crash(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("icp.store.database.Transaction.keep", crash)
    with pytest.raises(KeyboardInterrupt):
        imported(store)
    assert store.last_import() is None
    assert store.bulk_files() == []
    assert store.verify_events() == 0


def test_a_full_disk_leaves_no_record(store, monkeypatch):
    def crash(*_):
        raise OSError("disk full")

    monkeypatch.setattr(BulkFolder, "_keep", crash)
    with pytest.raises(OSError, match="disk full"):
        imported(store)
    assert (store.last_import(), store.bulk_files()) == (None, [])
    assert list(store.bulk.path.iterdir()) == []


def test_labels_belong_to_an_import(store):
    imported(store)
    given = {"import_number": 1, "policy": {"p": 1}, "counts": {"best": 2}}
    first = store.record_labels(FRAME, **given, actor="ann")
    again = store.record_labels(FRAME, **given, actor="bob")
    assert (first, again.author) == (again, "ann")
    other = store.record_labels(FRAME, **{**given, "policy": {}}, actor="bob")
    assert store.last_labels() == other
    assert (other.number, other.policy, other.counts) == (2, {}, {"best": 2})


def test_labels_of_no_import_are_refused(store):
    with pytest.raises(StoreError):
        store.record_labels(FRAME, import_number=9, policy={}, counts={}, actor="a")
    assert store.last_labels() is None


def test_the_last_override_of_an_account_counts(store, clock):
    for outcome in ("best", "regrettable"):
        store.override("a", outcome, reason="they left", actor="ann")
    expected = pl.DataFrame(
        {
            "account_id": ["a"],
            "outcome": ["regrettable"],
            "reason": ["they left"],
            "author": ["ann"],
            "at": [clock.now.date()],
        }
    )
    assert_frame_equal(store.overrides(), expected)
    assert store.events(9)["kind"].to_list() == ["override", "override"]


def test_an_override_is_taken_back_and_stays_in_the_log(store):
    store.override("a", "best", reason="x", actor="ann")
    store.override("b", "neutral", reason="y", actor="ann")
    store.withdraw("a", reason="a mistake", actor="bob")
    assert store.overrides()["account_id"].to_list() == ["b"]
    newest = store.events(1).row(0, named=True)
    assert (newest["kind"], newest["subject"], newest["actor"]) == (
        "withdraw",
        "a",
        "bob",
    )
    assert json.loads(newest["payload"]) == {"reason": "a mistake"}
    assert store.verify_events() == 3


def test_what_was_not_set_cannot_be_taken_back(store):
    store.override("a", "best", reason="x", actor="ann")
    with pytest.raises(NotFoundError, match="no outcome of 'b' was set by hand"):
        store.withdraw("b", reason="", actor="ann")
    assert store.overrides().height == 1
    assert store.verify_events() == 1


def test_a_decision_kept_elsewhere_is_in_the_chain(store):
    store.note("accept", "plan", actor="ann", why="chosen on the first call")
    row = store.events(1).row(0, named=True)
    assert (row["kind"], row["subject"]) == ("accept", "plan")
    assert json.loads(row["payload"]) == {"why": "chosen on the first call"}
    assert store.verify_events() == 1


def test_overrides_may_be_none(store):
    assert store.overrides().rows() == []


def test_a_profile_is_kept_by_its_content(store):
    first, again = learnt(store, 1), learnt(store, 1)
    assert first == again
    assert (first.version, first.best, first.regrettable) == ("v1", 20, 10)
    assert (first.evidence, first.auc, first.active) == ("weak", 0.6, False)
    assert Profile.from_json(store.profile_json(1)).id == first.id
    assert first.short_id == first.id[:12]


def test_a_profile_knows_which_one_it_challenges(store):
    learnt(store, 1)
    store.activate(1, reason="", actor="ann")
    assert learnt(store, 2).parent == 1


def test_an_unknown_profile_is_not_found(store):
    with pytest.raises(NotFoundError, match="no number 7 among the profiles"):
        store.profile_json(7)
    with pytest.raises(NotFoundError):
        store.activate(7, reason="", actor="ann")
    assert store.verify_events() == 0


def active(store):
    return next((p.number for p in store.profiles() if p.active), None)


def test_rollback_goes_back_step_by_step(store):
    for base in (1, 2, 3):
        learnt(store, base)
        store.activate(base, reason="better", actor="ann")
    assert [store.rollback(reason="worse", actor="ann") for _ in range(2)] == [2, 1]
    assert active(store) == 1
    with pytest.raises(NotFoundError, match="no earlier profile"):
        store.rollback(reason="worse", actor="ann")
    store.activate(3, reason="again", actor="ann")
    assert store.rollback(reason="no", actor="ann") == 1


def test_activating_what_is_in_force_changes_nothing(store):
    learnt(store, 1)
    for _ in range(2):
        store.activate(1, reason="", actor="ann")
    assert store.events(9)["kind"].to_list() == ["activate", "learn"]
    with pytest.raises(NotFoundError):
        store.rollback(reason="", actor="ann")


def test_score_runs_are_listed_newest_first(store):
    learnt(store, 1)
    run = {"profile": 1, "import_number": None, "rows": 2, "evaluable": 1}
    file = store.bulk.write(FRAME)
    first = store.record_scores({**run, "grades": {"A": 1}}, file, actor="ann")
    second = store.record_scores(
        {**run, "grades": {}, "target": "out.csv"}, None, actor="bob"
    )
    assert store.runs() == [second, first]
    assert (first.bulk, first.target, first.grades) == (file.hash, None, {"A": 1})
    assert (second.bulk, second.target, second.author) == (None, "out.csv", "bob")


def test_events_come_newest_first_and_limited(store):
    for name in "abc":
        store.save_mapping(name, "{}", actor="ann")
    frame = store.events(2)
    assert frame["subject"].to_list() == ["c", "b"]
    assert json.loads(frame["payload"][0]) == {"version": 1}
    assert frame.schema["at"] == pl.Datetime("us", "UTC")
    assert store.verify_events() == 3


def test_no_events_are_an_empty_frame_of_the_same_columns(store):
    names = ["seq", "at", "actor", "kind", "subject", "payload", "hash"]
    assert store.events(5).columns == names


def test_the_database_describes_and_checks_itself(store):
    kind = store.database.url.get_backend_name()
    assert store.database.describe().startswith(kind)
    assert f"schema {HEAD}" in store.database.describe()
    assert store.database.problem() == ""


def test_two_stores_see_each_other(store, url, tmp_path, clock):
    other = Store(url, tmp_path / "bulk", clock=clock)
    store.save_mapping("crm", "a", actor="ann")
    other.save_mapping("crm", "b", actor="bob")
    assert store.mapping("crm") == other.mapping("crm") == "b"
    other.close()
