"""`learn_disqualifiers`: what regrettable customers have in common.

```
labelled -> closed customers -> older two thirds: search, prune -> rules
                             -> newer third: confirm, bound      -> Disqualifier ...
```

Rules that a search finds look perfect by chance, so a rule is *strong* only when three
things hold: permuted labels rarely give a rule as telling anywhere in the search
(`icp.learn.permutations`), customers that took no part in the search confirm it, and
leaving pays even at the lower bound. Without dates a third drawn at random confirms.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import numpy as np
import polars as pl
from pydantic import Field
from scipy.stats import hypergeom
from threadpoolctl import threadpool_limits

from icp.conditions import And
from icp.disqualifiers import Disqualifier, Evidence, proposed_rule
from icp.documents import Frozen
from icp.errors import some
from icp.frames import as_polars
from icp.learn.permutations import permute_labels, search
from icp.learn.rule_candidates import candidates, combine, prune
from icp.learn.screen import (
    check_columns,
    check_counts,
    check_seed,
    closed_customers,
    group_numbers,
)
from icp.stats import holm, jeffreys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from icp.conditions import Condition
    from icp.frames import ArrowTable
    from icp.learn.rule_candidates import Space
    from icp.outcomes import Economics
    from icp.profile import AttributeTable, Profile
    from icp.schema import AccountSchema
    from icp.stats import Codes, Flags, Ints


class RuleOptions(Frozen):
    """Options of `learn_disqualifiers`; the defaults are meant to be left alone.

    >>> RuleOptions(conditions=4)
    Traceback (most recent call last):
    ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for RuleOptions
    conditions
      Input should be less than or equal to 3 [type=less_than_equal, input_value=4, ...]
        ...
    """

    #: Most conditions of one rule.
    conditions: Annotated[int, Field(ge=1, le=3)] = 2
    #: Fewest customers that a rule must cover among those searched, and their share.
    least: Annotated[int, Field(ge=2)] = 8
    least_share: Annotated[float, Field(ge=0, lt=0.5)] = 0.03
    permutations: Annotated[int, Field(ge=20, le=100_000)] = 1000
    #: Most rules tried; above it numbers are cut more coarsely.
    most_rules: Annotated[int, Field(ge=100)] = 1_000_000


@dataclass(frozen=True, kw_only=True)
class FoundRules:
    """What a search for disqualifiers found, how hard it looked, what it left out."""

    #: Strong rules first, then candidates; each group by what it would have spared.
    rules: tuple[Disqualifier, ...]
    #: Rules that were tried, and permutations behind the p-values.
    searched: int
    permutations: int
    #: Customers searched and customers that confirmed.
    customers: int
    later: int
    #: How the two were told apart, in words.
    split: str
    left_out: tuple[str, ...] = ()

    @property
    def strong(self) -> tuple[Disqualifier, ...]:
        """The rules that were found, confirmed, and pay."""
        return tuple(r for r in self.rules if r.latest and r.latest.strong)

    def sentences(self) -> tuple[str, ...]:
        """What happened, in words."""
        head = (
            f"{some(self.searched, 'rule')} tried on {some(self.customers, 'customer')}"
            f" ({self.split}), confirmed on {self.later:,}: "
            f"{len(self.strong)} strong, {len(self.rules) - len(self.strong)} in doubt"
        )
        return (head, *self.left_out)


def learn_disqualifiers(
    labelled: pl.LazyFrame | ArrowTable,
    profile: Profile,
    /,
    *,
    economics: Economics,
    schema: AccountSchema | None = None,
    outcome: str = "outcome",
    date: str | None = None,
    group: str | None = None,
    options: RuleOptions | None = None,
    on: dt.date | None = None,
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> FoundRules:
    """Search all rules of one and two conditions over the profile's cells.

    Only columns of the profile are used, so none that is protected, an owner, an
    outcome or known after the sale; a `schema` that says so now takes a column out as
    well. With `date` the newer third of the customers confirms, and labels are
    permuted within years; else a third drawn by `seed`. Accounts of one `group` stay
    on one side and are permuted together. `on` is the day of the proposals, today
    where not given. Neutral customers are counted, not judged.

    Raises what `fit_profile` raises.
    """
    options = options or RuleOptions()
    tell = progress or (lambda share, phrase: None)
    frame = as_polars(labelled).lazy().collect()
    check_seed(seed)
    check_columns(frame, outcome, group, date)
    closed = closed_customers(frame, outcome)
    check_counts(closed, outcome)
    judged = closed.filter(pl.col(outcome) != "neutral")
    tables, refused = _allowed(profile, judged, schema)
    split = split_customers(
        judged, tables, outcome=outcome, date=date, group=group, seed=seed
    )
    # One thread: sums keep their order, and a busy second core costs nothing.
    with threadpool_limits(limits=1, user_api="blas"):
        hunt = _hunt(split, tables, options, _pays(economics), seed, tell)
    tell(0.95, "confirming")
    rules = _confirm(closed, split, hunt, outcome, economics, profile.id, on)
    tell(1.0, "done")
    return FoundRules(
        rules=rules,
        searched=hunt.searched,
        permutations=hunt.permutations,
        customers=split.older.height,
        later=split.newer.height,
        split=split.words,
        left_out=(*refused, *hunt.left_out),
    )


def _allowed(
    profile: Profile, frame: pl.DataFrame, schema: AccountSchema | None
) -> tuple[list[AttributeTable], tuple[str, ...]]:
    """The profile's tables that may be used, and why not the others."""
    learnable = None if schema is None else {a.name for a in schema.learnable}
    allowed, refused = [], []
    for table in profile.tables:
        if table.column not in frame.columns:
            refused.append(f"{table.name}: the column is missing")
        elif learnable is not None and table.column not in learnable:
            refused.append(f"{table.name}: its role does not allow it")
        else:
            allowed.append(table)
    return allowed, tuple(refused)


