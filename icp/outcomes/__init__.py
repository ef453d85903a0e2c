"""What became of each account: labels with reasons, worth in money, economics."""

from icp.outcomes.label import label
from icp.outcomes.policy import (
    Cost,
    Economics,
    LabelColumn,
    Maturity,
    Outcome,
    OutcomePolicy,
    Override,
    Rule,
    Thresholds,
    Worth,
    break_even,
    columns_read,
    pursue,
)
from icp.outcomes.preview import OUTCOMES, LabelPreview, preview, sensitivity
from icp.outcomes.propose import propose_policy, stage_outcome

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
    "break_even",
    "columns_read",
    "label",
    "preview",
    "propose_policy",
    "pursue",
    "sensitivity",
    "stage_outcome",
]
