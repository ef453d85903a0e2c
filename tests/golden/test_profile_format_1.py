"""A profile of format 1 opens, scores to the same integers and keeps its old id.

`profile-format-1.json` was learnt by the code of commit 047597b from 400 customers of
the generated demo (`draw_demo(customers=400, prospects=200)`; nine attributes, 20
refits, seed 7), `profile-format-1-scores.json` are twelve prospects and their scores.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from icp.profile import FORMAT, Profile
from icp.scoring import explain, score, score_one
from icp.store.store import Store
from icp.store.tables import profiles
from icp.workflow import create_workspace, open_workspace

HERE = Path(__file__).parent
TEXT = (HERE / "profile-format-1.json").read_text("utf-8")
KNOWN = json.loads((HERE / "profile-format-1-scores.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def profile() -> Profile:
    return Profile.from_json(TEXT)


def frame(part: str) -> pl.DataFrame:
    table = KNOWN[part]
    return pl.DataFrame(table["rows"], schema=table["columns"], orient="row")


def reworded(profile: Profile) -> Profile:
    """The same profile in other sentences."""
    whole: dict[str, Any] = json.loads(profile.to_json())
    for segment in whole["segments"]:
        segment["traits"] = ["in other words"]
    learnt = whole["provenance"]
    learnt["notes"] = ["Something else."]
    learnt["evidence"]["method"] = "another phrase"
    for finding in learnt["findings"]:
        finding["message"] = "reworded"
    return Profile.from_json(json.dumps(whole))


def test_it_is_upgraded_when_read(profile: Profile) -> None:
    assert json.loads(TEXT)["format"] == 1
    assert profile.format == FORMAT == 2
    assert json.loads(profile.to_json())["format"] == 2
    assert Profile.from_json(profile.to_json()).id == profile.id


def test_its_former_id_can_be_verified(profile: Profile) -> None:
    assert hashlib.sha256(TEXT.encode()).hexdigest() == KNOWN["id"]
    assert profile.former_id == KNOWN["id"]
    assert profile.id != profile.former_id
    other = Profile.from_json(
        TEXT.replace("grouped accounts kept", "grouped ones kept")
    )
    assert other.former_id != profile.former_id
    assert other.id == profile.id


def test_a_profile_of_today_has_no_former_id(profile: Profile) -> None:
    assert Profile.from_json(profile.to_json()).former_id is None
    assert profile.model_copy(update={"base": 1}).former_id is None


def test_it_scores_to_the_same_integers(profile: Profile) -> None:
    scores = frame("scores")
    scored = score(frame("accounts"), profile, parts=True).with_columns(
        fit_tenths=(10 * pl.col("fit")).round().cast(pl.Int64)
    )
    assert len(scores) == 12
    assert scored.select(scores.columns).rows() == scores.rows()
    for account, row in zip(
        frame("accounts").to_dicts(), scores.to_dicts(), strict=True
    ):
        one = score_one(account, profile)
        assert (one.margin, one.distance_best) == (row["margin"], row["distance_best"])


def test_a_twin_in_other_words_is_the_same_profile(profile: Profile) -> None:
    twin = reworded(profile)
    assert twin.id == profile.id
    assert twin.to_json() != profile.to_json()
    accounts = frame("accounts")
    assert score(accounts, twin, parts=True).equals(
        score(accounts, profile, parts=True)
    )


def test_a_twin_is_explained_in_its_own_words(profile: Profile) -> None:
    account = frame("accounts").row(0, named=True)
    own = explain(account, profile).nearest[0]
    other = explain(account, reworded(profile)).nearest[0]
    assert other.traits == ("in other words",)
    assert own.traits != other.traits


def stored_in_format_1(store: Store) -> None:
    """What the program stored when format 1 was new."""
    learnt = json.loads(TEXT)["provenance"]
    with store.database.write("ann") as tx:
        number = tx.insert(
            profiles,
            hash=KNOWN["id"],
            document=TEXT,
            best=learnt["best"],
            regrettable=learnt["regrettable"],
            evidence=learnt["evidence"]["level"],
            auc=learnt["evidence"]["auc"],
        )
        tx.log("learn", number, profile=KNOWN["id"])


def test_a_stored_one_is_found_by_its_old_id_and_as_it_was_learnt(
    profile: Profile, tmp_path: Path
) -> None:
    create_workspace(tmp_path)
    data = tmp_path / ".icp"
    store = Store(data / "icp.db", data / "bulk")
    stored_in_format_1(store)
    again = store.record_profile(
        profile, import_number=None, label_number=None, actor="ann"
    )
    store.close()
    assert (again.number, again.id) == (1, KNOWN["id"])
    with open_workspace(tmp_path) as space:
        check = next(c for c in space.doctor() if c.name == "profiles")
        assert check.state == "ok"


@pytest.mark.parametrize(
    "change",
    [
        {"base": 1},
        {"abstention": {"known": 300}},
    ],
)
def test_another_number_is_another_profile(
    profile: Profile, change: dict[str, Any]
) -> None:
    assert profile.model_copy(update=change).id != profile.id


def test_a_finding_that_excludes_is_no_sentence(profile: Profile) -> None:
    whole = json.loads(profile.to_json())
    whole["provenance"]["findings"][0]["excluded"] = False
    assert Profile.from_json(json.dumps(whole)).id != profile.id
