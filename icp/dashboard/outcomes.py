"""The outcomes step: what decides, thresholds to move, a preview, and one by hand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
import streamlit as st
from streamlit import column_config as cc

from icp import charts
from icp.dashboard import components
from icp.dashboard.components import capital, escaped, quiet
from icp.dashboard.views import home
from icp.errors import IcpError, some
from icp.outcomes import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.outcomes import LabelPreview, OutcomePolicy, Rule
    from icp.workflow import Workspace


_NOTICE = "labels-notice"
_EXAMPLES = {
    "outcome": cc.TextColumn("Outcome", width="small"),
    "account_id": cc.TextColumn("Id", width="small"),
    "account_name": cc.TextColumn("Company", width="medium"),
    "worth": cc.NumberColumn("Worth", format="localized"),
    "reason": cc.TextColumn("Why", width="large"),
}


def draw(space: Workspace, /) -> None:
    """Draw the outcomes of the imported customers."""
    last = space.imports.last()
    if last is None or not last.customers:
        components.empty(
            "No customers are imported yet",
            "Add a file of customers under Files, then import.",
        )
        return
    policy = _policy(space)
    components.section("What decides", "In this order; the first that applies decides.")
    st.markdown("\n".join(f"- {line}" for line in in_words(policy)))
    for note in policy.notes:
        st.markdown(quiet(escaped(components.capital(note))))
    draft = _knob_fields(policy)
    preview = space.labels.preview(draft)
    components.section("Result")
    if draft != policy:
        st.info(_difference(space.labels.preview(policy), preview))
    drawing = charts.outcome_split(home.split(preview), currency=draft.currency)
    components.chart(drawing, key="split")
    with st.expander("Examples of each outcome"):
        components.table(preview.examples, alt="Examples", columns=_EXAMPLES)
    st.button("Save labels", type="primary", on_click=_save, args=(space, draft))
    components.show_notice(_NOTICE)
    _sensitivity(space, draft)
    _by_hand(space)


def _policy(space: Workspace) -> OutcomePolicy:
    if space.config.outcome is not None:
        return space.config.outcome
    last = space.imports.last()
    return _proposal(space, str(space.path), last.number if last else 0)


@st.cache_resource(max_entries=8, show_spinner=False)
def _proposal(_space: Workspace, folder: str, number: int) -> OutcomePolicy:
    return _space.labels.propose_policy()


def in_words(policy: OutcomePolicy, /) -> list[str]:
    """What decides, in order, as safe Markdown: reasons first, expressions small."""
    by_hand = len(policy.overrides)
    said = "1 customer is" if by_hand == 1 else f"{by_hand:,} customers are"
    return [
        *([f"{said} decided by hand"] if by_hand else []),
        *_worth(policy),
        *_age(policy),
        *_label(policy),
        *(_rule(rule) for rule in policy.rules),
        *_thresholds(policy),
        f"**{capital(policy.otherwise)}**: everybody else of whom anything is known",
    ]


_NAME = re.compile(r"[A-Za-z_]\w*")


def _worth(policy: OutcomePolicy) -> Iterator[str]:
    if policy.worth is None:
        return
    value, costs = policy.worth.value, policy.worth.costs
    plain = _NAME.fullmatch(value) is not None
    what = escaped(readable(value)) if plain else "what the customer brought in"
    less = _listed([cost.name for cost in costs])
    details = [] if plain else [value]
    details += [f"{c.name}: {c.amount}" for c in costs if c.amount != c.name]
    end = f" less {escaped(less)}" if costs else ""
    yield f"Worth is {what}{end} {_small('; '.join(details))}".rstrip()


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _age(policy: OutcomePolicy) -> Iterator[str]:
    if policy.maturity:
        start = escaped(readable(policy.maturity.start))
        yield (
            f"**Unknown**: younger than {some(policy.maturity.months, 'month')}, "
            f"counted from {start}, unless an early regret shows already"
        )


def _label(policy: OutcomePolicy) -> Iterator[str]:
    if policy.label:
        column = escaped(readable(policy.label.column))
        for value, outcome in policy.label.values.items():
            yield f"**{capital(outcome)}**: {column} is {escaped(value)}"


_PLACE = re.compile(r"\{(\w+)\}")


def _rule(rule: Rule) -> str:
    reason = _PLACE.sub(lambda m: f"({readable(m[1])})", rule.reason)
    early = ", also for young customers" if rule.early else ""
    return f"**{capital(rule.outcome)}**: {escaped(reason)}{early} {_small(rule.when)}"


def _thresholds(policy: OutcomePolicy) -> Iterator[str]:
    cuts, currency = policy.thresholds, escaped(policy.currency)
    if cuts.regrettable_below is not None:
        amount = f"{cuts.regrettable_below:,.0f} {currency}".rstrip()
        yield f"**Regrettable**: worth is below {amount}"
    if cuts.regrettable_bottom is not None:
        yield f"**Regrettable**: the {cuts.regrettable_bottom:.0%} worth least"
    if cuts.best_from is not None:
        amount = f"{cuts.best_from:,.0f} {currency}".rstrip()
        yield f"**Best**: worth is {amount} or more"
    if cuts.best_top is not None:
        yield f"**Best**: the {cuts.best_top:.0%} worth most"


def _small(expression: str) -> str:
    return quiet(escaped(expression)) if expression else ""


def readable(name: str, /) -> str:
    """A column's name as people write it."""
    return name.replace("_", " ").strip()


