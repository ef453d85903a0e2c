"""Whether to go on with an account: signals, verdict, next question, way out.

```
reasons     the catalogue: why one walks away, what cures it, what to say
signals     what a deal taught, each with its source, date and evidence
money       chances as whole numbers, and what pursuing is worth
standing    where an account stands, and the verdict that follows by rules
questions   which answer is worth most, and how each would move the verdict
verdict     the same told with grounds, money, words and what would change it
```
"""

from icp.qualify.money import Money, Stakes, Terms
from icp.qualify.questions import Answer, Question
from icp.qualify.reasons import (
    Catalogue,
    Reason,
    VerdictName,
    default_catalogue,
    read_catalogue,
)
from icp.qualify.signals import Attempt, Match, Signal, matched, observed
from icp.qualify.standing import RANK
from icp.qualify.verdict import Ground, Verdict, decide

__all__ = [
    "RANK",
    "Answer",
    "Attempt",
    "Catalogue",
    "Ground",
    "Match",
    "Money",
    "Question",
    "Reason",
    "Signal",
    "Stakes",
    "Terms",
    "Verdict",
    "VerdictName",
    "decide",
    "default_catalogue",
    "matched",
    "observed",
    "read_catalogue",
]
