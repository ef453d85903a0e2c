"""A sensible policy from the columns that exist, before anything is configured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from icp.errors import PolicyError
from icp.outcomes.policy import (
    Cost,
    LabelColumn,
    Maturity,
    Outcome,
    OutcomePolicy,
    Thresholds,
    Worth,
)
from icp.schema import AccountSchema, Attribute, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_MOST_LEVELS = 50
_MATURE_MONTHS = 12
_TOP = 0.25
_BEST = "the 25% worth most are best"
#: Words of a ready-made label.
_READY: Final[dict[Outcome, str]] = {
    "best": r"best|ideal|great|good|a-?customer",
    "regrettable": r"regrettable|regret|bad|poor|never again",
    "neutral": r"neutral|ok|okay|average|medium",
    "unknown": r"unknown|open|too young|pending",
}
#: Words of a deal's stage; any other stage is still open.
_STAGE: Final[dict[Outcome, str]] = {
    "best": r"(closed[ _-]*)?(won|gewonnen|gagné|ganado)( deal)?|converted",
    "regrettable": r"(closed[ _-]*)?(lost|verloren|perdu|perdido)( deal)?|disqualified",
}
#: Words of a customer's status.
_STATUS: Final[dict[Outcome, str]] = {
    "best": r"stayed|active|retained|renewed|current|aktiv|actif|activo",
    "regrettable": r"churned|cancell?ed|terminated|left|lost|inactive|gekündigt",
    "unknown": r"joined|new|trial|onboarding|neu",
}
_CHURN = re.compile(r"churn|cancel|terminated|gekündigt")
_WON = re.compile(r"(^|_)(converted|won|renewed|is_active|retained|stayed)(_|$)")
_WHY = re.compile(r"(churn|loss|lost|cancel\w*)_(reason|category)")
_SINCE = re.compile(
    r"customer_since|first_(order|invoice|purchase)|contract_start|start"
)
#: Columns of value, the truest first.
_VALUE: Final = (
    "worth", "profit", "gross_margin", "margin", "lifetime_revenue", "net_revenue",
    "invoiced", "total_revenue", "invoice_amount", "revenue", "sales", "actual_amount",
    "line_amount", "amount", "close_value", "tcv", "acv", "arr", "mrr",
)  # fmt: skip
_NET: Final = {"worth", "profit", "gross_margin", "margin"}
_COST = re.compile(
    r"(^|_)(costs?|refunds?|returns?|discounts?|rebates?|credit_notes?|penalt\w+"
    r"|write_?offs?|commissions?)(_|$)"
)
_NO_MONEY: Final = {"%", "hours", "people", "days", "months", "year"}


def propose_policy(
    accounts: pl.DataFrame | pl.LazyFrame, schema: AccountSchema, /
) -> OutcomePolicy:
    """Propose what best and regrettable mean, and say why in `notes`.

    Reads the accounts once. Looks, in this order, for a ready label, a deal stage, a
    customer status, a churn flag, a won flag; then for money. Raises PolicyError where
    no column shows how accounts turned out.

    >>> accounts = pl.DataFrame({"deal_stage": ["Won", "Lost", "Open"]})
    >>> policy = propose_policy(accounts, AccountSchema.infer(accounts))
    >>> policy.notes[0]
    "deal_stage decides: 'Won' is best; 'Lost' is regrettable; 'Open' is unknown"
    """
    names = accounts.lazy().collect_schema()
    present = [a for a in schema.attributes if a.name in names]
    frame = accounts.lazy().select(a.name for a in present).collect()
    label, money = _label(frame, present), _money(frame, present)
    if label is None and money is None:
        message = (
            "no column shows how the accounts turned out; add an export with a deal "
            "stage, a churn date or invoices, or name a column in [outcome.label]"
        )
        raise PolicyError(message)
    return _policy(label, money, present)


def stage_outcome(stage: str, /) -> Outcome | None:
    """What a deal's stage says about how it ended; None while it is open.

    >>> stage_outcome("Closed Won"), stage_outcome("Verloren"), stage_outcome("Offer")
    ('best', 'regrettable', None)
    """
    return _outcome_of(stage, _STAGE)


@dataclass(frozen=True, kw_only=True)
class _Label:
    column: LabelColumn
    note: str


@dataclass(frozen=True, kw_only=True)
class _Money:
    worth: Worth
    #: Whether costs or losses are in it, so that a worth below zero is a loss.
    net: bool
    #: Whether any customer costs more than it earns.
    losses: bool
    notes: tuple[str, ...]


def _policy(
    label: _Label | None, money: _Money | None, present: list[Attribute]
) -> OutcomePolicy:
    column = label.column if label else None
    notes = [*([label.note] if label else []), *(money.notes if money else ())]
    if money and (label is None or money.net):
        column = _without_best(column)
        notes.append(_about_thresholds(money, column))
    since = _since(present)
    if since:
        notes.append(f"unknown for the first 12 months from {since.start}")
    return OutcomePolicy(
        label=column,
        worth=money.worth if money else None,
        thresholds=_thresholds(money, label, column),
        maturity=since,
        notes=tuple(notes),
    )


def _thresholds(
    money: _Money | None, label: _Label | None, column: LabelColumn | None
) -> Thresholds:
    if money is None or (label is not None and not money.net):
        return Thresholds()
    if money.losses:
        return Thresholds(best_top=_TOP, regrettable_below=0.0)
    bottom = None if column else _TOP
    return Thresholds(best_top=_TOP, regrettable_bottom=bottom)


def _about_thresholds(money: _Money, column: LabelColumn | None) -> str:
    if money.losses:
        return f"{_BEST}; customers who cost more than they earn are regrettable"
    return (
        _BEST if column else f"{_BEST}, the 25% worth least regrettable: a first guess"
    )


def _without_best(column: LabelColumn | None) -> LabelColumn | None:
    if column is None:
        return None
    rest = {value: o for value, o in column.values.items() if o != "best"}
    return column.model_copy(update={"values": rest}) if rest else None


def _since(present: list[Attribute]) -> Maturity | None:
    dates = [a.name for a in present if a.kind.is_date]
    start = next((name for name in dates if _SINCE.match(name)), None)
    return Maturity(start=start, months=_MATURE_MONTHS) if start else None


def _label(frame: pl.DataFrame, present: list[Attribute]) -> _Label | None:
    finders: tuple[Callable[[pl.DataFrame, list[Attribute]], _Label | None], ...] = (
        lambda f, p: _by_words(f, p, _READY, every=True),
        lambda f, p: _by_words(f, p, _STAGE, every=False),
        lambda f, p: _by_words(f, p, _STATUS, every=True),
        _by_flag,
    )
    labels = (finder(frame, present) for finder in finders)
    return next((label for label in labels if label), None)


def _by_words(
    frame: pl.DataFrame,
    present: list[Attribute],
    words: Mapping[Outcome, str],
    *,
    every: bool,
) -> _Label | None:
    for attribute in present:
        if not attribute.kind.has_levels or attribute.role is Role.IDENTIFIER:
            continue
        outcomes = {
            level: _outcome_of(level, words) for level in _levels(frame, attribute)
        }
        if not {"best", "regrettable"} <= set(outcomes.values()):
            continue
        if every and None in outcomes.values():
            continue
        values = {level: outcome or "unknown" for level, outcome in outcomes.items()}
        return _label_of(attribute.name, values, present)
    return None


def _outcome_of(level: str, words: Mapping[Outcome, str]) -> Outcome | None:
    plain = level.strip().lower()
    hits = (o for o, pattern in words.items() if re.fullmatch(pattern, plain))
    return next(hits, None)


def _levels(frame: pl.DataFrame, attribute: Attribute) -> list[str]:
    levels = frame[attribute.name].cast(pl.String).drop_nulls().unique().sort()
    return levels.to_list() if len(levels) <= _MOST_LEVELS else []


def _by_flag(frame: pl.DataFrame, present: list[Attribute]) -> _Label | None:
    for attribute in present:
        yes_no = _yes_no(frame, attribute)
        name = attribute.name
        if yes_no is None or not (_CHURN.search(name) or _WON.search(name)):
            continue
        yes, no = yes_no
        first: Outcome = "regrettable" if _CHURN.search(name) else "best"
        second: Outcome = "best" if first == "regrettable" else "regrettable"
        return _label_of(name, {yes: first, no: second}, present)
    return None


def _yes_no(frame: pl.DataFrame, attribute: Attribute) -> tuple[str, str] | None:
    if attribute.kind.dtype == pl.Boolean:
        return "true", "false"
    if attribute.kind.numeric:
        values = set(frame[attribute.name].drop_nulls().unique())
        return ("1", "0") if values == {0.0, 1.0} else None
    if not attribute.kind.has_levels:
        return None
    levels = {level.lower(): level for level in _levels(frame, attribute)}
    for yes, no in (("yes", "no"), ("true", "false"), ("1", "0"), ("y", "n")):
        if set(levels) == {yes, no}:
            return levels[yes], levels[no]
    return None


def _label_of(
    name: str, values: dict[str, Outcome], present: list[Attribute]
) -> _Label:
    why = next((a.name for a in present if _WHY.fullmatch(a.name)), None)
    reason = f"{name.replace('_', ' ')} is {{{name}}}"
    if why and why != name:
        reason += f" ({why.replace('_', ' ')}: {{{why}}})"
    words = "; ".join(f"{level!r} is {outcome}" for level, outcome in _ordered(values))
    return _Label(
        column=LabelColumn(column=name, values=values, reason=reason),
        note=f"{name} decides: {words}",
    )


def _ordered(values: dict[str, Outcome]) -> list[tuple[str, Outcome]]:
    order = ("best", "regrettable", "neutral", "unknown")
    return sorted(values.items(), key=lambda item: (order.index(item[1]), item[0]))


def _money(frame: pl.DataFrame, present: list[Attribute]) -> _Money | None:
    amounts = [a for a in present if _is_money(a)]
    names = {a.name: a for a in amounts}
    value = next((name for name in _VALUE if name in names), None)
    if value is None:
        return None
    costs = [] if value in _NET else [a.name for a in amounts if _COST.search(a.name)]
    less = "".join(f" less {name}" for name in costs)
    net = frame[value] - sum(frame[name].fill_null(0.0) for name in costs)
    losses = bool((net < 0).any())
    return _Money(
        worth=Worth(
            value=value,
            costs=tuple(Cost(name=_title(n), amount=_quoted(n)) for n in costs),
        ),
        net=bool(costs) or losses or value in _NET,
        losses=losses,
        notes=(f"worth is {value}{less}", *_unpriced(present)),
    )


def _is_money(attribute: Attribute) -> bool:
    late = attribute.role in {Role.OUTCOME, Role.AFTER_SALE}
    no_money = attribute.unit in _NO_MONEY
    return attribute.kind.numeric and late and not no_money


def _unpriced(present: list[Attribute]) -> Iterator[str]:
    for attribute in present:
        late = attribute.role in {Role.OUTCOME, Role.AFTER_SALE}
        if attribute.unit == "hours" and late:
            name = attribute.name
            cost = f"{_quoted(name)} * your hourly rate"
            yield f"{name} is not in money: add a cost of '{cost}'"


def _quoted(name: str) -> str:
    """The column in an expression: odd names stand in double quotes."""
    if name.isidentifier():
        return name
    return '"' + name.replace('"', '""') + '"'


def _title(name: str) -> str:
    return name.replace("_", " ")