class _Hunt(NamedTuple):
    """The rules that chance would rarely give, with their adjusted p-values."""

    rules: tuple[tuple[Condition, float], ...]
    searched: int
    permutations: int
    left_out: tuple[str, ...]


#: Multiplications that the permutations may cost, and how many there are at least.
_WORK: Final = 5e11
_FEWEST: Final = 200
_NOTHING: Final = "everything: no condition covers {} customers and leaves as many"


def _hunt(
    split: SearchSplit,
    tables: list[AttributeTable],
    options: RuleOptions,
    pays: float,
    seed: int,
    tell: Callable[[float, str], None],
) -> _Hunt:
    tell(0.0, "cutting attributes into conditions")
    rows = split.older.height
    least = max(options.least, ceil(options.least_share * rows))
    space, rules, left_out = _space(split.older, tables, options, least)
    if not len(rules):
        return _Hunt((), 0, 0, (*left_out, _NOTHING.format(least)))
    affordable = int(_WORK / (2 * rows * len(rules)))
    count = min(options.permutations, max(_FEWEST, affordable))
    if count < options.permutations:
        left_out.append(
            f"{count:,} of {options.permutations:,} permutations, to save time"
        )
    labels = permute_labels(
        split.regretted,
        split.groups,
        split.strata,
        count=count,
        rng=np.random.default_rng([seed, 1]),
    )
    searched = search(
        space.masks,
        rules,
        labels,
        progress=lambda share: tell(0.1 + 0.8 * share, f"trying {len(rules):,} rules"),
    )
    survivors = prune(
        space, rules, searched, split.regretted, least=options.least, pays=pays
    )
    return _Hunt(
        rules=tuple((_condition(space, rule), p_value) for rule, p_value in survivors),
        searched=len(rules),
        permutations=count,
        left_out=tuple(left_out),
    )


_EDGES: Final = (19, 15, 11, 7, 5, 3, 2)
_SETS_UP_TO: Final = 60
_THREE_FROM: Final = 400


def _space(
    older: pl.DataFrame, tables: list[AttributeTable], options: RuleOptions, least: int
) -> tuple[Space, Codes, list[str]]:
    """Conditions and rules; numbers are cut coarser until there are few enough."""
    sets = len(tables) <= _SETS_UP_TO
    left_out = [] if sets else ["two levels of one attribute taken together"]
    deepest = options.conditions
    if deepest > 2 and older.height < _THREE_FROM:
        deepest = 2
        left_out.append(f"rules of three conditions, below {_THREE_FROM} customers")
    for edges in _EDGES:
        space = candidates(older, tables, least=least, most_edges=edges, sets=sets)
        rules = combine(
            space, least=least, deepest=deepest, most_rules=options.most_rules
        )
        if rules is not None:
            break
    else:
        rules = np.arange(len(space.conditions), dtype=np.int32)[:, None]
        left_out.append("rules of more than one condition: there are too many columns")
    if edges < _EDGES[0]:
        left_out.append(f"numbers were cut at {edges} places instead of {_EDGES[0]}")
    return space, rules, left_out


def _condition(space: Space, rule: tuple[int, ...]) -> Condition:
    parts = tuple(space.conditions[place] for place in rule)
    return parts[0] if len(parts) == 1 else And(parts)


