"""The peers that `speed.py` measures: learnt once, then asked for whole files.

Each is given what it usually is given: a data frame of numbers and of words, "missing"
among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from bench.speed.accounts import COLUMNS, LEVELS, NUMBERS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NAMES: Final = ("logistic", "CatBoost", "EBM")


def learnt(name: str, frame: pl.DataFrame, /) -> Any:
    """The peer of that name, learnt from customers with an outcome."""
    makers = {"logistic": _logistic, "CatBoost": _catboost, "EBM": _ebm}
    return makers[name]().fit(_pandas(frame), (frame["outcome"] == "best").to_numpy())


def score_file(model: Any, source: Path, target: Path, /) -> None:
    """Read a file, ask the model, write the id and the probability."""
    frame = pl.read_parquet(source)
    probability = model.predict_proba(_pandas(frame))[:, 1]
    scored = frame.select("account_id").with_columns(p=pl.Series(probability))
    scored.write_parquet(target)


def _pandas(frame: pl.DataFrame) -> pd.DataFrame:
    words = [pl.col(name).fill_null("missing") for name in LEVELS]
    return frame.select(COLUMNS).with_columns(words).to_pandas()


def _logistic() -> Any:
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
            list(NUMBERS),
        ),
        (OneHotEncoder(handle_unknown="ignore"), list(LEVELS)),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=500))


def _catboost() -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        iterations=300,
        cat_features=list(LEVELS),
        random_seed=0,
        verbose=0,
        allow_writing_files=False,
    )


def _ebm() -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    kinds = ["continuous"] * len(NUMBERS) + ["nominal"] * len(LEVELS)
    return ExplainableBoostingClassifier(
        feature_types=kinds, outer_bags=8, n_jobs=1, random_state=0
    )
