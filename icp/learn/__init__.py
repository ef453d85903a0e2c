"""Learning a profile, and disqualifiers, from labelled accounts."""

from icp.learn.fit import fit_profile
from icp.learn.options import FitOptions
from icp.learn.rules import FoundRules, RuleOptions, learn_disqualifiers, weighed

__all__ = [
    "FitOptions",
    "FoundRules",
    "RuleOptions",
    "fit_profile",
    "learn_disqualifiers",
    "weighed",
]
