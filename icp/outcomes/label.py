"""Labels with reasons: `accounts -> accounts + outcome, outcome_reason, worth`.

Reasons are templates in words: money, numbers and dates are written out per account.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, overload

import polars as pl

from icp.errors import PolicyError, counted, near
from icp.expressions import columns_in, condition, evaluated, number
from icp.frames import as_polars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from icp.frames import ArrowTable
    from icp.outcomes.policy import OutcomePolicy, Rule

OUTCOME, REASON, WORTH = "outcome", "outcome_reason", "worth"
_ID = "account_id"
_YOUNG, _OVERRIDE_ID = "__young__", "__override_id__"
_OVERRIDE_OUTCOME, _OVERRIDE_REASON = "__override_outcome__", "__override_reason__"
#: A share such as 0.29 of 100 customers is 29, though 0.29 * 100 is a little less.
_ROUNDING = 1e-9
_NO_EVIDENCE = "no data on how it turned out"
_UNKNOWN = "not known"
_WORTH_LEAST = "among the {:.0%} worth least, up to"
_WORTH_MOST = "among the {:.0%} worth most, from"
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@overload
def label(
    accounts: pl.LazyFrame, policy: OutcomePolicy, /, *, as_of: date | None = None
) -> pl.LazyFrame: ...
@overload
def label(
    accounts: ArrowTable, policy: OutcomePolicy, /, *, as_of: date | None = None
) -> pl.DataFrame: ...
def label(
    accounts: pl.LazyFrame | ArrowTable,
    policy: OutcomePolicy,
    /,
    *,
    as_of: date | None = None,
) -> pl.LazyFrame | pl.DataFrame:
    """Add `outcome`, `outcome_reason` and `worth` as the policy says.

    Lazy in, lazy out; any other table comes back as a Polars DataFrame. Rows and their
    order stay. `outcome` and `outcome_reason` are never null; `worth` is money, null
    where it is not known. `as_of` is the day on which maturity is judged: the policy's
    own, else today. Raises PolicyError naming the rule and the expression that cannot
    be evaluated.

    >>> from icp.outcomes.policy import OutcomePolicy, Rule
    >>> lost = Rule(outcome="regrettable", when="left_us", reason="left: {why}")
    >>> accounts = pl.DataFrame({"left_us": [True, False], "why": ["price", None]})
    >>> labelled = label(accounts, OutcomePolicy(rules=(lost,)))
    >>> labelled["outcome"].to_list(), labelled["outcome_reason"][0]
    (['regrettable', 'neutral'], 'left: price')
    """
    day = as_of or policy.as_of or date.today()
    frame = as_polars(accounts)
    labelled = _label(frame.lazy(), policy, day)
    if isinstance(frame, pl.LazyFrame):
        return labelled
    try:
        return labelled.collect()
    except pl.exceptions.PolarsError:
        _name_culprit(frame, policy)
        raise


def _label(accounts: pl.LazyFrame, policy: OutcomePolicy, day: date) -> pl.LazyFrame:
    before = accounts.collect_schema()
    worth = accounts.with_columns(_worth(policy, before).alias(WORTH))
    ready = worth.with_columns(_is_young(policy, before, day).alias(_YOUNG))
    ready = _with_overrides(ready, policy, before)
    schema = pl.Schema({**before, WORTH: pl.Float64()})
    verdicts = list(_verdicts(policy, schema, day))
    outcome = (pl.when(v.when).then(v.outcome) for v in verdicts)
    reason = (pl.when(v.when).then(v.reason) for v in verdicts)
    return ready.with_columns(
        pl.coalesce(*outcome).alias(OUTCOME), pl.coalesce(*reason).alias(REASON)
    ).select(
        *(name for name in before if name not in {OUTCOME, REASON, WORTH}),
        *(OUTCOME, REASON, WORTH),
    )


def _worth(policy: OutcomePolicy, schema: pl.Schema) -> pl.Expr:
    if policy.worth is None:
        return pl.lit(None, pl.Float64)
    worth = number(policy.worth.value, subject="worth", schema=schema)
    for cost in policy.worth.costs:
        amount = number(cost.amount, subject=f"cost {cost.name!r}", schema=schema)
        worth = worth - amount.fill_null(0.0)
    return worth


def _is_young(policy: OutcomePolicy, schema: pl.Schema, day: date) -> pl.Expr:
    if policy.maturity is None:
        return pl.lit(value=False)
    start = policy.maturity.start
    dates = [
        n for n, dtype in schema.items() if isinstance(dtype, pl.Date | pl.Datetime)
    ]
    if start not in dates:
        message = f"maturity: no date column {start!r}; {near(start, dates)}"
        raise PolicyError(message)
    mature_on = pl.col(start).dt.date().dt.offset_by(f"{policy.maturity.months}mo")
    return (mature_on > day).fill_null(value=False)


def _with_overrides(
    frame: pl.LazyFrame, policy: OutcomePolicy, schema: pl.Schema
) -> pl.LazyFrame:
    if not policy.overrides:
        nothing = pl.lit(None, pl.String)
        return frame.with_columns(
            nothing.alias(_OVERRIDE_OUTCOME), nothing.alias(_OVERRIDE_REASON)
        )
    if _ID not in schema:
        message = f"overrides need the column {_ID!r}; assemble the accounts first"
        raise PolicyError(message)
    latest = {o.account_id: o for o in sorted(policy.overrides, key=lambda o: o.at)}
    overrides = pl.LazyFrame(
        {
            _OVERRIDE_ID: list(latest),
            _OVERRIDE_OUTCOME: [o.outcome for o in latest.values()],
            _OVERRIDE_REASON: [
                f"set by {o.author} on {o.at}: {o.reason}" for o in latest.values()
            ],
        }
    )
    by_text = pl.col(_ID).cast(pl.String)
    return frame.join(
        overrides,
        left_on=by_text,
        right_on=_OVERRIDE_ID,
        how="left",
        maintain_order="left",
    )


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    """When something decides, what it decides and why."""

    when: pl.Expr
    outcome: pl.Expr
    reason: pl.Expr


def _verdicts(
    policy: OutcomePolicy, schema: pl.Schema, day: date
) -> Iterator[_Verdict]:
    override = pl.col(_OVERRIDE_OUTCOME)
    yield _Verdict(
        when=override.is_not_null(), outcome=override, reason=pl.col(_OVERRIDE_REASON)
    )
    rules = [(rule, _by_rule(rule, policy, schema)) for rule in policy.rules]
    labels = _by_label(policy, schema)
    yield from (verdict for rule, verdict in rules if rule.early)
    if labels and policy.label and policy.label.early:
        regret = labels.outcome == "regrettable"
        yield _Verdict(
            when=labels.when & regret, outcome=labels.outcome, reason=labels.reason
        )
    if policy.maturity:
        months = policy.maturity.months
        why = f"too young to judge: under {months} months on {day}"
        yield _fixed_verdict(pl.col(_YOUNG), "unknown", why)
    yield from (labels,) if labels else ()
    yield from (verdict for _, verdict in rules)
    yield from _by_worth(policy)
    yield from _otherwise(policy, schema)


def _fixed_verdict(when: pl.Expr, outcome: str, reason: str) -> _Verdict:
    return _Verdict(when=when, outcome=pl.lit(outcome), reason=pl.lit(reason))


def _by_rule(rule: Rule, policy: OutcomePolicy, schema: pl.Schema) -> _Verdict:
    subject = f"{rule.outcome} rule"
    return _Verdict(
        when=condition(rule.when, subject=subject, schema=schema),
        outcome=pl.lit(rule.outcome),
        reason=fill_in(rule.reason, schema=schema, currency=policy.currency),
    )


def _by_label(policy: OutcomePolicy, schema: pl.Schema) -> _Verdict | None:
    if policy.label is None:
        return None
    column, values = policy.label.column, policy.label.values
    if column not in schema:
        message = f"{counted([column], 'unknown label column')}; {near(column, schema)}"
        raise PolicyError(message)
    if schema[column].is_nested():
        message = f"label column {column!r} holds lists; name one of single values"
        raise PolicyError(message)
    text = _as_text(column, schema[column])
    outcome = text.replace_strict(
        list(values), list(values.values()), default=None, return_dtype=pl.String
    )
    template = policy.label.reason or f"{column.replace('_', ' ')} is {{{column}}}"
    reason = fill_in(template, schema=schema, currency=policy.currency)
    return _Verdict(when=outcome.is_not_null(), outcome=outcome, reason=reason)


def _as_text(column: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(column).cast(pl.String)
    return text.str.replace(r"\.0+$", "") if dtype.is_float() else text


def _by_worth(policy: OutcomePolicy) -> Iterator[_Verdict]:
    cuts, worth = policy.thresholds, pl.col(WORTH)
    judged = worth.filter(~pl.col(_YOUNG))
    for outcome, value, compare, words in (
        ("regrettable", cuts.regrettable_below, pl.Expr.lt, "below"),
        ("regrettable", cuts.regrettable_bottom, pl.Expr.le, _WORTH_LEAST),
        ("best", cuts.best_from, pl.Expr.ge, "at least"),
        ("best", cuts.best_top, pl.Expr.ge, _WORTH_MOST),
    ):
        if value is None:
            continue
        cut = pl.lit(value)
        if words in {_WORTH_LEAST, _WORTH_MOST}:
            cut = _edge(judged, value, descending=outcome == "best")
        reason = pl.format(
            f"worth {{}}, {words.format(value)} {{}}",
            money(worth, currency=policy.currency),
            money(cut, currency=policy.currency),
        )
        yield _Verdict(when=compare(worth, cut), outcome=pl.lit(outcome), reason=reason)


def _edge(worth: pl.Expr, share: float, *, descending: bool) -> pl.Expr:
    """The last of the first `share` of the known values, at least one; null of none."""
    values = worth.drop_nulls()
    count = (values.len() * share + _ROUNDING).floor().clip(1).cast(pl.Int64)
    return values.sort(descending=descending).get(count - 1, null_on_oob=True)


def _otherwise(policy: OutcomePolicy, schema: pl.Schema) -> Iterator[_Verdict]:
    texts = (rule.when for rule in policy.rules)
    judged = {name for text in texts for name in columns_in(text, subject="rule")}
    evidence = [pl.col(name).is_not_null() for name in sorted(judged) if name in schema]
    evidence += [pl.col(WORTH).is_not_null()] if policy.by_worth else []
    if evidence:
        reason = fill_in(
            policy.otherwise_reason, schema=schema, currency=policy.currency
        )
        yield _Verdict(
            when=pl.any_horizontal(evidence),
            outcome=pl.lit(policy.otherwise),
            reason=reason,
        )
    yield _fixed_verdict(pl.lit(value=True), "unknown", _NO_EVIDENCE)


def _name_culprit(accounts: pl.DataFrame, policy: OutcomePolicy) -> None:
    schema = accounts.schema
    with_worth = pl.Schema({**schema, WORTH: pl.Float64()})
    frame = accounts.with_columns(pl.lit(None, pl.Float64).alias(WORTH))
    if policy.worth:
        texts = {"worth": policy.worth.value}
        texts |= {f"cost {c.name!r}": c.amount for c in policy.worth.costs}
        for subject, text in texts.items():
            expression = number(text, subject=subject, schema=schema)
            evaluated(accounts, expression, subject=subject, text=text)
        frame = accounts.with_columns(_worth(policy, schema).alias(WORTH))
    for rule in policy.rules:
        subject = f"{rule.outcome} rule"
        test = condition(rule.when, subject=subject, schema=with_worth)
        evaluated(frame, test, subject=subject, text=rule.when)


def fill_in(
    template: str, /, *, schema: Mapping[str, pl.DataType], currency: str = ""
) -> pl.Expr:
    """The template with each {column} replaced by the row's value in words.

    `{worth}` is money. Raises PolicyError for a column that does not exist.
    """
    names = _PLACEHOLDER.findall(template)
    unknown = {name for name in names if name not in schema}
    if unknown:
        advice = near(min(unknown), schema)
        message = f"{counted(unknown, 'unknown column')} in the reason {template!r}"
        raise PolicyError(f"{message}; {advice}")
    texts = _PLACEHOLDER.split(template)[::2]
    values = [_in_words(name, schema[name], currency) for name in names]
    pieces = [pl.lit(texts[0])]
    for value, text in zip(values, texts[1:], strict=True):
        pieces += [value, pl.lit(text)]
    return pl.concat_str(pieces)


def _in_words(name: str, dtype: pl.DataType, currency: str) -> pl.Expr:
    column = pl.col(name)
    if name == "worth":
        return money(column, currency=currency)
    return _value_text(column, dtype).fill_null(_UNKNOWN)


def _value_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        yes, no = pl.lit("yes"), pl.lit("no")
        return pl.when(column).then(yes).when(~column).then(no)
    if dtype.is_float():
        return column.round(2).cast(pl.String).str.replace(r"\.0+$", "")
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(", ")
    return column.cast(pl.String)


def money(amount: pl.Expr, /, *, currency: str = "") -> pl.Expr:
    """Money without decimals, with thousands separated; null is "not known".

    >>> frame = pl.DataFrame({"x": [1234567.8, -999.5, None]})
    >>> frame.select(money(pl.col("x"), currency="EUR"))["x"].to_list()
    ['1,234,568 EUR', '-1,000 EUR', 'not known']
    """
    whole = amount.abs().round(mode="half_away_from_zero")
    digits = whole.cast(pl.Int128, strict=False).cast(pl.String).str.reverse()
    grouped = digits.str.replace_all(r"(\d{3})", "${1},").str.reverse()
    sign = pl.when((amount < 0) & (whole > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    unit = pl.lit(f" {currency}" if currency else "")
    # A number beyond all integers stays as it is, for instance 1e+300.
    figure = pl.coalesce(grouped.str.strip_chars_start(","), whole.cast(pl.String))
    text = pl.concat_str(sign, figure, unit)
    return text.fill_null(_UNKNOWN).alias(amount.meta.output_name())
