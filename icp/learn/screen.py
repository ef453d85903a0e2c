"""Which customers and which columns may be learnt from, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import polars as pl
from pydantic import Field
from scipy.special import erfc

from icp.documents import Frozen
from icp.errors import ConfigError, SchemaError, TooFewCustomersError, counted
from icp.learn.cells import Cells, build_cells, draft_tables
from icp.learn.contrast import folds_of
from icp.learn.drift import WAITING, Drift, drift_findings
from icp.learn.evidence import Alone, attribute_evidence, each_alone
from icp.learn.leakage import (
    confounder_findings,
    fill_rates,
    has_texts,
    population_findings,
    strata_of,
    suspicious_columns,
    unusable_columns,
)
from icp.learn.surprises import seen_once
from icp.profile import MAX_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from icp.profile import AttributeEvidence, ColumnFinding
    from icp.schema import AccountSchema
    from icp.stats import Flags, Ints


class FitOptions(Frozen):
    """Options of `fit_profile`; the defaults are meant to be left alone.

    >>> FitOptions(folds=1)
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for FitOptions
    folds
      Input should be greater than or equal to 2 [type=greater_than_equal, ...]
        ...
    """

    #: Suspicious columns that a person has answered for.
    accept: tuple[str, ...] = ()
    #: Columns to leave out although their role allows them.
    exclude: tuple[str, ...] = ()
    #: Columns that the outcome was made from, such as those of an account's worth.
    made_from: tuple[str, ...] = ()
    #: Most segments of each kind.
    max_segments: Annotated[int, Field(ge=1, le=12)] = 6
    #: Customers that the pooled shares are worth in every segment (methods 1a).
    prior: Annotated[float, Field(gt=0, le=100)] = 4.0
    #: Fewest customers for a level to be a cell of its own.
    min_level: Annotated[int, Field(ge=1)] = 4
    #: Most levels of one attribute.
    max_levels: Annotated[int, Field(ge=2, le=2000)] = 100
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    #: Bootstrap refits behind the intervals; None chooses 200 to 30 by size.
    refits: Annotated[int, Field(ge=0, le=2000)] | None = None
    #: Probability above which pursuing pays; grade B starts here.
    break_even: Annotated[float, Field(gt=0, lt=1)] = 0.5
    #: Least share of the profile's information that must be known to score.
    least_known: Annotated[float, Field(ge=0, le=1)] = 0.4


#: Outcomes that are learnt from, as small numbers.
OUTCOMES = {"best": 1, "regrettable": 0, "neutral": 2}


@dataclass(frozen=True, kw_only=True)
class Screened:
    """Closed customers as cells, without the columns that may not be learnt from."""

    cells: Cells
    labels: NDArray[np.int8]
    groups: Ints
    alone: tuple[Alone, ...]
    evidence: tuple[AttributeEvidence, ...]
    findings: tuple[ColumnFinding, ...]
    missing_counts: Flags
    once: Flags
    notes: tuple[str, ...]

    @property
    def rows(self) -> Ints:
        """Best and regrettable customers."""
        return np.flatnonzero(self.labels < OUTCOMES["neutral"])

    @property
    def positive(self) -> Flags:
        """Whether each of `rows` is best."""
        return np.asarray(self.labels[self.rows] == OUTCOMES["best"])

    def of(self, kind: Literal["best", "regrettable"]) -> Ints:
        """The customers of one outcome."""
        return np.flatnonzero(self.labels == OUTCOMES[kind])


def screen(
    closed: pl.DataFrame,
    schema: AccountSchema,
    outcome: str,
    group: str | None,
    prospects: pl.DataFrame | pl.LazyFrame | None,
    options: FitOptions,
    seed: int,
    date: str | None = None,
    waiting: pl.DataFrame | None = None,
) -> Screened:
    """Cut the closed customers into cells and leave unfit columns out.

    Empty, constant and id-like columns go first, then suspicious ones and, where there
    is a `date`, those that changed beyond use, unless accepted; the findings name each.
    `waiting` are the customers whose outcome is not known yet.
    """
    allowed = schema.without((*options.exclude, outcome))
    labels = closed[outcome].replace_strict(OUTCOMES, return_dtype=pl.Int8).to_numpy()
    drafts = draft_tables(
        closed, allowed, min_level=options.min_level, max_levels=options.max_levels
    )
    useless = unusable_columns(
        closed, [a.name for a in allowed.learnable], [draft.table for draft in drafts]
    )
    usable = [draft for draft in drafts if draft.table.column not in useless]
    numbers = None if group is None else group_numbers(closed[group])
    cells = build_cells(closed, usable, labels, groups=numbers)
    labels = labels[cells.rows]
    groups = _identical(cells) if numbers is None else renumber(numbers[cells.rows])
    rows = np.flatnonzero(labels < OUTCOMES["neutral"])
    positive = labels[rows] == OUTCOMES["best"]
    folds = folds_of(renumber(groups[rows]), positive, folds=options.folds, seed=seed)
    alone = each_alone(cells, rows, positive, folds)
    suspects = suspicious_columns(
        cells, alone, _fill_rates(prospects, cells), options.made_from
    )
    drift = _drift(closed, waiting, cells, labels, date, group)
    suspicions = _with_answers((*suspects.values(), *drift.findings), options)
    refused = {finding.column for finding in suspicions if finding.excluded}
    keep = [j for j, t in enumerate(cells.tables) if t.column not in refused]
    _check_size(len(keep))
    cells, alone = cells.select(keep), tuple(alone[j] for j in keep)
    evidence = attribute_evidence(cells, rows, positive, alone, seed=seed)
    strata = strata_of(closed, schema, date=date)
    doubtful = confounder_findings(cells, rows, positive, strata, evidence)
    unlike = _unlike(prospects, closed, cells)
    return Screened(
        cells=cells,
        labels=labels,
        groups=groups,
        alone=alone,
        evidence=evidence,
        findings=(*useless.values(), *suspicions, *doubtful, *unlike),
        missing_counts=_missing_that_counts(cells, rows, positive),
        once=seen_once(closed, cells),
        notes=(*drift.notes, *_repetition_notes(cells, rows, positive)),
    )


def _identical(cells: Cells) -> Ints:
    """A number per row, the same for accounts that are alike in every cell."""
    if not cells.tables:
        return np.arange(len(cells.codes))
    _, same = np.unique(cells.codes, axis=0, return_inverse=True)
    return renumber(same.reshape(-1))


def _fill_rates(
    prospects: pl.DataFrame | pl.LazyFrame | None, cells: Cells
) -> dict[str, float]:
    if prospects is None:
        return {}
    return fill_rates(prospects.lazy().collect(), {t.column for t in cells.tables})


def _drift(
    closed: pl.DataFrame,
    waiting: pl.DataFrame | None,
    cells: Cells,
    labels: NDArray[np.int8],
    date: str | None,
    group: str | None,
) -> Drift:
    """What changed over time, among customers whose outcome is not known yet too."""
    if date is None:
        return Drift()
    young = closed.clear() if waiting is None else waiting
    customers = pl.concat([closed[cells.rows], young])
    outcomes = np.concatenate([labels, np.full(young.height, WAITING, dtype=np.int8)])
    groups = None if group is None else group_numbers(customers[group])
    return drift_findings(
        customers, cells.tables, outcomes, customers[date], groups=groups
    )


def _with_answers(
    findings: Iterable[ColumnFinding], options: FitOptions
) -> list[ColumnFinding]:
    """The same, with nothing refused that a person has answered for."""
    return [
        finding.model_copy(update={"excluded": False})
        if finding.column in options.accept
        else finding
        for finding in findings
    ]


def _check_size(tables: int) -> None:
    if tables > MAX_TABLES:
        message = (
            f"{tables:,} attributes, each value of a list counted; at most "
            f"{MAX_TABLES:,} fit into a profile: leave some columns out"
        )
        raise SchemaError(message)


def _unlike(
    prospects: pl.DataFrame | pl.LazyFrame | None, closed: pl.DataFrame, cells: Cells
) -> Iterable[ColumnFinding]:
    if prospects is None:
        return ()
    return population_findings(prospects.lazy().collect(), closed, cells.tables)


_MISSING_BY_CHANCE = 0.10


def _missing_that_counts(cells: Cells, rows: Ints, positive: Flags) -> Flags:
    """Tables whose being missing differs between outcomes, by a z-test at 10 %.

    What it then contributes is shrunken like any other cell's.
    """
    missing = cells.codes[rows] == 0
    ones, zeros = missing[positive].mean(axis=0), missing[~positive].mean(axis=0)
    share = missing.mean(axis=0)
    spread = share * (1 - share) * (1 / positive.sum() + 1 / (~positive).sum())
    z = np.abs(ones - zeros) / np.sqrt(np.maximum(spread, 1e-12))
    return np.asarray(erfc(z / np.sqrt(2)) < _MISSING_BY_CHANCE)


def _repetition_notes(cells: Cells, rows: Ints, positive: Flags) -> tuple[str, ...]:
    """Say how many customers repeat another, and how often with the other outcome."""
    if not cells.tables:
        return ()
    _, same = np.unique(cells.codes[rows], axis=0, return_inverse=True)
    same = same.reshape(-1)
    best, total = np.bincount(same, weights=positive), np.bincount(same)
    repeated = len(rows) - len(total)
    if not repeated:
        return ()
    both = int(((best > 0) & (best < total)).sum())
    return (
        f"{repeated:,} of {len(rows):,} customers repeat another one in every "
        f"attribute; {both:,} such patterns have both outcomes. Identical customers "
        "were kept together when measuring.",
    )


def check_columns(
    frame: pl.DataFrame,
    outcome: str,
    group: str | None,
    date: str | None,
    attributes: Iterable[str] = (),
) -> None:
    """Raise SchemaError unless the frame has the columns that were named.

    Outcome and group must hold one value per customer, not lists or records.
    """
    names = {name for name in (outcome, group, date, *attributes) if name}
    missing = names.difference(frame.columns)
    if missing:
        message = f"{counted(missing, 'missing column')}; name the columns you have"
        raise SchemaError(message)
    types = {name: frame.schema[name] for name in (outcome, group) if name}
    unfit = [name for name, dtype in types.items() if not has_texts(dtype)]
    if unfit:
        message = f"{counted(unfit, 'column')} must hold one text per customer; cast it"
        raise SchemaError(message)


_LEAST = 5


def check_counts(closed: pl.DataFrame, outcome: str) -> None:
    """Raise TooFewCustomersError below five of each kind."""
    best, bad = (
        closed.filter(pl.col(outcome) == kind).height
        for kind in ("best", "regrettable")
    )
    if min(best, bad) < _LEAST:
        message = (
            f"{best} best and {bad} regrettable customers; at least {_LEAST} of each "
            "are needed: label more customers, or widen what counts as regrettable"
        )
        raise TooFewCustomersError(message)


def check_seed(seed: int) -> None:
    """Raise ConfigError for a seed that no random numbers start from."""
    if seed < 0:
        raise ConfigError(f"seed {seed} is negative; use 0 or more")


def closed_customers(frame: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """The customers whose outcome is known, with the outcome as text."""
    texts = frame.with_columns(pl.col(outcome).cast(pl.String))
    return texts.filter(pl.col(outcome).is_in(list(OUTCOMES)))


def waiting_customers(frame: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """The customers whose outcome is not known yet, with the outcome as text."""
    texts = frame.with_columns(pl.col(outcome).cast(pl.String))
    return texts.filter(~pl.col(outcome).is_in(list(OUTCOMES)).fill_null(value=False))


def renumber(groups: Ints) -> Ints:
    """Groups numbered in order of their first row, so that names do not matter."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def group_numbers(values: pl.Series) -> Ints:
    """A number per row; an account whose group is not known is a group of its own."""
    ranks = values.cast(pl.String).rank("dense").fill_null(0).to_numpy()
    alone = -1 - np.arange(len(ranks))
    return np.where(ranks > 0, ranks.astype(np.int64), alone)
