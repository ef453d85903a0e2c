"""Charts: frames, profiles and explanations in; figures, tables and sentences out.

Pure functions of their arguments: no Streamlit, no reading or writing, no chance. The
figure of the same data is the same, bit for bit.
"""

from __future__ import annotations

from icp.charts.account import interval_strip, waterfall
from icp.charts.disqualifiers import rule_history, rule_shares
from icp.charts.figure import BEST, NEUTRAL, REGRETTABLE, Chart
from icp.charts.population import fit_distribution, outcome_split, outlier_map
from icp.charts.profile import (
    attribute_points,
    attribute_weights,
    calibration_curve,
    evidence_strip,
    segment_shares,
    segment_sizes,
)

__all__ = [
    "BEST",
    "NEUTRAL",
    "REGRETTABLE",
    "Chart",
    "attribute_points",
    "attribute_weights",
    "calibration_curve",
    "evidence_strip",
    "fit_distribution",
    "interval_strip",
    "outcome_split",
    "outlier_map",
    "rule_history",
    "rule_shares",
    "segment_shares",
    "segment_sizes",
    "waterfall",
]
