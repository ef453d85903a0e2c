"""`fit_profile`: labelled accounts in, an immutable profile out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from icp.frames import as_polars
from icp.learn.calibrate import calibrate, grade_cuts
from icp.learn.contrast import CrossFit, cross_fit, fit_contrast, refit_logits
from icp.learn.evidence import capacity, overall_evidence
from icp.learn.screen import (
    OUTCOMES,
    FitOptions,
    Screened,
    check_columns,
    check_counts,
    check_seed,
    closed_customers,
    renumber,
    screen,
    waiting_customers,
)
from icp.learn.segments import Split, one_segment, split_into_segments
from icp.learn.surprises import (
    Group,
    describe_segments,
    novelty,
    pooled_shares,
    pooled_surprises,
)
from icp.profile import (
    Abstention,
    AttributeTable,
    Calibration,
    Evidence,
    Novelty,
    PairTable,
    Profile,
    Provenance,
    Segment,
)
from icp.schema import AccountSchema

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.frames import ArrowTable
    from icp.learn.boosting import Contrast
    from icp.learn.cells import Cells
    from icp.stats import Ints


def fit_profile(
    labelled: pl.LazyFrame | ArrowTable,
    /,
    *,
    schema: AccountSchema | None = None,
    outcome: str = "outcome",
    group: str | None = None,
    date: str | None = None,
    prospects: pl.LazyFrame | ArrowTable | None = None,
    options: FitOptions | None = None,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Profile:
    """Learn what sets the best customers apart from the regrettable ones.

    `labelled`, a table of Polars, pandas, PyArrow or DuckDB, has an `outcome` column of
    `best`, `regrettable`, `neutral`, `unknown` or null (unknown) and the attributes
    that `schema` allows; without a schema roles and kinds are proposed. Accounts of one
    `group` are never split over folds; `date` gives the data window. `prospects`, where
    given, show which columns are filled in for customers only. `progress` is given a
    share from 0 to 1 and a phrase, and may raise `CancelledError`.

    The same accounts give the same profile whatever the order of rows and columns.
    Neutral customers help to describe what is usual; unknown ones are left out.

    Raises `TooFewCustomersError` below 5 best or 5 regrettable customers,
    `SchemaError` where a named column is missing or there are too many to keep, and
    `ConfigError` where the seed is negative.

    >>> fit_profile(pl.DataFrame({"outcome": ["best"], "industry": ["Retail"]}))
    Traceback (most recent call last):
    ...
    icp.errors.TooFewCustomersError: 1 best and 0 regrettable customers; at least 5 of \
