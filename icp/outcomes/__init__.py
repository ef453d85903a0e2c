"""What became of each account: labels with reasons, worth in money, economics."""

from icp.outcomes.economics import Economics
from icp.outcomes.label import label
from icp.outcomes.policy import (
    Cost,
    LabelColumn,
    Maturity,
    Outcome,
    OutcomePolicy,
    Override,
    Rule,
    Thresholds,
    Worth,
)
from icp.outcomes.preview import OUTCOMES, LabelPreview, preview
from icp.outcomes.propose import propose_policy, stage_outcome
from icp.outcomes.reads import columns_read
from icp.outcomes.sensitivity import sensitivity

__all__ = [
    "OUTCOMES",
    "Cost",
    "Economics",
    "LabelColumn",
    "LabelPreview",
    "Maturity",
    "Outcome",
    "OutcomePolicy",
    "Override",
    "Rule",
    "Thresholds",
    "Worth",
    "columns_read",
    "label",
    "preview",
    "propose_policy",
    "sensitivity",
    "stage_outcome",
]
