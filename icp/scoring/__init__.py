"""Scoring accounts with a profile: whole frames, one account, and the reasons."""

from icp.scoring.cells import code_matrix, codes
from icp.scoring.explain import (
    OUTLIER_COLUMNS,
    QUADRANTS,
    SIMILAR_COLUMNS,
    Explanation,
    Nearest,
    explain,
    outliers,
    similar_customers,
)
from icp.scoring.plan import SCORE_COLUMNS, score
from icp.scoring.single import Score, score_one
from icp.scoring.words import Contribution

__all__ = [
    "OUTLIER_COLUMNS",
    "QUADRANTS",
    "SCORE_COLUMNS",
    "SIMILAR_COLUMNS",
    "Contribution",
    "Explanation",
    "Nearest",
    "Score",
    "code_matrix",
    "codes",
    "explain",
    "outliers",
    "score",
    "score_one",
    "similar_customers",
]
