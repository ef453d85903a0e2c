"""The rules of a workspace: policy from `icp.toml`, learned ones from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from icp.disqualifiers import deciding

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier
    from icp.workflow.context import Context


#: As they are listed: what decides first, what is over last.
_ORDER: Final = ("policy", "active", "probation", "shadow", "proposed", "retired")


def rules(context: Context, /) -> tuple[Disqualifier, ...]:
    """Every rule of the workspace, policy first; of those that wait, strong ones."""
    policies = [policy.rule for policy in context.config.policy]
    learned = context.store.rules.all()
    return tuple(sorted([*policies, *learned], key=_place))


def _place(rule: Disqualifier) -> tuple[int, bool]:
    doubtful = rule.latest is None or not rule.latest.strong
    return _ORDER.index(rule.state), doubtful and not rule.decides


def in_force(context: Context, /) -> tuple[Disqualifier, ...]:
    """The rules that disqualify."""
    return deciding(rules(context))
