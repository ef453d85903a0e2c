"""Learning a profile, and disqualifiers, from labelled accounts."""

from icp.learn.fit import fit_profile
from icp.learn.rule_search import (
    FoundRules,
    RuleOptions,
    learn_disqualifiers,
    weigh_rule,
)
from icp.learn.screen import FitOptions

__all__ = [
    "FitOptions",
    "FoundRules",
    "RuleOptions",
    "fit_profile",
    "learn_disqualifiers",
    "weigh_rule",
]
