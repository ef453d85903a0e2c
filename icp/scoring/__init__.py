"""Scoring accounts with a profile: whole frames, one account, and the reasons."""

from icp.scoring.cells import code_matrix, codes
from icp.scoring.plan import SCORE_COLUMNS, score
from icp.scoring.single import Score, score_one

__all__ = ["SCORE_COLUMNS", "Score", "code_matrix", "codes", "score", "score_one"]
