from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from icp.schema import AccountSchema

pytest.importorskip("sklearn", reason="the bench extra is not installed")


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    monkeypatch.setenv("ICP_BENCH_CACHE", str(tmp_path / "kept"))


@pytest.fixture
def task():
    from bench.sets.task import Task

    rng = np.random.default_rng(0)
    size = rng.lognormal(3, 1, 240)
    trade = rng.choice(["retail", "health", "steel"], 240)
    best = rng.random(240) < np.where(trade == "retail", 0.8, 0.2)
    frame = pl.DataFrame({"size": size, "trade": trade, "known": rng.random(240) < 0.5})
    frame = frame.with_columns(
        pl.when(pl.Series(rng.random(240) < 0.2))
        .then(None)
        .otherwise("size")
        .alias("size")
    )
    return Task(
        name="made up",
        use="tuned on",
        frame=frame,
        schema=AccountSchema.infer(frame),
        best=best,
        groups=np.arange(240) // 3,
    )


def test_folds_keep_groups_together_and_judge_every_row_once(task):
    from bench.sets.task import folds

    found = list(folds(task, 2))
    assert [f.name for f in found[:2]] == ["r0f0", "r0f1"]
    assert len({f.name for f in found}) == 10
    tested = np.concatenate([f.test for f in found[:5]])
    assert sorted(tested.tolist()) == list(range(240))
    for fold in found:
        assert not set(task.groups[fold.train]) & set(task.groups[fold.test])


def test_a_dated_split_learns_from_the_earlier_rows(task):
    from dataclasses import replace

    from bench.sets.task import by_date, folds

    days = pl.Series(np.arange(240)[::-1].copy()).cast(pl.Date)
    (fold,) = folds(by_date(replace(task, dates=days)), 3)
    assert len(fold.train) == 168
    assert days[fold.train.tolist()].max() < days[fold.test.tolist()].min()


@pytest.mark.parametrize(
    ("keys", "groups"),
    [
        ({"a": ["x", "y", "x"]}, [0, 1, 0]),
        ({"a": ["x", None, None]}, [0, 1, 2]),
        ({"a": [1.5, 1.5, 1.5], "b": ["u", None, "u"]}, [0, 1, 0]),
    ],
)
def test_equal_rows_are_one_group_and_rows_without_any_key_stay_alone(keys, groups):
    from bench.sets.task import _groups

    found = _groups(pl.DataFrame(keys))
    same = found[:, None] == found[None, :]
    wanted = np.array(groups)
    assert (same == (wanted[:, None] == wanted[None, :])).all()


def test_a_fingerprint_changes_with_a_value_a_label_or_a_group(task):
    from dataclasses import replace

    other = task.frame.with_columns(trade=pl.lit("retail"))
    changed = (
        replace(task, frame=other),
        replace(task, best=~task.best),
        replace(task, groups=task.groups + 1),
    )
    assert len({task.fingerprint, *(t.fingerprint for t in changed)}) == 4
    assert replace(task, name="b").fingerprint == task.fingerprint


@pytest.mark.parametrize(
    "name", ["icp", "logistic", "random forest", "naive Bayes", "kNN"]
)
def test_every_method_finds_what_was_planted(task, name):
    from bench.quality.peers import METHODS, probabilities
    from bench.sets.task import folds
    from icp import stats

    fold = next(iter(folds(task, 1)))
    found = probabilities(METHODS[name], task.rows(fold.train), task.rows(fold.test))
    assert found.shape == fold.test.shape
    assert ((found >= 0) & (found <= 1)).all()
    assert stats.auc(found, task.best[fold.test]) > 0.65


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("scorecard", "optbinning"),
        ("EBM", "interpret"),
        ("LightGBM", "lightgbm"),
        ("CatBoost", "catboost"),
    ],
)
@pytest.mark.slow
def test_peers_from_elsewhere_find_it_too(task, name, library):
    pytest.importorskip(library, exc_type=ImportError)
    test_every_method_finds_what_was_planted(task, name)


def test_more_segments_and_refits_do_not_move_the_margin(task):
    from icp.learn import FitOptions, fit_profile
    from icp.scoring import score

    frame = task.frame.with_columns(
        outcome=pl.Series(np.where(task.best, "best", "regrettable"))
    )
    found = []
    for options in (FitOptions(max_segments=1, refits=2), FitOptions(refits=40)):
        profile = fit_profile(frame, schema=task.schema, options=options)
        margins = score(task.frame, profile)["margin"].to_list()
        found.append((margins, profile.calibration.thresholds))
    assert found[0] == found[1]