def _pays(economics: Economics) -> float:
    """The share of regrettable customers from which leaving pays."""
    return min(1.0, max(0.0, 1 - economics.break_even))


def _confirm(
    closed: pl.DataFrame,
    split: SearchSplit,
    hunt: _Hunt,
    outcome: str,
    economics: Economics,
    profile: str,
    on: dt.date | None,
) -> tuple[Disqualifier, ...]:
    """The rules with their evidence, strong ones first, then by weighted accuracy."""
    today = on or dt.date.today()
    counts = [_counts(split.newer, condition, outcome) for condition, _ in hunt.rules]
    later = holm([_chance(split.newer, outcome, *count) for count in counts])
    rules, left = [], split.newer
    for (condition, p_value), (covered, hits), later_p in zip(
        hunt.rules, counts, later, strict=True
    ):
        low, high = jeffreys(hits, covered)
        evidence = Evidence(
            on=today,
            p_value=p_value,
            searched=hunt.searched,
            later_covered=covered,
            later_regrettable=hits,
            later_p_value=later_p,
            low=low,
            high=high,
            low_beside=_low(left, condition, outcome),
            profile=profile,
            **_measure(closed, condition, outcome=outcome, economics=economics),
        )
        rules.append(proposed_rule(condition, evidence, on=today))
        if evidence.strong:
            left = left.filter(~condition.covers(left.schema))
    return tuple(sorted(rules, key=_rank))


def _counts(newer: pl.DataFrame, condition: Condition, outcome: str) -> tuple[int, int]:
    covered = newer.filter(condition.covers(newer.schema))
    return covered.height, int((covered[outcome] == "regrettable").sum())


def _chance(newer: pl.DataFrame, outcome: str, covered: int, hits: int) -> float:
    """Chance of that many regrettable ones among as many drawn at random."""
    regretted = int((newer[outcome] == "regrettable").sum())
    rarer = hypergeom.sf(hits - 1, newer.height, regretted, covered)
    return float(rarer) if newer.height else 1.0


def _low(newer: pl.DataFrame, condition: Condition, outcome: str) -> float:
    covered, hits = _counts(newer, condition, outcome)
    return jeffreys(hits, covered)[0]


def _measure(
    closed: pl.DataFrame,
    condition: Condition,
    /,
    *,
    outcome: str = "outcome",
    economics: Economics,
) -> dict[str, Any]:
    """What a condition covers among closed customers: fields of `Evidence`."""
    covered = closed.filter(condition.covers(closed.schema))
    total = dict(closed[outcome].value_counts().iter_rows())
    inside = dict(covered[outcome].value_counts().iter_rows())
    best, bad = inside.get("best", 0), inside.get("regrettable", 0)
    return {
        "customers": total.get("best", 0) + total.get("regrettable", 0),
        "all_regrettable": total.get("regrettable", 0),
        "covered": best + bad,
        "regrettable": bad,
        "neutral": inside.get("neutral", 0),
        "best_lost": _names(covered.filter(pl.col(outcome) == "best")),
        "break_even": _pays(economics),
        "spared": bad * (economics.L + economics.C),
        "cost": best * max(0.0, economics.V - economics.C),
    }


_MOST_NAMES: Final = 50


def _names(lost: pl.DataFrame) -> tuple[str, ...]:
    names = [pl.col(n) for n in ("account_name", "account_id") if n in lost.columns]
    if not names:
        return ()
    texts = lost.select(pl.coalesce(names).cast(pl.String)).to_series().drop_nulls()
    return tuple(texts.sort().head(_MOST_NAMES))


def _rank(rule: Disqualifier) -> tuple[bool, float, str]:
    evidence = rule.evidence[-1]
    return not evidence.strong, -evidence.weighted_accuracy, str(rule.condition)


def weigh_rule(
    labelled: pl.DataFrame | pl.LazyFrame,
    condition: Condition,
    /,
    *,
    economics: Economics,
    outcome: str = "outcome",
    on: dt.date | None = None,
) -> Evidence:
    """What a rule that a person wrote would have done to all closed customers.

    Nothing was searched, so every customer counts as one that confirms. Raises
    SchemaError where the rule does not fit a column's type.
    """
    closed = closed_customers(labelled.lazy().collect(), outcome)
    judged = closed.filter(pl.col(outcome) != "neutral")
    covered, hits = _counts(judged, condition, outcome)
    chance = _chance(judged, outcome, covered, hits)
    low, high = jeffreys(hits, covered)
    return Evidence(
        on=on,
        p_value=chance,
        searched=1,
        later_covered=covered,
        later_regrettable=hits,
        later_p_value=chance,
        low=low,
        high=high,
        **_measure(closed, condition, outcome=outcome, economics=economics),
    )


