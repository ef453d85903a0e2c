"""Which answer is worth most: the one-step expected value of asking (EVSI).

For an attribute that is not known the profile's tables say how likely each answer is
and where it would move the chance; for a reason that nobody asked about the catalogue
says how often it is seen. Asking is worth what decisions after the answer bring more
than the decision now:

    EVSI = sum over answers of w max(0, G(p after)) - max(0, G(p)),  G = pursue's money

The shares w are made coherent with the chance p as it is: answers that raise it and
answers that lower it are weighed so that the mean over the answers is p again. Hence
EVSI is never below 0, 0 where no answer changes the decision, and never above the
value of knowing the outcome itself. What is known to stand in the way and can be cured
is taken as cured, as for the verdict.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from icp.profile import MISSING, NEVER_SEEN
from icp.qualify.money import LOG_ODDS, evidence_of, probability
from icp.qualify.signals import Signal
from icp.schema import Kind
from icp.scoring.cells import coder
from icp.scoring.steps import per_profile
from icp.scoring.words import cell_words, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from icp.profile import AttributeTable, Profile
    from icp.qualify.money import Stakes
    from icp.qualify.reasons import Catalogue, Reason, VerdictName
    from icp.qualify.standing import Standing
    from icp.scoring import Score

__all__ = [
    "Answer",
    "Question",
    "Unknown",
    "coherent",
    "evsi",
    "perfect_information",
    "questions_of",
    "unknown_attributes",
]

_FIRST: Final = NEVER_SEEN + 1
_SMOOTH: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One possible answer, how likely it is, and what would follow."""

    text: str
    #: Share of the answers, coherent with the chance now.
    share: float
    #: Probability of best after it.
    p: float
    verdict: VerdictName


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question, what asking is worth, how each answer would move the verdict."""

    #: `attribute:<table>` or `reason:<code>`.
    code: str
    kind: Literal["attribute", "reason"]
    text: str
    #: Expected money gained by asking (EVSI), what asking costs, and the difference.
    value: float
    cost: float
    #: Share of the answers that would change the decision.
    turns: float
    #: Empty where asking is not worth its cost.
    answers: tuple[Answer, ...]

    @property
    def net(self) -> float:
        """What asking is worth after its cost."""
        return self.value - self.cost

    def first(self, least: float, /) -> bool:
        """Whether to ask it before deciding."""
        return self.net > 0 and self.turns >= least

    def moves(self, now: VerdictName, /) -> tuple[str, ...]:
        """How answers would move the verdict, in words; empty where none does."""
        return tuple(
            f"{answer.text}: {answer.verdict.replace('_', ' ')}"
            for answer in self.answers
            if answer.verdict != now
        )


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """An attribute that is not known, with its possible answers."""

    table: AttributeTable
    #: Per answer (cells from the first on): log-odds of best by the profile.
    chances: tuple[int, ...]
    #: Customers in each cell among best and regrettable, smoothed, as shares.
    best: tuple[float, ...]
    regrettable: tuple[float, ...]


# ------------------------------------------------------------------------------ EVSI


def coherent(
    p: float, after: Sequence[float], likely: Sequence[float], /
) -> list[float]:
    """Shares of the answers, in proportion to `likely`, whose mean of `after` is p.

    Answers that raise the chance keep their proportions to each other, and so do those
    that lower it. Where all answers lie on one side of p, nothing about p is learnt:
    all shares fall on the answers nearest to it.

    >>> [round(share, 9) for share in coherent(0.5, [0.8, 0.2], [0.9, 0.1])]
    [0.5, 0.5]
    """
    up = [w if q > p else 0.0 for q, w in zip(after, likely, strict=True)]
    down = [w if q < p else 0.0 for q, w in zip(after, likely, strict=True)]
    rise = sum(w * (q - p) for q, w in zip(after, up, strict=True))
    fall = sum(w * (p - q) for q, w in zip(after, down, strict=True))
    if rise <= 0 or fall <= 0:
        return _nearest(p, after, likely)
    level = [w - u - d for w, u, d in zip(likely, up, down, strict=True)]
    total = sum(up) / rise + sum(down) / fall
    moving = (sum(up) + sum(down)) / total
    shares = [
        n + moving * (u / rise + d / fall)
        for n, u, d in zip(level, up, down, strict=True)
    ]
    whole = sum(shares)
    return [share / whole for share in shares]


def _nearest(p: float, after: Sequence[float], likely: Sequence[float]) -> list[float]:
    gap = min(abs(q - p) for q in after)
    kept = [w if abs(q - p) == gap else 0.0 for q, w in zip(after, likely, strict=True)]
    whole = sum(kept)
    return [share / whole for share in kept]


def evsi(
    stakes: Stakes, p: float, after: Sequence[float], shares: Sequence[float], /
) -> float:
    """Expected money gained by knowing the answer; `shares` must be coherent with p.

    As the mean of the answers is p, this is what the answers that turn the decision
    are worth: exactly 0 where there are none.
    """
    sign = -1.0 if stakes.pursue(p) > 0 else 1.0
    turned = (
        w * max(0.0, sign * stakes.pursue(q))
        for w, q in zip(shares, after, strict=True)
    )
    return sum(turned)


def perfect_information(stakes: Stakes, p: float, /) -> float:
    """Expected money gained by knowing how the account turns out."""
    return p * max(0.0, stakes.pursue(1.0)) - max(0.0, stakes.pursue(p))


# ------------------------------------------------------------------------ attributes


def unknown_attributes(
    row: Mapping[str, object], profile: Profile, score: Score, /
) -> tuple[Unknown, ...]:
    """The profile's attributes that are not known of an account."""
    codes = [code(row.get(column)) for column, code in _coders(profile)]
    return tuple(
        _unknown(profile, place, codes, score.margin)
        for place, table in enumerate(profile.tables)
        if codes[place] == MISSING and len(table.cells) > 1
    )


