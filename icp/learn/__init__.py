"""Learning a profile from labelled accounts."""

from icp.learn.fit import fit_profile
from icp.learn.options import FitOptions

__all__ = ["FitOptions", "fit_profile"]
