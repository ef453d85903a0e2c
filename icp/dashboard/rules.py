"""An outcome policy in plain words, and the numbers in it that a person may move."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from icp.dashboard.components import capital
from icp.dashboard.text import escaped, quiet
from icp.errors import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.outcomes import OutcomePolicy, Rule

__all__ = ["Knob", "in_words", "knobs", "moved", "readable"]

#: Threshold -> how it reads, and whether it is a share.
_CUTS: Final = {
    "best_top": ("best: the top, in % of customers", True),
    "best_from": ("best: worth from", False),
    "regrettable_below": ("regrettable: worth below", False),
    "regrettable_bottom": ("regrettable: the bottom, in % of customers", True),
}
_NAME = re.compile(r"[A-Za-z_]\w*")
_PLACE = re.compile(r"\{(\w+)\}")
#: A column compared with a number, as in "worth >= 8000".
_COMPARED = re.compile(
    r"\b([A-Za-z_]\w*)(\s*(?:<=|>=|<|>)\s*)(-?\d+(?:\.\d+)?)(?![\w.])"
)
_SIGNS: Final = {"<=": "up to", ">=": "from", "<": "below", ">": "above"}


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


def _rule(rule: Rule) -> str:
    reason = _PLACE.sub(lambda m: f"({readable(m[1])})", rule.reason)
    early = ", also for young customers" if rule.early else ""
    return f"**{capital(rule.outcome)}**: {escaped(reason)}{early} {_small(rule.when)}"


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


def knobs(policy: OutcomePolicy, /) -> tuple[Knob, ...]:
    """The numbers that may be moved: thresholds, numbers in rules, months."""
    return (*_cut_knobs(policy), *_rule_knobs(policy), *_month_knobs(policy))


def _cut_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    for name, (label, share) in _CUTS.items():
        value = getattr(policy.thresholds, name)
        if value is not None:
            shown = 100.0 * value if share else float(value)
            yield Knob(
                part="thresholds", place=name, label=label, value=shown, share=share
            )


def _rule_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    for place, rule in enumerate(policy.rules):
        for found in _COMPARED.finditer(rule.when):
            sign = _SIGNS[found[2].strip()]
            yield Knob(
                part="rules",
                place=place,
                label=f"{rule.outcome}: {readable(found[1])} {sign}",
                value=float(found[3]),
                span=found.span(3),
            )


def _month_knobs(policy: OutcomePolicy) -> Iterator[Knob]:
    if policy.maturity:
        yield Knob(
            part="maturity",
            place="months",
            label="unknown: months until a customer counts",
            value=float(policy.maturity.months),
        )


def moved(policy: OutcomePolicy, knob: Knob, value: float, /) -> OutcomePolicy:
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
