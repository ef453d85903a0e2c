"""A set ready to be split: its judged customers, and the folds every method shares."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedGroupKFold

from icp.schema import AccountSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bench.sets.recipe import Recipe

FOLDS = 5
#: No more rows than this are used of a set: a plain random sample, in the file's order.
MOST_ROWS = 12_000
#: Share of the rows, by date, that a dated split learns from.
EARLIER = 0.7
Use = Literal["tuned on", "confirmation", "null"]
#: Sets that were never looked at while the learner was tuned.
CONFIRMATION = frozenset({"bank-marketing", "wholesale-uci"})
#: Sets in which nothing separates, as their notes say.
NULL = frozenset({"maven-crm", "zoho-crm-sample"})


@dataclass(frozen=True, kw_only=True)
class Task:
    """Best and regrettable customers of one set.

    `frame` holds the attributes of `schema` only; `groups` are whole numbers, equal
    for rows that must stay together; `dates` are there where the set has them.
    """

    name: str
    use: Use
    frame: pl.DataFrame
    schema: AccountSchema
    best: NDArray[np.bool_]
    groups: NDArray[np.int64]
    dates: pl.Series | None = None
    dated: bool = False

    def rows(self, index: NDArray[np.int64], /) -> Task:
        """The same with some of the rows."""
        return replace(
            self,
            frame=self.frame[index],
            best=self.best[index],
            groups=self.groups[index],
            dates=None if self.dates is None else self.dates[index],
        )

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any value, label or group: names what was measured."""
        digest = hashlib.sha256(repr(self.schema.names).encode())
        digest.update(self.frame.write_csv().encode())
        digest.update(np.packbits(self.best).tobytes())
        digest.update(self.groups.astype("<i8").tobytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Rows to learn from and rows to be judged by; `name` is unique in a task."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def task_of(recipe: Recipe, /, *, most: int = MOST_ROWS) -> Task:
    """The judged customers of a recipe, with every learnable column that varies."""
    judged = recipe.labelled.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    if judged.height > most:
        drawn = np.random.default_rng(0).permutation(judged.height)[:most]
        judged = judged[np.sort(drawn)]
    learnable = recipe.customers.schema.learnable
    varies = [a for a in learnable if judged[a.name].drop_nulls().n_unique() > 1]
    schema = AccountSchema(attributes=tuple(varies))
    rows = judged.select(schema.names)
    date, group = recipe.config.learning.date, recipe.config.learning.group
    return Task(
        name=recipe.name,
        use=_use(recipe.name),
        frame=rows,
        schema=schema,
        best=(judged["outcome"] == "best").to_numpy(),
        groups=_groups(judged.select(group) if group else rows),
        dates=judged[date] if date else None,
    )


def _use(name: str) -> Use:
    if name in NULL:
        return "null"
    return "confirmation" if name in CONFIRMATION else "tuned on"


def _groups(keys: pl.DataFrame) -> NDArray[np.int64]:
    """Equal numbers for equal rows; rows without any key stay alone."""
    written = keys.select(
        pl.concat_str(pl.all().cast(pl.String).fill_null("-"), separator="\x1f").alias(
            "key"
        ),
        alone=pl.all_horizontal(pl.all().is_null()),
    )
    row = pl.int_range(pl.len()).cast(pl.String)
    key = pl.when("alone").then("row " + row).otherwise("key")
    _, number = np.unique(written.select(key).to_series(), return_inverse=True)
    return number.astype(np.int64)


def by_date(task: Task, /) -> Task:
    """The same set, to be split once by date."""
    return replace(task, name=f"{task.name}, by date", dated=True)


def folds(task: Task, repeats: int, /) -> Iterator[Fold]:
    """Grouped, stratified folds; one split by date where the task asks for it."""
    if task.dated:
        order = np.argsort(task.dates.to_numpy(), kind="stable")
        cut = round(EARLIER * len(order))
        yield Fold(name="later", train=order[:cut], test=order[cut:])
        return
    for repeat in range(repeats):
        split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=100 + repeat)
        parts = split.split(task.best, task.best, groups=task.groups)
        for number, (train, test) in enumerate(parts):
            yield Fold(name=f"r{repeat}f{number}", train=train, test=test)
