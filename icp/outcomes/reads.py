"""Which columns an outcome is made from: learning from them would go in a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icp.expressions import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from icp.outcomes.policy import OutcomePolicy

__all__ = ["columns_read"]

_WORTH = "worth"


def columns_read(policy: OutcomePolicy, /) -> frozenset[str]:
    """The columns from which the policy tells best from regrettable.

    Those of the label column, of worth and its costs, and of every rule. The date that
    maturity counts from is not one of them: it says whether, not how, to judge.
    Raises PolicyError where an expression cannot be read.

    >>> from icp.outcomes.policy import OutcomePolicy, Rule, Worth
    >>> lost = Rule(outcome="regrettable", when="worth < 0 OR left_us", reason="left")
    >>> policy = OutcomePolicy(worth=Worth(value="12 * monthly_fee"), rules=(lost,))
    >>> sorted(columns_read(policy))
    ['left_us', 'monthly_fee']
    >>> columns_read(OutcomePolicy(worth=Worth(value="fee *")))
    Traceback (most recent call last):
    ...
    icp.errors.PolicyError: worth: cannot use "fee *": ...
    """
    read = set().union(*(columns_in(text, what=what) for what, text in _texts(policy)))
    label = {policy.label.column} if policy.label else set()
    return frozenset((read - {_WORTH}) | label)


def _texts(policy: OutcomePolicy) -> Iterator[tuple[str, str]]:
    if policy.worth:
        yield "worth", policy.worth.value
        yield from ((f"cost {cost.name!r}", cost.amount) for cost in policy.worth.costs)
    for rule in policy.rules:
        yield f"rule {rule.reason!r}", rule.when
