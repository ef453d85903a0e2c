"""Whether to go on with an account: signals, verdict, next question, way out.

```
reasons     the catalogue: why to walk away, what cures it, what to say
signals     what a deal has shown, each with its source, date and evidence
money       chances as whole numbers, what pursuing is worth, and a deal's terms
asking      what each answer to a question is worth, for whole columns
batch       the one judge: verdicts for a million accounts, or for one
questions   the questions worth asking in words, and where each answer leads
verdict     one verdict with grounds, money, words and what would change it;
            the way out, and what reopens the account
```
"""

from icp.qualify.batch import VERDICT_COLUMNS, verdicts
from icp.qualify.money import Money, Stakes, Terms, UsualTerms, terms_of, usual
from icp.qualify.questions import Answer, Question
from icp.qualify.reasons import (
    RANK,
    Catalogue,
    Reason,
    VerdictName,
    default_catalogue,
    read_catalogue,
)
from icp.qualify.signals import Attempt, KnownAbout, Match, Signal, matched, observed
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
