"""Whether to go on with an account: signals, verdict, next question, way out.

```
reasons     the catalogue: why one walks away, what cures it, what to say
signals     what a deal taught, each with its source, date and evidence
money       chances as whole numbers, and what pursuing is worth
standing    where an account stands, and the verdict that follows by rules
questions   which answer is worth most, and how each would move the verdict
verdict     the same told with grounds, money, words and what would change it
batch       the same for whole lists (asking, columns: its numbers and its signals)
terms       a deal's price and care against what is usual
plays       the way out, and what wakes the account again
```
"""

from icp.qualify.batch import VERDICT_COLUMNS, verdicts
from icp.qualify.money import Money, Stakes, Terms, UsualTerms, terms_of, usual
from icp.qualify.questions import Answer, Question
from icp.qualify.reasons import (
    Catalogue,
    Reason,
    VerdictName,
    default_catalogue,
    read_catalogue,
)
from icp.qualify.signals import Attempt, KnownAbout, Match, Signal, matched, observed
from icp.qualify.standing import RANK
from icp.qualify.verdict import (
    PLAY_NAMES,
    Exit,
    Freed,
    Ground,
    Verdict,
    decide,
    exit_of,
)

__all__ = [
    "PLAY_NAMES",
    "RANK",
    "VERDICT_COLUMNS",
    "Answer",
    "Attempt",
    "Catalogue",
    "Exit",
    "Freed",
    "Ground",
    "KnownAbout",
    "Match",
    "Money",
    "Question",
    "Reason",
    "Signal",
    "Stakes",
    "Terms",
    "UsualTerms",
    "Verdict",
    "VerdictName",
    "decide",
    "default_catalogue",
    "exit_of",
    "matched",
    "observed",
    "read_catalogue",
    "terms_of",
    "usual",
    "verdicts",
]
