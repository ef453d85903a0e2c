"""The methods that are compared: all see the same columns and the same rows.

Each takes rows to learn from and rows to judge (both a `Task`) and gives the
probability of being best for the latter. Peers that are tuned are tuned inside the
rows to learn from, on five inner folds that keep groups together.

| method | how it is run |
|---|---|
| icp | `fit_profile` and `score`; one segment and 20 refits, as neither moves a score |
| logistic | one-hot, scaled, ridge; the strength out of seven by inner log loss |
| scorecard | optbinning's weights of evidence, then ridge; long lists cut |
| EBM | interpret's defaults but 8 outer bags of 14; long lists cut |
| LightGBM | four settings and the number of trees by inner early stopping |
| CatBoost | its defaults: 1,000 trees, ordered encoding of categories |
| random forest | 500 trees of at least three rows a leaf |
| naive Bayes | as Odoo scores leads: won and lost frequencies + 0.1, ten bins |
| kNN | Gower's distance, k = the root of the rows, at most 50 |
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import icp
from icp import stats
from icp.learn import FitOptions, fit_profile
from icp.schema import Kind
from icp.scoring import score

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from bench.sets.task import Task

    Probability = NDArray[np.float64]

INNER = 5
_MISSING = "missing"
_OFTEN = 20
_OURS_IS_MADE_OF = ("learn", "scoring", "profile.py", "stats.py", "schema.py")


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to learn; results of another `version` are never taken for its own."""

    name: str
    run: Callable[[Task, Task], Probability]
    version: str
    readable: bool = False
    black_box: bool = False


def ours(train: Task, test: Task) -> Probability:
    """The probability behind `fit`, of every row, also those not evaluable.

    More segments and more refits move neither the margin nor its calibration. In folds
    all columns are answered for, so that all methods see the same; by date nothing is,
    since to leave out what drifts is what the checks are for.
    """
    names = train.schema.names
    frame = train.frame.with_columns(
        outcome=pl.when(pl.Series(train.best))
        .then(pl.lit("best"))
        .otherwise(pl.lit("regrettable")),
        __group__=pl.Series(train.groups).cast(pl.String),
        __date__=pl.lit(None) if train.dates is None else train.dates,
    )
    profile = fit_profile(
        frame,
        schema=train.schema,
        group="__group__",
        date="__date__" if train.dated else None,
        options=FitOptions(
            accept=() if train.dated else names, max_segments=1, refits=20
        ),
    )
    margin = score(test.frame, profile)["margin"].to_numpy()
    thresholds = np.array(profile.calibration.thresholds)
    if not len(thresholds):
        return np.asarray(stats.sigmoid(margin / 1000))
    step = np.searchsorted(thresholds, margin, side="right")
    return np.asarray((step + 0.5) / (len(thresholds) + 1))


