import polars as pl
import pytest
from polars.testing import assert_frame_equal

from icp.errors import NotFoundError, SourceError
from icp.scoring import SCORE_COLUMNS
from icp.store.store import Store


def test_prospects_are_scored_beside_their_own_columns(scored):
    frame = scored.scores.scored().collect()
    own = scored.accounts.table("prospects").collect_schema().names()
    assert frame.columns == [*own, *SCORE_COLUMNS]
    assert frame["account_id"].to_list() == ["P1", "P2", "P3", "P4"]
    fits = dict(zip(frame["account_id"], frame["fit"], strict=True))
    assert fits["P1"] > fits["P2"]
    assert fits["P3"] is None


def test_a_run_counts_what_it_graded(scored):
    run = scored.scores.run()
    frame = scored.scores.scored(run.number).collect()
    assert (run.number, run.rows, run.author) == (2, 4, "ann")
    assert run.evaluable == frame["fit"].count() == sum(run.grades.values())
    assert run.profile_id == scored.profiles.active().id


@pytest.mark.parametrize(("run", "words"), [(9, "no scored list '9'"), ("x", "'x'")])
def test_an_unknown_list_is_not_found(scored, run, words):
    with pytest.raises(NotFoundError, match=words):
        scored.scores.scored(run)


def test_scoring_needs_a_profile_and_a_list(imported):
    with pytest.raises(NotFoundError, match="no profile is in force"):
        imported.scores.run()
    with pytest.raises(NotFoundError, match="no prospects scored yet; run icp score"):
        imported.scores.scored()


@pytest.mark.parametrize("asked", ["P2", "Beta", "beta", " BETA "])
def test_a_prospect_is_asked_for_by_id_or_name(scored, asked):
    found = scored.scores.check(asked)
    row = scored.scores.scored().filter(account_id="P2").collect().row(0, named=True)
    assert (found.score.fit, found.score.margin) == (row["fit"], row["margin"])
    total = found.score.base + sum(part.points for part in found.contributions)
    assert total == found.score.margin
    assert found.similar["account_id"].str.starts_with("C").all()
    assert found.similar.height == 5


def test_customers_can_be_checked_too(scored):
    assert (
        scored.scores.check("Firm 3").score.margin
        == scored.scores.check("C3").score.margin
    )


def test_values_of_a_form_can_be_checked(scored):
    found = scored.scores.check({"industry": "Mining", "employees": 40})
    assert found.score.margin == scored.scores.check("P2").score.margin


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("nobody", "no prospect or customer 'nobody'"),
        ("Alpha", "2 prospects are called 'Alpha'; ask for one by its id: P1, P4"),
    ],
)
def test_no_account_or_several_say_what_to_do(scored, asked, words):
    with pytest.raises(NotFoundError, match=words):
        scored.scores.check(asked)


def test_checking_without_labels_has_no_similar_customers(scored, monkeypatch):
    monkeypatch.setattr(Store, "last_labels", lambda _store: None)
    assert scored.scores.check("P1").similar is None


@pytest.mark.parametrize(("population", "rows"), [("prospects", 4), ("customers", 90)])
def test_outliers_keep_every_account(scored, population, rows):
    frame = scored.scores.outliers(population=population).collect()
    assert frame.height == rows
    assert {"distance_best", "distance_closed", "odd"} <= set(frame.columns)


def typed(scored):
    return scored.accounts.table("prospects").collect()


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_is_scored_like_the_workspace(scored, tmp_path, ending):
    source, target = tmp_path / "list.parquet", tmp_path / f"out.{ending}"
    typed(scored).write_parquet(source)
    run = scored.scores.score_file(source, target, parts=True)
    assert (run.rows, run.target, run.bulk) == (4, f"out.{ending}", None)
    read = pl.read_parquet if ending == "parquet" else pl.read_csv
    frame = read(target)
    expected = scored.scores.scored().collect()
    assert frame["margin"].to_list() == expected["margin"].to_list()
    parts = [name for name in frame.columns if name.startswith("points__")]
    assert frame.select(pl.sum_horizontal(parts)).to_series().to_list() == (
        expected["margin"].to_list()
    )
    assert [p.name for p in tmp_path.glob(".*")] == []


def test_an_export_is_scored_like_next_months_prospects(scored, exports, tmp_path):
    target = tmp_path / "out.parquet"
    run = scored.scores.score_file(exports / "prospects.csv", target)
    assert run.rows == 4
    assert_frame_equal(pl.read_parquet(target), scored.scores.scored().collect())


def test_a_file_in_text_is_read_by_its_mapping(scored, exports, tmp_path):
    source, target = tmp_path / "raw.parquet", tmp_path / "out.parquet"
    pl.read_csv(exports / "prospects.csv", infer_schema=False).write_parquet(source)
    scored.scores.score_file(source, target)
    expected = scored.scores.scored().collect()["margin"].to_list()
    assert pl.read_parquet(target)["margin"].to_list() == expected


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("none.csv", "out.csv", "no file 'none.csv'"),
        ("list.parquet", "out.xls", "cannot write '.xls'"),
        ("list.parquet", "out", "a file without ending"),
        ("list.parquet", "no/out.csv", "make the folder first"),
    ],
)
def test_what_cannot_be_read_or_written_is_said(
    scored, tmp_path, source, target, words
):
    typed(scored).write_parquet(tmp_path / "list.parquet")
    with pytest.raises(SourceError, match=words):
        scored.scores.score_file(tmp_path / source, tmp_path / target)
    assert {p.name for p in tmp_path.iterdir()} == {"list.parquet", "space"}


def test_lists_are_exported_for_spreadsheets(scored, tmp_path):
    target = tmp_path / "scores.csv"
    assert scored.scores.export(target) == 4
    assert target.read_bytes().startswith(b"\xef\xbb\xbfaccount_id,")


def test_rows_kept_out_are_exported_without_formulas(scored, tmp_path):
    file = scored.path / "sources" / "prospects.csv"
    file.write_text(file.read_text() + ",,=1+1,9,\n")
    scored.imports.run()
    target = tmp_path / "out.csv"
    assert scored.imports.export_quarantine(target) == 1
    assert scored.imports.export_quarantine(target, source="customers") == 0