def test_naive_bayes_agrees_with_a_table_written_by_hand():
    from bench.quality.peers import bayes
    from bench.sets.task import Task

    frame = pl.DataFrame({"trade": ["a", "a", "b", None]})
    task = Task(
        name="four",
        use="tuned on",
        frame=frame,
        schema=AccountSchema.infer(frame),
        best=np.array([True, True, False, False]),
        groups=np.arange(4),
    )
    odds_a = np.log(2.1 / 2.2) - np.log(0.1 / 1.2)
    odds_b = np.log(0.1 / 2.2) - np.log(1.1 / 1.2)
    logits = np.array([odds_a, odds_a, odds_b, 0.0])
    assert bayes(task, task) == pytest.approx(1 / (1 + np.exp(-logits)))


def test_gower_skips_what_is_not_known():
    from bench.quality.peers import _gower

    away, both = _gower(
        pl.Series([0.0, 10.0, None]), pl.Series([5.0, None]), number=True
    )
    assert away.tolist() == [[0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
    assert both.tolist() == [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    away, both = _gower(
        pl.Series(["x", "y"]), pl.Series(["x", "z", None]), number=False
    )
    assert away.tolist() == [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    assert both.tolist() == [[1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


def test_a_kept_result_is_not_measured_again(task):
    from bench.quality.cache import is_kept, judged
    from bench.quality.peers import Method

    runs = []

    def counting(train, test):
        runs.append(train.name)
        return np.full(test.frame.height, 0.25)

    method = Method(name="flat / one", run=counting, version="1")
    later = Method(name="flat / one", run=counting, version="2")
    assert not is_kept(method, task, name="r0f0")
    first = judged(method, task, task, name="r0f0")
    again = judged(method, task, task, name="r0f0")
    assert len(runs) == 1
    assert is_kept(method, task, name="r0f0")
    assert (first.probability == again.probability).all()
    assert not is_kept(later, task, name="r0f0")
    judged(method, task, task, name="r0f1")
    judged(later, task, task, name="r0f0")
    assert len(runs) == 3


def test_measures_of_a_perfect_and_of_an_honest_forecast():
    from bench.quality.measures import AUC, LIFT, LOG_LOSS, SLOPE, measured

    best = np.array([True] * 10 + [False] * 30)
    perfect = measured(best.astype(float), best)
    assert perfect[AUC] == 1
    assert perfect[LIFT] == pytest.approx(4)
    assert perfect[LOG_LOSS] == pytest.approx(-np.log(1 - 1e-4))
    assert np.isnan(perfect[SLOPE])
    rng = np.random.default_rng(1)
    chance = rng.random(40_000)
    happened = rng.random(40_000) < chance
    assert measured(chance, happened)[SLOPE] == pytest.approx(1, abs=0.05)
    logit = np.log(chance / (1 - chance))
    bold = 1 / (1 + np.exp(-2 * logit))
    assert measured(bold, happened)[SLOPE] == pytest.approx(0.5, abs=0.03)


def test_the_width_is_that_of_a_corrected_t_interval():
    from scipy.stats import t

    from bench.quality.measures import half_width

    values = np.array([0.01, 0.03, 0.02, 0.05, 0.04])
    spread = np.sqrt(values.var(ddof=1) * (1 / 5 + 0.25))
    assert half_width(values, tested=0.25) == pytest.approx(t.ppf(0.95, 4) * spread)
    assert np.isnan(half_width(values[:1], tested=0.25))


def folds_with(auc, loss, *, wobble=0.0):
    shifts = (-wobble, 0.0, wobble)
    return {
        f"r0f{i}": np.array([auc + s, 0.5, loss, 0.2, 1.5, 1.0])
        for i, s in enumerate(shifts)
    }


def test_targets_say_met_within_noise_and_missed_by_how_much(task):
    from dataclasses import replace

    from bench.quality.targets import targets

    tasks = [replace(task, name="a"), replace(task, name="b")]
    found = {
        ("a", "icp"): folds_with(0.80, 0.40, wobble=0.02),
        ("a", "logistic"): folds_with(0.805, 0.41),
        ("a", "LightGBM"): folds_with(0.82, 0.39),
        ("b", "icp"): folds_with(0.70, 0.50),
        ("b", "logistic"): folds_with(0.71, 0.52),
        ("b", "LightGBM"): folds_with(0.70, 0.50),
    }
    lines = targets(found, tasks, ["icp", "logistic", "LightGBM"])
    said = {
        line.split(" | ")[0][2:] + "/" + line.split(" | ")[1]: line
        for line in lines[2:]
    }
    best = "AUC at least the best readable peer's on"
    assert said[f"{best} a/logistic"].endswith("met within noise |")
    assert said[f"{best} b/logistic"].endswith("missed by 0.0100 |")
    near = said["AUC within 0.003 of the best black box, mean over all sets/LightGBM"]
    assert near.endswith("-0.0100 | missed by 0.0070 |")
    loss = "log loss at or below every peer's, mean over all sets"
    assert said[f"{loss}/logistic"].endswith("-0.0150 | met |")
    assert said[f"{loss}/LightGBM"].endswith("+0.0050 | missed by 0.0050 |")


def test_a_peer_with_fewer_folds_is_compared_on_those():
    from bench.quality.measures import AUC
    from bench.quality.targets import mean_of

    mine = folds_with(0.80, 0.40, wobble=0.02)
    theirs = {"r0f0": mine["r0f0"] + 0.01}
    found = {("a", "icp"): mine, ("a", "EBM"): theirs}
    assert mean_of(found, "a", "icp")[AUC] == pytest.approx(0.80)
    assert mean_of(found, "a", "EBM")[AUC] == pytest.approx(0.81)
    assert mean_of({("a", "EBM"): theirs}, "a", "EBM")[AUC] == pytest.approx(0.79)


def test_a_peer_that_was_not_measured_everywhere_has_no_mean(task):
    from dataclasses import replace

    from bench.quality.targets import targets

    tasks = [replace(task, name="a"), replace(task, name="b")]
    found = {
        ("a", "icp"): folds_with(0.8, 0.4),
        ("b", "icp"): folds_with(0.7, 0.5),
        ("a", "logistic"): folds_with(0.7, 0.5),
    }
    lines = targets(found, tasks, ["icp", "logistic"])
    above = next(line for line in lines if line.startswith("| AUC above"))
    assert above.endswith("| - | not measured on every set |")


@pytest.mark.parametrize("size", [30, 100])
def test_draws_keep_the_share_of_best_and_groups_apart(task, size):
    from bench.quality.learning_curve import draw

    fold = draw(task, size, 3)
    best = int(task.best[fold.train].sum())
    assert len(fold.train) == size
    assert best == round(size * task.best.mean())
    assert not set(task.groups[fold.train]) & set(task.groups[fold.test])
    assert (draw(task, size, 3).train == fold.train).all()
    assert (draw(task, size, 4).train != fold.train).any()


def test_the_curve_says_what_was_measured_on_the_same_draws(task):
    from bench.quality.learning_curve import SIZES, table, verdict

    values = np.full((4, len(SIZES), 2), 0.6)
    peer = values.copy()
    peer[:, :, 1] = 0.5
    peer[2:] = np.nan
    found = {("made up", "icp"): values, ("made up", "EBM"): peer}
    lines = table(task, ["icp", "EBM"], found)
    assert lines[-2].startswith("| icp | 4 | 0.600 / 0.600 |")
    assert lines[-1].startswith("| EBM | 2 | 0.600 / 0.500 |")
    assert verdict([task], ["icp", "EBM"], found)[-1] == (
        "| 100 | EBM | +0.1000 (0.0000) | missed by 0.1000 |"
    )


def test_the_table_has_a_line_per_method_and_measures_missing_ones_only(task, capsys):
    from bench.quality.run import Table, mean_table, stability
    from bench.quality.targets import OURS

    table = Table(["icp", "naive Bayes", "kNN"], only_kept=True)
    lines = table.measure(task, 1)
    assert [line.split(" | ")[2] for line in lines] == [OURS]
    full = Table(["icp", "naive Bayes", "kNN"], only_kept=False)
    lines = full.measure(task, 1)
    assert [line.split(" | ")[2] for line in lines] == ["icp", "naive Bayes", "kNN"]
    assert all(line.count("|") == 13 for line in lines)
    means = [line for line in mean_table(full, [task]) if line.startswith("| kNN")]
    assert len(means) == 2
    assert "the same after the first repeat" in stability(full, [task])
    assert "kNN" in capsys.readouterr().out