@per_profile
def _coders(profile: Profile) -> tuple[tuple[str, Callable[[object], int]], ...]:
    return tuple((table.column, coder(table)) for table in profile.tables)


def _unknown(
    profile: Profile, place: int, codes: Sequence[int], margin: int
) -> Unknown:
    table = profile.tables[place]
    moves = [_moved(profile, place, codes, code) for code in range(_FIRST, table.size)]
    best, regrettable = shares_of(table)
    return Unknown(
        table=table,
        chances=chances_after(profile, margin, centred(moves, best, regrettable)),
        best=best,
        regrettable=regrettable,
    )


def shares_of(table: AttributeTable, /) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Share of the known best, and of the known regrettable, in each cell."""
    return _shares(table.best[_FIRST:]), _shares(table.regrettable[_FIRST:])


def _shares(counts: Sequence[int]) -> tuple[float, ...]:
    whole = sum(counts) + _SMOOTH * len(counts)
    return tuple((count + _SMOOTH) / whole for count in counts)


def _moved(profile: Profile, place: int, codes: Sequence[int], code: int) -> int:
    """How an answer moves the margin, pairs included."""
    table = profile.tables[place]
    moved = table.points[code] - table.points[MISSING]
    places = {one.name: i for i, one in enumerate(profile.tables)}
    for pair in profile.pairs:
        first, second = places[pair.first], places[pair.second]
        if place not in {first, second}:
            continue
        size = profile.tables[second].size
        before = pair.points[codes[first] * size + codes[second]]
        known = {first: codes[first], second: codes[second], place: code}
        moved += pair.points[known[first] * size + known[second]] - before
    return moved


def centred(
    moves: Sequence[int], best: Sequence[float], regrettable: Sequence[float], /
) -> list[int]:
    """Moves of the margin, shifted where all go one way.

    Not knowing may have points of its own; what it says about the answers to come is
    unknown, so that answers may not all raise the chance, nor all lower it.
    """
    if min(moves) <= 0 <= max(moves):
        return list(moves)
    likely = [b + r for b, r in zip(best, regrettable, strict=True)]
    mean = sum(w * m for w, m in zip(likely, moves, strict=True)) / sum(likely)
    return [move - round(mean) for move in moves]


def chances_after(
    profile: Profile, margin: int, moves: Sequence[int], /
) -> tuple[int, ...]:
    """Log-odds of best by the profile after each move of the margin."""
    thresholds = profile.calibration.thresholds
    return tuple(LOG_ODDS[bisect_right(thresholds, margin + m)] for m in moves)


def _attribute(one: Unknown, stood: Standing, now: int, p: float) -> Question:
    learnt = now - (stood.profile_chance or 0)
    likely = [
        p * b + (1 - p) * r for b, r in zip(one.best, one.regrettable, strict=True)
    ]
    return _question(
        f"attribute:{one.table.name}",
        attribute_words(one.table, stood.catalogue),
        stood,
        p,
        [
            _Case(
                text=cell_words(one.table, code),
                likely=weight,
                chance=chance + learnt,
                stood=replace(stood, profile_chance=chance),
            )
            for code, (chance, weight) in enumerate(
                zip(one.chances, likely, strict=True), start=_FIRST
            )
        ],
    )


def attribute_words(table: AttributeTable, catalogue: Catalogue, /) -> str:
    """The question for an attribute: the workspace's own words, or plain ones."""
    own = catalogue.questions.get(table.name) or catalogue.questions.get(table.column)
    title = title_of(table)
    if own:
        return own
    if table.kind is Kind.MULTI:
        return f"Does their {table.column.replace('_', ' ')} include {table.value}?"
    if table.kind is Kind.FLAG:
        return f"{title[:1].upper()}{title[1:]}: yes or no?"
    unit = f" (in {table.unit})" if table.unit and table.kind is Kind.NUMBER else ""
    return f"{title[:1].upper()}{title[1:]}{unit}: what is it?"