def logistic(train: Task, test: Task) -> Probability:
    """Tuned ridge logistic regression on one-hot categories and scaled numbers."""
    model = make_pipeline(
        _columns(train),
        LogisticRegressionCV(
            Cs=[0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
            cv=_inner(train),
            l1_ratios=(0.0,),
            scoring="neg_log_loss",
            max_iter=2_000,
            use_legacy_attributes=False,
        ),
    )
    model.fit(_pandas(train), train.best)
    return np.asarray(model.predict_proba(_pandas(test))[:, 1])


def forest(train: Task, test: Task) -> Probability:
    """A random forest on the same columns as the logistic regression."""
    trees = RandomForestClassifier(
        500, min_samples_leaf=3, n_jobs=1, random_state=0, max_features="sqrt"
    )
    model = make_pipeline(_columns(train), trees).fit(_pandas(train), train.best)
    return np.asarray(model.predict_proba(_pandas(test))[:, 1])


def scorecard(train: Task, test: Task) -> Probability:
    """Optbinning's bins as weights of evidence, then logistic regression."""
    from optbinning import BinningProcess

    bins = BinningProcess(
        list(train.schema.names), categorical_variables=_categories(train)
    )
    known, asked = _without_rare(train, test)
    x = bins.fit_transform(known, train.best.astype(int), metric="woe")
    model = LogisticRegression(max_iter=2_000).fit(x, train.best)
    return np.asarray(model.predict_proba(bins.transform(asked, metric="woe"))[:, 1])


def ebm(train: Task, test: Task, *, bags: int = 8) -> Probability:
    """Explainable boosting; with a thousand cities a fit would take ten minutes."""
    from interpret.glassbox import ExplainableBoostingClassifier

    x, asked = _without_rare(train, test)
    kinds = [
        "nominal" if n in _categories(train) else "continuous" for n in _all(train)
    ]
    model = ExplainableBoostingClassifier(
        feature_types=kinds, outer_bags=bags, n_jobs=1, random_state=0
    )
    model.fit(x, train.best)
    return np.asarray(model.predict_proba(asked)[:, 1])


def catboost(train: Task, test: Task) -> Probability:
    """CatBoost as it ships."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier(
        thread_count=1,
        random_seed=0,
        verbose=0,
        allow_writing_files=False,
        cat_features=_categories(train),
    )
    model.fit(_pandas(train), train.best.astype(int))
    return np.asarray(model.predict_proba(_pandas(test))[:, 1])


def lightgbm(train: Task, test: Task) -> Probability:
    """The setting and number of trees of the least inner log loss."""
    import lightgbm as lgb

    x, asked = _as_levels(_pandas(train), _pandas(test), _categories(train))
    data = lgb.Dataset(x, train.best.astype(int), free_raw_data=False)
    least, settings, trees, inner = np.inf, _TREES[0], 1, _inner(train)
    for tried in _TREES:
        found = lgb.cv(
            tried,
            data,
            num_boost_round=800,
            folds=inner,
            callbacks=[lgb.early_stopping(40, verbose=False)],
        )["valid binary_logloss-mean"]
        if min(found) < least:
            least, settings, trees = min(found), tried, int(np.argmin(found)) + 1
    model = lgb.train(settings, data, num_boost_round=trees)
    return np.asarray(model.predict(asked))


_TREES: list[dict[str, Any]] = [
    {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": leaves,
        "min_data_in_leaf": least,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "num_threads": 1,
        "deterministic": True,
        "feature_pre_filter": False,
        "seed": 0,
        "verbosity": -1,
    }
    for leaves, least in ((4, 5), (4, 20), (12, 20), (31, 30))
]


def bayes(train: Task, test: Task) -> Probability:
    """Frequencies among won and lost, multiplied; what is not set is skipped."""
    best, bad = train.best.sum(), (~train.best).sum()
    logit = np.full(test.frame.height, np.log(best / bad))
    for attribute in train.schema.attributes:
        seen, asked = _bins(train.frame[attribute.name], test.frame[attribute.name])
        known = seen >= 0
        size = int(max(seen.max(initial=0), asked.max(initial=0))) + 1
        won = np.bincount(seen[known & train.best], minlength=size) + 0.1
        lost = np.bincount(seen[known & ~train.best], minlength=size) + 0.1
        odds = np.log(won / won.sum()) - np.log(lost / lost.sum())
        logit += np.where(asked >= 0, odds[asked], 0.0)
    return np.asarray(stats.sigmoid(logit))


def neighbours(train: Task, test: Task) -> Probability:
    """The share of best among the nearest, and one customer of the average kind."""
    count = int(min(50, max(3, round(np.sqrt(train.frame.height)))))
    total = np.zeros((test.frame.height, train.frame.height), dtype=np.float32)
    known = np.zeros_like(total)
    for attribute in train.schema.attributes:
        away, both = _gower(
            train.frame[attribute.name],
            test.frame[attribute.name],
            number=attribute.kind is Kind.NUMBER,
        )
        total += away
        known += both
    distance = total / np.maximum(known, 1)
    near = np.argpartition(distance, count - 1, axis=1)[:, :count]
    return np.asarray((train.best[near].sum(axis=1) + train.best.mean()) / (count + 1))


# --------------------------------------------------------------------- shared columns


def _all(task: Task) -> tuple[str, ...]:
    return tuple(task.schema.names)


def _categories(task: Task) -> list[str]:
    return [a.name for a in task.schema.attributes if a.kind is not Kind.NUMBER]


def _pandas(task: Task) -> pd.DataFrame:
    """Numbers as they are, all others as words, "missing" among them."""
    words = [
        pl.col(name).cast(pl.String).fill_null(_MISSING) for name in _categories(task)
    ]
    return task.frame.select(_all(task)).with_columns(words).to_pandas()


def _without_rare(train: Task, test: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Where a column has many levels, those of few rows become one."""
    x, asked = _pandas(train), _pandas(test)
    for name in _categories(train):
        counts = x[name].value_counts()
        often = counts.index[counts >= _OFTEN]
        if len(counts) > _OFTEN:
            x[name], asked[name] = (
                f[name].where(f[name].isin(often), "rare") for f in (x, asked)
            )
    return x, asked


def _columns(train: Task) -> Any:
    others = _categories(train)
    numbers = [name for name in _all(train) if name not in others]
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", min_frequency=4), others),
    )


