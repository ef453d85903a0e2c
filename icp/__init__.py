"""Learn your ideal customer profile, and score prospects with it, exactly.

```
ingest        a file or query -> typed accounts, findings, quarantined rows
label         accounts -> outcome, its reason, worth
fit_profile   labelled accounts -> Profile
learn_disqualifiers  labelled accounts, profile -> rules with evidence
score         accounts -> fit, grade, distances, points that add up exactly
score_one     one account -> Score;  explain: the same with all reasons
decide        a score and what the deal taught -> Verdict
open_workspace, create_workspace     the use cases of the command line
```

Tables may be of Polars, pandas, PyArrow or DuckDB; what comes back is of Polars.
Names are imported when they are first used, so that `import icp` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from icp.disqualifiers import Disqualifier
    from icp.errors import IcpError
    from icp.ingest import ColumnMapping, IngestResult, ingest
    from icp.ingest.assemble import assemble
    from icp.ingest.plan import AssemblyPlan
    from icp.learn import FitOptions, fit_profile, learn_disqualifiers
    from icp.outcomes import Economics, OutcomePolicy, label
    from icp.profile import Profile
    from icp.qualify import Signal, Verdict, decide
    from icp.schema import AccountSchema, Attribute
    from icp.scoring import Explanation, Score, explain, score, score_one
    from icp.workflow import Workspace, create_workspace, open_workspace

__all__ = [
    "AccountSchema",
    "AssemblyPlan",
    "Attribute",
    "ColumnMapping",
    "Disqualifier",
    "Economics",
    "Explanation",
    "FitOptions",
    "IcpError",
    "IngestResult",
    "OutcomePolicy",
    "Profile",
    "Score",
    "Signal",
    "Verdict",
    "Workspace",
    "assemble",
    "create_workspace",
    "decide",
    "explain",
    "fit_profile",
    "ingest",
    "label",
    "learn_disqualifiers",
    "open_workspace",
    "score",
    "score_one",
]

_HOMES: Final = {
    "AccountSchema": "icp.schema",
    "AssemblyPlan": "icp.ingest.assemble",
    "Attribute": "icp.schema",
    "ColumnMapping": "icp.ingest.propose_mapping",
    "Disqualifier": "icp.disqualifiers",
    "Economics": "icp.outcomes",
    "Explanation": "icp.scoring",
    "FitOptions": "icp.learn",
    "IcpError": "icp.errors",
    "IngestResult": "icp.ingest.parse",
    "OutcomePolicy": "icp.outcomes",
    "Profile": "icp.profile",
    "Score": "icp.scoring",
    "Signal": "icp.qualify",
    "Verdict": "icp.qualify",
    "Workspace": "icp.workflow",
    "assemble": "icp.ingest.assemble",
    "create_workspace": "icp.workflow",
    "decide": "icp.qualify",
    "explain": "icp.scoring",
    "fit_profile": "icp.learn",
    "ingest": "icp.ingest",
    "label": "icp.outcomes",
    "learn_disqualifiers": "icp.learn",
    "open_workspace": "icp.workflow",
    "score": "icp.scoring",
    "score_one": "icp.scoring",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