_COLUMNS = 4


def _knob_fields(policy: OutcomePolicy) -> OutcomePolicy:
    """Fields for the numbers that decide; returns the policy with their values."""
    number = len(knobs(policy))
    if not number:
        return policy
    st.markdown(quiet("Change a number to preview the effect; nothing is saved yet."))
    for place in range(number):
        if place % _COLUMNS == 0:
            cells = st.columns(_COLUMNS, vertical_alignment="bottom")
        # A number that has moved may have moved the place of those behind it.
        knob = knobs(policy)[place]
        with cells[place % _COLUMNS]:
            policy = with_value(policy, knob, _field(place, knob))
    return policy


def _field(place: int, knob: Knob) -> float:
    months = knob.part == "maturity"
    step = 1.0 if knob.share or months else max(1.0, abs(knob.value) / 20)
    # A share may have been written finer than the field's own steps.
    low, high = min(1.0, knob.value), max(99.0, knob.value)
    value = st.number_input(
        components.capital(knob.label),
        value=knob.value,
        min_value=low if knob.share else 0.0 if months else None,
        max_value=high if knob.share else 240.0 if months else None,
        step=step,
        format=None if knob.value % 1 else "%.0f",
        # A number that was saved starts its field anew.
        key=f"knob-{place}-{knob.value}",
    )
    return knob.value if value is None else value


@dataclass(frozen=True, kw_only=True)
class Knob:
    """A number of a policy that decides outcomes."""

    #: Where the number is.
    part: Literal["thresholds", "maturity", "rules"]
    #: The threshold's name, or the rule's place.
    place: str | int
    label: str
    value: float
    #: Where in the rule's condition the number is.
    span: tuple[int, int] = (0, 0)
    share: bool = False


#: Threshold -> how it reads, and whether it is a share.
_CUTS: Final = {
    "best_top": ("best: top share of customers, in %", True),
    "best_from": ("best: worth from", False),
    "regrettable_below": ("regrettable: worth below", False),
    "regrettable_bottom": ("regrettable: bottom share of customers, in %", True),
}
#: A column compared with a number, as in "worth >= 8000".
_COMPARISON = re.compile(
    r"\b([A-Za-z_]\w*)(\s*(?:<=|>=|<|>)\s*)(-?\d+(?:\.\d+)?)(?![\w.])"
)
_COMPARISONS: Final = {"<=": "up to", ">=": "from", "<": "below", ">": "above"}


def knobs(policy: OutcomePolicy, /) -> tuple[Knob, ...]:
    """The numbers that may be moved: thresholds, numbers in rules, months."""
    return (*_cut_knobs(policy), *_rule_knobs(policy), *_month_knobs(policy))


def _cut_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    for name, (label, share) in _CUTS.items():
        value = getattr(policy.thresholds, name)
        if value is not None:
            number = 100.0 * value if share else float(value)
            yield Knob(
                part="thresholds", place=name, label=label, value=number, share=share
            )


def _rule_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    for place, rule in enumerate(policy.rules):
        for match in _COMPARISON.finditer(rule.when):
            sign = _COMPARISONS[match[2].strip()]
            yield Knob(
                part="rules",
                place=place,
                label=f"{rule.outcome}: {readable(match[1])} {sign}",
                value=float(match[3]),
                span=match.span(3),
            )


def _month_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    if policy.maturity:
        yield Knob(
            part="maturity",
            place="months",
            label="unknown: months until a customer counts",
            value=float(policy.maturity.months),
        )


def with_value(policy: OutcomePolicy, knob: Knob, value: float, /) -> OutcomePolicy:
    """The policy with one number moved; shares come in per cent.

    Where a rule's reason names the number, it names the new one.
    """
    if value == knob.value:
        return policy
    if knob.part == "rules":
        return _with_rule(policy, knob, value)
    if knob.part == "maturity":
        part = policy.maturity and policy.maturity.model_copy(
            update={"months": round(value)}
        )
        return policy.model_copy(update={"maturity": part})
    exact = value / 100 if knob.share else value
    cuts = policy.thresholds.model_copy(update={str(knob.place): exact})
    return policy.model_copy(update={"thresholds": cuts})


def _with_rule(policy: OutcomePolicy, knob: Knob, value: float) -> OutcomePolicy:
    rules, place = list(policy.rules), int(knob.place)
    rule, (start, end) = rules[place], knob.span
    reason = rule.reason
    for style in ("", ","):
        number = rf"(?<![\d.,−-]){re.escape(_number(knob.value, style))}(?!\d|[.,]\d)"
        reason = re.sub(number, _number(value, style), reason)
    when = f"{rule.when[:start]}{_number(value)}{rule.when[end:]}"
    rules[place] = rule.model_copy(update={"when": when, "reason": reason})
    return policy.model_copy(update={"rules": tuple(rules)})