def _inner(train: Task) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    fewest = int(min(INNER, train.best.sum(), (~train.best).sum()))
    split = StratifiedGroupKFold(fewest, shuffle=True, random_state=0)
    return list(split.split(train.best, train.best, groups=train.groups))


def _as_levels(
    train: pd.DataFrame, test: pd.DataFrame, names: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    import pandas as pd

    for name in names:
        levels = pd.CategoricalDtype(sorted(train[name].unique()))
        train[name] = train[name].astype(levels)
        test[name] = test[name].where(test[name].isin(levels.categories)).astype(levels)
    return train, test


def _bins(train: pl.Series, test: pl.Series) -> tuple[NDArray[Any], NDArray[Any]]:
    """Whole numbers from 0 per value or tenth; -1 where missing or never seen."""
    if train.dtype.is_numeric():
        edges = np.unique(np.nanquantile(train.to_numpy(), np.linspace(0.1, 0.9, 9)))
        return _between(edges, train), _between(edges, test)
    levels = train.cast(pl.String).drop_nulls().unique().sort()
    place = dict(zip(levels, range(len(levels)), strict=True))
    found = [
        values.cast(pl.String).replace_strict(place, default=-1, return_dtype=pl.Int64)
        for values in (train, test)
    ]
    return found[0].fill_null(-1).to_numpy(), found[1].fill_null(-1).to_numpy()


def _between(edges: NDArray[np.float64], values: pl.Series) -> NDArray[np.int64]:
    numbers = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers))


def _gower(
    train: pl.Series, test: pl.Series, *, number: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distance of one column, test rows x train rows, and where both are known."""
    if number:
        a, b = (s.cast(pl.Float64).fill_null(np.nan).to_numpy() for s in (train, test))
        span = float(np.nanmax(a) - np.nanmin(a)) or 1.0
        away = np.minimum(np.abs(b[:, None] - a[None, :]) / span, 1.0)
        both = ~np.isnan(away)
        return np.where(both, away, 0.0).astype(np.float32), both.astype(np.float32)
    seen, asked = _bins(train, test)
    both = ~test.is_null().to_numpy()[:, None] & ~train.is_null().to_numpy()[None, :]
    away = (asked[:, None] != seen[None, :]) & both
    return away.astype(np.float32), both.astype(np.float32)


# ------------------------------------------------------------------------- all of them


def _our_version() -> str:
    """Changes with any line of the learner or the scorer."""
    digest = hashlib.sha256()
    for part in _OURS_IS_MADE_OF:
        place = Path(icp.__file__).parent / part
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


METHODS = {
    method.name: method
    for method in (
        Method(name="icp", run=ours, version=_our_version()),
        Method(name="logistic", run=logistic, version="1", readable=True),
        Method(name="scorecard", run=scorecard, version="2", readable=True),
        Method(name="EBM", run=ebm, version="2", readable=True),
        Method(name="LightGBM", run=lightgbm, version="1", black_box=True),
        Method(name="CatBoost", run=catboost, version="1", black_box=True),
        Method(name="random forest", run=forest, version="1", black_box=True),
        Method(name="naive Bayes", run=bayes, version="1"),
        Method(name="kNN", run=neighbours, version="1"),
    )
}


def probabilities(method: Method, train: Task, test: Task, /) -> Probability:
    """What a method says of the test rows; peers' warnings are theirs."""
    with warnings.catch_warnings():
        if method.name != "icp":
            warnings.simplefilter("ignore")
        return method.run(train, test)