class SearchSplit(NamedTuple):
    """Customers to search among and to confirm with, never both.

    `regretted`, `groups` and `strata` have one entry per row of `older`.
    """

    older: pl.DataFrame
    newer: pl.DataFrame
    regretted: Flags
    groups: Ints
    strata: Ints
    #: How the two were told apart, in words.
    words: str


def split_customers(
    judged: pl.DataFrame,
    tables: Sequence[AttributeTable],
    /,
    *,
    outcome: str,
    date: str | None,
    group: str | None,
    seed: int,
) -> SearchSplit:
    """Set the newer third aside, or a third drawn at random where dates are missing.

    Groups stay whole and count as new as their newest customer. The order of rows
    does not matter.
    """
    columns = [name for name in (outcome, date, group) if name]
    frame = _in_one_order(judged, tables, columns)
    # Without groups every account is one of its own.
    groups = (
        -1 - np.arange(frame.height) if group is None else group_numbers(frame[group])
    )
    days = _days(frame, date)
    newest = None if days is None else _newer_third(groups, days)
    if days is None or newest is None:
        regretted = (frame[outcome] == "regrettable").to_numpy()
        later = _random_third(groups, regretted, np.random.default_rng([seed, 0]))
        strata = np.zeros(frame.height, dtype=np.int64)
        words = (
            "a random third held out"
            if later.any()
            else "none held out: all are one group"
        )
    else:
        later, first = newest
        strata = _years(days)
        words = f"closed before {np.datetime64(first, 'D')}"
    older = frame.filter(~later)
    return SearchSplit(
        older=older,
        newer=frame.filter(later),
        regretted=(older[outcome] == "regrettable").to_numpy(),
        groups=groups[~later],
        strata=strata[~later],
        words=words,
    )


def _in_one_order(
    frame: pl.DataFrame, tables: Sequence[AttributeTable], first: Sequence[str]
) -> pl.DataFrame:
    """Rows sorted by all that a search sees, so that the file's order is no matter."""
    columns = dict.fromkeys([*first, *(table.column for table in tables)])
    return frame.sort(
        [
            _sortable(name, frame.schema[name])
            for name in columns
            if frame.schema[name] != pl.Object
        ],
        nulls_last=True,
        maintain_order=True,
    )


def _sortable(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.List | pl.Array):
        return pl.col(name).cast(pl.List(pl.String)).list.join("\n", ignore_nulls=True)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.col(name).cast(pl.String)
    return pl.col(name)


def _days(frame: pl.DataFrame, date: str | None) -> Ints | None:
    """Days since 1970, the oldest where not known; None where no two days differ."""
    if date is None or not isinstance(frame[date].dtype, pl.Date | pl.Datetime):
        return None
    days = frame[date].dt.date().to_physical().cast(pl.Int64)
    if days.drop_nulls().n_unique() < 2:
        return None
    return days.fill_null(strategy="min").to_numpy()


_LATER: Final = 1 / 3


def _newer_third(groups: Ints, days: Ints) -> tuple[Flags, int] | None:
    """The newer third by each group's newest day, and the first day of it.

    One day is never split; None where that day is the same for all groups.
    """
    _, inverse = np.unique(groups, return_inverse=True)
    newest = np.full(inverse.max() + 1, days.min())
    np.maximum.at(newest, inverse, days)
    days_of = newest[inverse]
    ordered = np.sort(days_of)
    if ordered[0] == ordered[-1]:
        return None
    cut = int(ordered[len(ordered) - max(1, round(_LATER * len(ordered)))])
    if cut == ordered[0]:
        cut = int(ordered[np.searchsorted(ordered, cut, side="right")])
    return days_of >= cut, cut


def _random_third(groups: Ints, regretted: Flags, rng: np.random.Generator) -> Flags:
    """A third of the groups with a regrettable customer, and a third of the others."""
    names, inverse = np.unique(groups, return_inverse=True)
    bad = np.zeros(len(names), dtype=bool)
    np.logical_or.at(bad, inverse, regretted)
    later = np.zeros(len(names), dtype=bool)
    for kind in (bad, ~bad):
        members = np.flatnonzero(kind)
        later[rng.permutation(members)[: round(_LATER * len(members))]] = True
    return np.asarray(later[inverse])


def _years(days: Ints) -> Ints:
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