# --------------------------------------------------------------------------- reasons


def _reason(reason: Reason, stood: Standing, now: int, p: float) -> Question:
    seen = p * reason.seen.best + (1 - p) * reason.seen.regrettable
    words = reason.title[:1].lower() + reason.title[1:]
    return _question(
        f"reason:{reason.code}",
        reason.question,
        stood,
        p,
        [
            _Case(
                text=f"yes: {words}" if holds else f"no: not {words}",
                likely=seen if holds else 1 - seen,
                chance=now + evidence_of(reason.seen, holds=holds),
                stood=stood.with_signal(Signal(reason=reason.code, holds=holds)),
            )
            for holds in (True, False)
        ],
    )


# ------------------------------------------------------------------------- questions


def questions_of(
    stood: Standing, unknown: Sequence[Unknown] = (), /
) -> tuple[Question, ...]:
    """The questions worth asking, the most valuable first; ties by code.

    Empty says: no question would change this; decide now. An account that cannot be
    evaluated gets the unknown attributes that tell most, whatever they are worth.
    """
    now, p = stood.chance_cured, stood.p_cured
    if now is None or p is None or stood.disqualified:
        return ()
    if not stood.scored:
        telling = [one for one in unknown if one.table.information]
        telling.sort(key=lambda one: (-one.table.information, one.table.name))
        return tuple(_attribute(one, stood, now, p) for one in telling)
    asked = [
        *(_attribute(one, stood, now, p) for one in unknown),
        *(_reason(reason, stood, now, p) for reason in _open(stood)),
    ]
    worth = [question for question in asked if question.net > 0]
    return tuple(sorted(worth, key=lambda q: (-q.net, q.code)))


def _open(stood: Standing) -> Iterator[Reason]:
    for reason in stood.catalogue.reasons:
        known = reason.code in stood.signals or stood.relaxed(reason)
        if reason.asked and not known:
            yield reason


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A possible answer before it is weighed."""

    text: str
    likely: float
    chance: int
    #: Where the account would stand after it.
    stood: Standing


def _question(
    code: str, text: str, stood: Standing, p: float, cases: Sequence[_Case]
) -> Question:
    after = [probability(case.chance) for case in cases]
    shares = coherent(p, after, [case.likely for case in cases])
    pays = stood.stakes.pursue(p) > 0
    turned = (
        share
        for share, q in zip(shares, after, strict=True)
        if (stood.stakes.pursue(q) > 0) != pays
    )
    value = evsi(stood.stakes, p, after, shares)
    cost = stood.catalogue.asking.cost_share * stood.stakes.cost
    told = value > cost or not stood.scored
    return Question(
        code=code,
        kind="attribute" if code.startswith("attribute:") else "reason",
        text=text,
        value=value,
        cost=cost,
        turns=sum(turned),
        answers=tuple(
            Answer(text=case.text, share=share, p=q, verdict=case.stood.verdict())
            for case, share, q in zip(cases, shares, after, strict=True)
        )
        if told
        else (),
    )