def _number(value: float, style: str = "") -> str:
    """The number without an exponent, so that it is found again."""
    exact = Decimal(int(value)) if value == int(value) else Decimal(str(value))
    return f"{exact:{style}f}"


def _difference(before: LabelPreview, after: LabelPreview) -> str:
    """How many customers more or fewer each outcome has."""
    changes = {name: after.counts[name] - before.counts[name] for name in OUTCOMES}
    parts = [f"{change:+,} {name}" for name, change in changes.items() if change]
    return f"Not saved yet: {', '.join(parts) or 'the same number of each'}."


def _save(space: Workspace, policy: OutcomePolicy) -> None:
    try:
        preview = space.labels.label(policy)
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
        return
    best, bad = preview.counts["best"], preview.counts["regrettable"]
    text = f"Saved: {best:,} best, {bad:,} regrettable. Next: learn a profile."
    components.notice(_NOTICE, "success", text)


_WORDS: Final = {
    "best_top": "best: the share of customers worth most",
    "best_from": "best: worth from",
    "regrettable_below": "regrettable: worth below",
    "regrettable_bottom": "regrettable: the share of customers worth least",
    "maturity_months": "unknown: months until a customer counts",
}
_SHARES: Final = ("best_top", "regrettable_bottom")
_AS_IT_IS: Final = "as it is"
_MOST: Final = 3


def _sensitivity(space: Workspace, policy: OutcomePolicy, /) -> None:
    """Drawn on request: every row labels all customers anew."""
    panel = st.expander(
        "What changes when a threshold moves", key="sensitivity", on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        rows = with_knobs(space.labels.sensitivity(policy))
        knobs = rows["knob"].drop_nulls().unique(maintain_order=True).to_list()
        if not knobs:
            st.markdown("No number decides outcomes here.")
            return
        st.markdown(quiet("The less the counts change, the safer the threshold."))
        knob = st.selectbox("Threshold", knobs, key="sensitivity-knob")
        components.table(
            moves_of(rows, knob),
            alt=f"What changes when this moves: {knob}",
            height="content",
        )


def with_knobs(moves: pl.DataFrame, /) -> pl.DataFrame:
    """The moves with `knob`: the threshold in words, null for things as they are.

    Two rules may compare the same column with the same number. The values of one
    threshold rise, so a fall means that the next one has begun; it is numbered.
    """
    name, value = pl.col("threshold"), pl.col("value")
    begins = name.ne_missing(name.shift()) | (value < value.shift())
    rows = moves.with_columns(run=begins.fill_null(value=True).cum_sum())
    number = pl.col("run").rank("dense").over("threshold").cast(pl.String)
    words = name.map_elements(_in_words, return_dtype=pl.String)
    twice = pl.col("run").n_unique().over("threshold") > 1
    return rows.with_columns(
        knob=pl.when(name != "").then(
            words + pl.when(twice).then(" (rule " + number + ")").otherwise(pl.lit(""))
        )
    ).drop("run")


def _in_words(threshold: str) -> str:
    return _WORDS.get(threshold) or re.sub(r"\s+", " ", readable(threshold))


def moves_of(moves: pl.DataFrame, knob: str, /) -> pl.DataFrame:
    """How things are, then one threshold moved, for people to read."""
    rows = moves.filter(pl.col("knob").is_null() | (pl.col("knob") == knob))
    return rows.select(
        pl.struct("threshold", "value")
        .map_elements(_value, return_dtype=pl.String)
        .alias("moved to"),
        "best",
        "regrettable",
        "neutral",
        "unknown",
        pl.col("flipped").alias("change outcome"),
        pl.col("flips").list.head(_MOST).list.join("; ").alias("for example"),
    )


def _value(move: dict[str, str | float | None]) -> str:
    value = move["value"]
    if not isinstance(value, float):
        return _AS_IT_IS
    return f"{value:.1%}" if move["threshold"] in _SHARES else f"{value:,.10g}"


def _by_hand(space: Workspace) -> None:
    with (
        st.expander("Set one customer's outcome by hand"),
        st.form("override", border=False, clear_on_submit=True),
    ):
        account, outcome, reason = st.columns([1, 1, 2])
        customer = account.text_input("Customer: id or name")
        choice = outcome.selectbox("Outcome", OUTCOMES)
        why = reason.text_input("Reason", placeholder="Why, in a few words")
        if st.form_submit_button("Set outcome"):
            _override(space, customer or "", choice, why or "")


def _override(space: Workspace, customer: str, outcome: str, reason: str) -> None:
    try:
        space.labels.override(customer, outcome, reason=reason)
    except IcpError as error:
        components.problem(str(error))
    else:
        st.success("Saved. It takes effect the next time you save the labels.")