each are needed: label more customers, or widen what counts as regrettable
    """
    options = options or FitOptions()
    tell = progress or (lambda share, phrase: None)
    tell(0.0, "reading the customers")
    frame = as_polars(labelled).lazy().collect()
    learnable = () if schema is None else [a.name for a in schema.learnable]
    check_columns(frame, outcome, group, date, learnable)
    schema = schema or AccountSchema.infer(
        frame, roles={name: "ignored" for name in {outcome, group, date} if name}
    )
    closed = closed_customers(frame, outcome)
    check_counts(closed, outcome)
    check_seed(seed)
    # One thread: sums keep their order, and a busy second core costs nothing.
    with threadpool_limits(limits=1, user_api="blas"):
        tell(0.02, "checking the columns")
        waiting = waiting_customers(frame, outcome)
        pool = None if prospects is None else as_polars(prospects)
        screened = screen(
            closed, schema, outcome, group, pool, options, seed, date, waiting
        )
        model = _learn(screened, options, seed, tell)
    tell(1.0, "done")
    return _profile(screened, model, frame, outcome, date, options, seed)


class _Model(NamedTuple):
    cross: CrossFit
    contrast: Contrast
    calibration: Calibration
    evidence: Evidence
    information: Ints
    weights: Ints
    pooled: Group
    segments: tuple[Segment, ...]
    novelty: Novelty
    notes: tuple[str, ...]


_Kind = Literal["best", "regrettable"]
_KINDS: tuple[_Kind, ...] = ("best", "regrettable")
#: So many of each kind are enough to say that nothing separates them.
_MANY = 30


def _learn(
    screened: Screened,
    options: FitOptions,
    seed: int,
    tell: Callable[[float, str], None],
) -> _Model:
    rows, positive = screened.rows, screened.positive
    groups = renumber(screened.groups[rows])
    cross = cross_fit(
        screened.cells,
        rows,
        positive,
        groups,
        missing_counts=screened.missing_counts,
        folds=options.folds,
        seed=seed,
        progress=lambda share: tell(
            0.05 + 0.45 * share, "comparing best and regrettable"
        ),
    )
    contrast = fit_contrast(
        screened.cells,
        rows,
        positive,
        cross,
        missing_counts=screened.missing_counts,
        seed=seed,
    )
    calibration = _calibration(screened, cross, contrast, groups, options, seed, tell)
    outcomes = positive[np.searchsorted(rows, cross.rows)]
    information = _information(screened.cells, contrast)
    weights = _weights(information)
    doubt = not cross.separates and min(len(screened.of(k)) for k in _KINDS) >= _MANY
    pooled, segments, distances, notes = _segments(
        screened, weights, options, seed, tell, look=not doubt
    )
    return _Model(
        cross=cross,
        contrast=contrast,
        calibration=calibration,
        evidence=overall_evidence(cross, outcomes),
        information=information,
        weights=weights,
        pooled=pooled,
        segments=segments,
        novelty=distances,
        notes=notes,
    )


def _calibration(
    screened: Screened,
    cross: CrossFit,
    contrast: Contrast,
    groups: Ints,
    options: FitOptions,
    seed: int,
    tell: Callable[[float, str], None],
) -> Calibration:
    rows = screened.rows
    cuts = grade_cuts(options.break_even)
    if not cross.settings or not cross.separates:
        return Calibration(method="none", grade_cuts=cuts)
    refits = _refits(len(rows)) if options.refits is None else options.refits
    refitted = refit_logits(
        screened.cells,
        rows,
        screened.positive,
        groups,
        cross.settings[0][0],
        contrast,
        missing_counts=screened.missing_counts,
        refits=refits,
        seed=seed,
        progress=lambda share: tell(0.5 + 0.2 * share, "measuring the uncertainty"),
    )
    return calibrate(
        cross.logits,
        screened.positive[np.searchsorted(rows, cross.rows)],
        contrast.logits(screened.cells.codes[rows]),
        refitted,
        cuts=cuts,
    )


def _refits(rows: int) -> int:
    limits = ((1_000, 200), (5_000, 80))
    return next((refits for limit, refits in limits if rows < limit), 30)


def _information(cells: Cells, contrast: Contrast) -> Ints:
    """Mean absolute millinats that each table contributes among closed customers."""
    means = [
        np.abs(points[cells.codes[:, j]]).sum() / max((cells.codes[:, j] > 0).sum(), 1)
        for j, points in enumerate(contrast.points)
    ]
    return np.round(np.array(means, dtype=np.float64).round(9) * 1000).astype(np.int64)


_LEAST_WEIGHT = 50
_NO_SEGMENTS = (
    "Nothing sets {kind} customers apart, so that no segments of them were looked for: "
    "they would be segments of all customers."
)


def _weights(information: Ints) -> Ints:
    """Per mille by which tables count in distances, the most telling one in full."""
    most = int(information.max(initial=0))
    if most == 0:
        return np.full(len(information), 1000)
    return np.maximum(_LEAST_WEIGHT, information * 1000 // most)


def _segments(
    screened: Screened,
    weights: Ints,
    options: FitOptions,
    seed: int,
    tell: Callable[[float, str], None],
    *,
    look: bool,
) -> tuple[Group, tuple[Segment, ...], Novelty, tuple[str, ...]]:
    cells = screened.cells
    shares = pooled_shares(cells)
    segments: list[Segment] = []
    notes = []
    best_groups: tuple[Group, ...] = ()
    best_members = np.empty(0, dtype=np.int64)
    for kind, start in zip(_KINDS, (0.7, 0.85), strict=True):
        split = (
            _split(screened, kind, start, options, seed, tell)
            if look
            else one_segment(screened.of(kind), _NO_SEGMENTS.format(kind=kind))
        )
        summaries, groups = describe_segments(
            cells,
            screened.of(kind),
            split,
            kind,
            shares=shares,
            weights=weights,
            prior=options.prior,
        )
        segments += summaries
        notes.append(split.note)
        if kind == "best":
            best_groups, best_members = groups, split.members
    pooled = pooled_surprises(cells, shares)
    best = screened.of("best")
    distances = novelty(
        cells, pooled, best, best_members, best_groups, once=screened.once
    )
    return pooled, tuple(segments), distances, tuple(notes)


def _split(
    screened: Screened,
    kind: _Kind,
    start: float,
    options: FitOptions,
    seed: int,
    tell: Callable[[float, str], None],
) -> Split:
    return split_into_segments(
        screened.cells,
        screened.of(kind),
        noun=f"{kind} customers",
        max_segments=options.max_segments,
        prior=options.prior,
        seed=seed,
        progress=lambda share: tell(
            start + 0.15 * share, f"looking for segments of {kind} customers"
        ),
    )


def _profile(
    screened: Screened,
    model: _Model,
    frame: pl.DataFrame,
    outcome: str,
    date: str | None,
    options: FitOptions,
    seed: int,
) -> Profile:
    return Profile(
        base=_millinats(model.contrast.base),
        tables=tuple(
            _table(screened, model, j) for j in range(len(screened.cells.tables))
        ),
        pairs=_pairs(screened, model.contrast),
        segments=model.segments,
        calibration=model.calibration,
        novelty=model.novelty,
        abstention=Abstention(known=round(1000 * options.least_known)),
        provenance=_provenance(screened, model, frame, outcome, date, options, seed),
    )


def _millinats(nats: float) -> int:
    """Rounded to nine digits first, so that the last bit of a sum cannot matter."""
    return round(round(nats * 1000, 6))


def _table(screened: Screened, model: _Model, j: int) -> AttributeTable:
    points = [_millinats(value) for value in model.contrast.points[j].tolist()]
    return screened.cells.tables[j].model_copy(
        update={
            "points": tuple(points),
            "pooled": tuple(model.pooled.surprises[j].tolist()),
            "best": tuple(screened.alone[j].best.astype(int).tolist()),
            "regrettable": tuple(screened.alone[j].regrettable.astype(int).tolist()),
            "information": int(model.information[j]),
            "weight": int(model.weights[j]),
        }
    )


def _pairs(screened: Screened, contrast: Contrast) -> tuple[PairTable, ...]:
    """Pairs that give anything at all, in order of their tables."""
    tables = screened.cells.tables
    pairs = (
        PairTable(
            first=tables[pair.first].name,
            second=tables[pair.second].name,
            points=tuple(_millinats(value) for value in pair.points.ravel().tolist()),
        )
        for pair in contrast.pairs
    )
    return tuple(pair for pair in pairs if any(pair.points))


def _provenance(
    screened: Screened,
    model: _Model,
    frame: pl.DataFrame,
    outcome: str,
    date: str | None,
    options: FitOptions,
    seed: int,
) -> Provenance:
    outcomes = frame[outcome].cast(pl.String)
    counts = {kind: int((outcomes == kind).sum()) for kind in OUTCOMES}
    first, last = _window(frame, date)
    return Provenance(
        **counts,
        unknown=frame.height - sum(counts.values()),
        first_date=first,
        last_date=last,
        data_hash=_data_hash(screened),
        options=_plain(options, seed),
        evidence=model.evidence,
        capacity=capacity(
            counts["best"],
            counts["regrettable"],
            len(screened.cells.tables),
            model.evidence,
        ),
        attributes=screened.evidence,
        findings=tuple(sorted(screened.findings, key=lambda f: (f.column, f.code))),
        notes=(*_headline(model.evidence), *screened.notes, *model.notes),
    )


def _window(frame: pl.DataFrame, date: str | None) -> tuple[str | None, str | None]:
    if date is None or not isinstance(frame[date].dtype, pl.Date | pl.Datetime):
        return None, None
    day = pl.col(date).dt.date()
    # As texts: a column's dates may lie beyond those that Python has.
    ends = frame.select(first=day.min().cast(pl.String), last=day.max().cast(pl.String))
    first, last = ends.row(0)
    return first, last


def _data_hash(screened: Screened) -> str:
    digest = hashlib.sha256()
    for table in screened.cells.tables:
        digest.update(repr((table.name, table.levels, table.edges)).encode())
    stacked = np.column_stack([screened.cells.codes, screened.labels])
    ordered = stacked[np.lexsort(stacked.T[::-1])].astype("<i4")
    digest.update(np.ascontiguousarray(ordered).tobytes())
    return digest.hexdigest()


def _plain(
    options: FitOptions, seed: int
) -> dict[str, int | float | str | bool | None]:
    values = options.model_dump()
    for key in ("accept", "exclude", "made_from"):
        values[key] = ", ".join(sorted(values[key]))
    return {**values, "seed": seed}


def _headline(evidence: Evidence) -> tuple[str, ...]:
    if evidence.level != "none":
        return ()
    return (
        "No attribute separates best from regrettable customers beyond chance "
        f"(area under the curve {evidence.auc:.2f}, 90 % interval "
        f"{evidence.auc_low:.2f} to {evidence.auc_high:.2f}). No account is graded.",
    )
