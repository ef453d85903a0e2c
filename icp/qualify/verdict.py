"""One verdict in words: the one judge's ruling on a list of one, with its grounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import polars as pl

from icp.conditions import parse
from icp.disqualifiers import deciding
from icp.errors import RuleError, SchemaError
from icp.markup import html_table, notebook
from icp.qualify.batch import (
    DISTANCES,
    OUTSIDE,
    VERDICTS,
    Attributes,
    Cases,
    next_steps,
)
from icp.qualify.money import (
    LOG_ODDS,
    Money,
    Stakes,
    TermColumns,
    Terms,
    probability,
    sensitivity,
)
from icp.qualify.questions import Question, questions_of
from icp.qualify.reasons import (
    RANK,
    VerdictName,  # the store reads exits by their types
    default_catalogue,
)
from icp.qualify.signals import SignalColumns, aged, signals_of, standing
from icp.scoring.prepared import steps_of
from icp.scoring.single import scorer_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from icp.disqualifiers import Disqualifier, Override
    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.reasons import Catalogue, Reason, Step, Wake
    from icp.qualify.signals import Attempt, Signal
    from icp.scoring import Score

    Whole = NDArray[np.int64]


_TITLES: Final[Mapping[VerdictName, str]] = {
    "pursue": "Pursue",
    "ask": "Ask first",
    "redirect": "Find another person",
    "not_now": "Not now",
    "second_option": "Stay the second option",
    "walk_away": "Walk away",
    "not_evaluable": "Not enough known",
}
#: What the two distances are called, and what money alone asks for.
_GROUNDS: Final = {
    "worth_it": "Expected to be worth it",
    "below_break_even": "Not expected to be worth it",
    "not_enough_known": "Not enough known",
}
_ALONE: Final[Mapping[str, VerdictName]] = {
    "worth_it": "pursue",
    "not_enough_known": "not_evaluable",
}
#: Why a reason asks for nothing, by what it is weighed against.
_USUAL: Final = {
    "margin": "the discount they expect is no more than usual in their segment",
    "keep": "keeping them costs no more than usual in their segment",
}
_MOST: Final = 3


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One ground of a verdict, and where it comes from."""

    #: A reason's code, a rule's id, or `worth_it`, `below_break_even`,
    #: `not_enough_known` for the two distances.
    code: str
    kind: Literal["policy", "disqualifier", "gate", "strong", "soft", "distances"]
    title: str
    text: str
    #: What it asks for by itself.
    verdict: VerdictName
    #: Who or what says so: answer, column, lost_reason, rule, profile.
    source: str
    on: date | None = None
    #: Who approved the exception that sets it aside; empty where there is none.
    excepted_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to do about an account, why, what it is worth, and what would change it."""

    verdict: VerdictName
    #: In order: policy, disqualifiers, gate, strong and soft reasons, the distances.
    grounds: tuple[Ground, ...]
    money: Money
    #: The most valuable first; empty: no question would change this, decide now.
    questions: tuple[Question, ...]
    #: The play and its words; None where nothing is to be said but "go on".
    step: Step | None
    #: The reason that the step belongs to; None for a rule's or the money's own.
    reason: str | None
    #: What would change the verdict, in words.
    changes: tuple[str, ...]

    @property
    def title(self) -> str:
        """The verdict as people say it."""
        return _TITLES[self.verdict]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the grounds that were not set aside, in order."""
        return tuple(g.code for g in self.grounds if not g.excepted_by)

    @property
    def question(self) -> Question | None:
        """The next best question, None where none is worth asking."""
        return self.questions[0] if self.questions else None

    @property
    def asked(self) -> str:
        """The next best question in words, or that there is none."""
        if self.question is None:
            return "No question would change this; decide now."
        return self.question.text

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, its reasons, and what to ask next."""
        rows = ((g.title, g.text, g.excepted_by) for g in self.grounds)
        return notebook(
            f"Verdict: {self.title}",
            [f"Next question: {self.asked}"],
            html_table(("reason", "evidence", "exception by"), rows),
        )


def decide(
    score: Score,
    /,
    *,
    economics: Economics,
    signals: Mapping[str, bool] | Iterable[Signal] = (),
    disqualifiers: Sequence[Disqualifier] = (),
    facts: Mapping[str, object] | None = None,
    profile: Profile | None = None,
    catalogue: Catalogue | None = None,
    attempts: Iterable[Attempt] = (),
    exceptions: Sequence[Override] = (),
    terms: Terms | None = None,
    invested: float = 0.0,
    today: date | None = None,
) -> Verdict:
    """Decide about one account; see `icp.qualify.batch` for the order.

    `facts` are its values by column: rules are evaluated on them (without them, by the
    score's `disqualified_by`), and with `profile` the attributes that are not known
    are asked about. `signals` is code -> whether it holds, or signals. `invested` is
    money spent already; it is shown and changes nothing. An exception from a policy
    rule or a gate needs an approver other than the person who asks; RuleError
    otherwise. A reason that the catalogue does not have raises ConfigError.
    """
    reasons = catalogue or default_catalogue()
    rules = deciding(disqualifiers)
    covering = _covering(score, rules, facts)
    exempt = exempt_codes(exceptions, covering, reasons)
    newest = standing(signals_of(signals), reasons, today=today)
    chance = chance_of(score, profile)
    case = Cases(
        catalogue=reasons,
        economics=economics,
        scored=np.array([score.state == "scored" and chance is not None]),
        profile_chance=np.array([chance or 0], dtype=np.int64),
        signals=SignalColumns.of([newest], reasons),
        in_profile=reasons.codes_over(profile.columns if profile else ()),
        exempt=np.array([[code in exempt for code in reasons.codes]], dtype=bool),
        ruled_out=np.array([any(rule.id not in exempt for rule in covering)]),
        steps=next_steps(reasons, [(0, tuple(attempts))], 1),
        terms=TermColumns.of([terms or Terms()]),
        outside=np.array([_outside(score)]),
    )
    applying = [rule for rule in rules if rule.id not in exempt]
    attributes = _attributes(score, facts, profile, applying)
    questions, first = ((), False) if chance is None else questions_of(case, attributes)
    return _Ruling(
        case=case,
        score=score,
        signals=newest,
        covering=covering,
        exempt=exempt,
        questions=questions,
        first=first,
    ).verdict(invested)


def chance_of(score: Score, profile: Profile | None = None, /) -> int | None:
    """Log-odds of best by the profile, in millinats; None without a calibration.

    With the profile also for accounts that get no score.
    """
    if profile is not None:
        step = profile.calibration.step(score.margin)
        return LOG_ODDS[step] if steps_of(profile).none else None
    return None if score.fit is None else LOG_ODDS[round(10 * score.fit)]


def exempt_codes(
    exceptions: Sequence[Override],
    covering: Sequence[Disqualifier],
    catalogue: Catalogue,
    /,
) -> dict[str, str]:
    """Rules and reasons that exceptions free from, with who approved each.

    Raises RuleError where a gate or a policy rule lacks an approver of its own.
    """
    rules = {rule.id: rule for rule in covering}
    gates = {r.code for r in catalogue.reasons if r.severity == "gate"}
    for one in exceptions:
        if one.rule in rules:
            one.of(rules[one.rule])
        if one.rule in gates and one.approver in {None, "", one.asked_by}:
            message = (
                f"{one.rule!r} is a gate; name somebody else who approves the exception"
            )
            raise RuleError(message)
    return {one.rule: one.approver or one.asked_by for one in exceptions}


def _covering(
    score: Score, rules: Sequence[Disqualifier], facts: Mapping[str, object] | None
) -> tuple[Disqualifier, ...]:
    if facts is not None:
        return tuple(r for r in rules if r.condition.holds(facts) is True)
    return tuple(r for r in rules if str(r.condition) in score.disqualified_by)


def _outside(score: Score) -> bool:
    """Whether it is nearer to a regrettable segment than to any best one."""
    if score.nearest_best is None or score.nearest_regrettable is None:
        return False
    return score.distance_regrettable < score.distance_best


def _attributes(
    score: Score,
    facts: Mapping[str, object] | None,
    profile: Profile | None,
    rules: Sequence[Disqualifier],
) -> Attributes | None:
    """What the profile reads of one account; `rules` are those it is not free from."""
    if facts is None or profile is None:
        return None
    columns = sorted({column for rule in rules for column in rule.condition.columns})
    return Attributes(
        profile=profile,
        codes=np.array([scorer_of(profile).codes(facts)], dtype=np.int64),
        margins=np.array([score.margin], dtype=np.int64),
        rules=tuple(rules),
        exempt=np.zeros((1, len(rules)), dtype=bool),
        frame=pl.DataFrame({c: [facts.get(c)] for c in columns}, strict=False),
    )


# ---------------------------------------------------------------------------- in words


@dataclass(frozen=True, kw_only=True)
class _Ruling:
    """A list of one as judged, and all that its words need."""

    case: Cases
    score: Score
    #: The signal that counts for each reason.
    signals: Mapping[str, Signal]
    #: Rules in force that cover the account, and what an exception frees it from.
    covering: Sequence[Disqualifier]
    exempt: Mapping[str, str]
    questions: tuple[Question, ...]
    #: Whether a question comes before the decision.
    first: bool

    def verdict(self, invested: float) -> Verdict:
        """The ruling with its grounds, money, questions, step and changes."""
        grounds = (
            *self._rules(),
            *self._reasons(),
            *self._exemptions(),
            self._distances(),
        )
        reason, step = self._step()
        money = self._money(invested)
        return Verdict(
            verdict=self.name,
            grounds=grounds,
            money=money,
            questions=self.questions,
            step=step,
            reason=reason,
            changes=tuple(self._changes(grounds, money)),
        )

    @cached_property
    def _rank(self) -> Whole:
        return self.case.verdict(np.array([self.first]))

    @property
    def name(self) -> VerdictName:
        """The verdict."""
        return VERDICTS[int(self._rank[0])]

    @property
    def _catalogue(self) -> Catalogue:
        return self.case.catalogue

    def _money(self, invested: float) -> Money:
        """No money where there is no score, whatever the profile's tables add up to."""
        case, scored = self.case, bool(self.case.scored[0])
        stakes = Stakes(
            value=float(case.stakes.value[0]),
            loss=case.stakes.loss,
            cost=case.stakes.cost,
        )
        p = probability(int(case.chance_now[0]))
        p_cured = float(case.outlook.p[0])
        return Money(
            p_profile=probability(int(case.profile_chance[0])) if scored else None,
            p=p if scored else None,
            p_cured=p_cured if scored else None,
            stakes=stakes,
            pursue=stakes.pursue(p) if scored else None,
            pursue_cured=float(case.outlook.worth[0]) if scored else None,
            invested=invested,
            sensitivity=sensitivity(p_cured, stakes) if scored else (),
        )

    # ------------------------------------------------------------------------- grounds

    def _rules(self) -> Iterator[Ground]:
        for rule in self.covering:
            evidence = rule.latest.sentence() if rule.latest else rule.moves[-1].reason
            yield Ground(
                code=rule.id,
                kind="policy" if rule.kind == "policy" else "disqualifier",
                title=rule.words(),
                text=f"{rule.condition.words()}: {evidence}",
                verdict="walk_away",
                source="rule",
                on=rule.moves[-1].on,
                excepted_by=self.exempt.get(rule.id, ""),
            )

    def _reasons(self) -> Iterator[Ground]:
        for place in self.case.order[0]:
            if self.case.present[0, place]:
                reason = self._catalogue.reasons[place]
                signal = self.signals[reason.code]
                observation = signal.evidence or reason.meaning
                money = self._money_on(place)
                yield Ground(
                    code=reason.code,
                    kind=reason.severity,
                    title=reason.title,
                    text="; ".join(part for part in (observation, money) if part),
                    verdict=VERDICTS[self.case.ranks[0, place]],
                    source=signal.source,
                    on=signal.on,
                )

    def _money_on(self, place: int) -> str:
        """What money says about a reason, in words; empty for nothing."""
        weigh = self._catalogue.reasons[place].weigh
        relaxed = bool(self.case.relaxed[0, place])
        if weigh == "head_to_head" and relaxed:
            return "going head-to-head returns more than staying the second option"
        if weigh == "head_to_head" and self.case.scored[0]:
            attack, present = self.case.returns
            return (
                f"going head-to-head would return {attack[0]:,.0f}, staying the second "
                f"option {present[0]:,.0f}"
            )
        return _USUAL.get(weigh or "", "") if relaxed else ""

    def _exemptions(self) -> Iterator[Ground]:
        for code, signal in self.signals.items():
            if signal.holds and code in self.exempt:
                reason = self._catalogue[code]
                yield Ground(
                    code=code,
                    kind=reason.severity,
                    title=reason.title,
                    text=signal.evidence or reason.meaning,
                    verdict="walk_away",
                    source=signal.source,
                    on=signal.on,
                    excepted_by=self.exempt[code],
                )

    def _distances(self) -> Ground:
        code = DISTANCES[self.case.distances(self._rank)[0]]
        alone: VerdictName = _ALONE.get(code, "walk_away")
        unsure = alone == "not_evaluable"
        return Ground(
            code=code,
            kind="distances",
            title=_GROUNDS.get(code) or self._catalogue[code].title,
            text=self.score.why_not if unsure else _between(self.score),
            verdict="ask" if self.name == "ask" else alone,
            source="profile",
        )

    # ---------------------------------------------------------------- step and changes

    def _step(self) -> tuple[str | None, Step | None]:
        """The reason and the step that the verdict comes from."""
        for rule in self.covering:
            if rule.id not in self.exempt:
                return _step_of(rule, self._catalogue)
        place = int(self.case.reason(self._rank)[0])
        if place >= 0:
            reason = self._catalogue.reasons[place]
            return reason.code, reason.steps[self.case.steps[0, place]]
        if self.name == "walk_away":
            return OUTSIDE, self._catalogue[OUTSIDE].step()
        return None, None

    def _changes(self, grounds: Sequence[Ground], money: Money) -> Iterator[str]:
        for ground in grounds:
            if ground.excepted_by:
                continue
            if ground.kind in {"policy", "disqualifier"}:
                yield f"an approved exception from: {ground.title}"
            elif ground.kind != "distances" and RANK[ground.verdict] < RANK["pursue"]:
                yield _cured(self._catalogue[ground.code])
        if money.p_cured is not None and 0 < money.break_even < 1:
            side = "above" if money.p_cured <= money.break_even else "below"
            now = f"{money.break_even:.0%} (now {money.p_cured:.0%})"
            if side == "above" or self.name != "walk_away":
                yield f"a chance of best {side} {now}"
        for question in self.questions[:_MOST]:
            moves = "; ".join(question.moves(self.name)[:_MOST])
            if moves:
                yield f"{question.text} {moves}"


def _between(score: Score) -> str:
    places = (
        (score.nearest_best, score.distance_best, "best"),
        (score.nearest_regrettable, score.distance_regrettable, "regrettable"),
    )
    distances = [
        f"{distance / 1000:.1f} to {name} ({kind})"
        for name, distance, kind in places
        if name is not None
    ]
    if not distances:
        return "no segment to compare with"
    return f"distance {', '.join(distances)}"


def _step_of(rule: Disqualifier, catalogue: Catalogue) -> tuple[str, Step]:
    """A rule's own play where it names one that its reason has."""
    code = rule.reason if rule.reason in catalogue.codes else OUTSIDE
    steps = catalogue[code].steps
    return code, next((s for s in steps if s.play == rule.exit), steps[-1])


def _cured(reason: Reason) -> str:
    if reason.wake.never:
        return f"{reason.title.lower()}: nothing we know of ({reason.wake.never})"
    return f"{reason.title.lower()}: {reason.wake.text}"


# ---- The way out: words and promises, and when the account is due for another look

#: What each play is called on screen.
PLAY_NAMES: Final[Mapping[str, str]] = {
    "quantify": "put a number on the gain",
    "ask_again": "ask once more",
    "last_message": "one last message",
    "next_event": "agree on the next step and its date",
    "other_stakeholder": "find somebody else at the company",
    "second_option": "stay the second option",
    "park": "park it until something changes",
    "referral": "walk away and ask for a referral",
}
_MONTHS: Final = 12
_LEAST_DAYS: Final = 28


@dataclass(frozen=True, kw_only=True)
class Exit:
    """One exit: why, with which words, and when the account is due for another look."""

    account_id: str
    verdict: VerdictName
    #: Code of the reason or id of the rule that decided.
    reason: str
    play: str
    words: str
    #: Our promise; empty where there is none.
    promised: str = ""
    #: Money and hours that pursuing would have taken.
    money: float = 0.0
    hours: float = 0.0
    wake_text: str = ""
    wake_when: str = ""
    wake_on: date | None = None
    #: Why it will not be looked at again; empty where it will.
    never: str = ""
    #: Whether the condition was not met when it was last checked.
    armed: bool = True


@dataclass(frozen=True, kw_only=True)
class Freed:
    """Time and money that exits set free."""

    exits: int
    hours: float
    money: float


def exit_of(
    verdict: Verdict,
    account_id: str,
    catalogue: Catalogue,
    /,
    *,
    today: date,
    facts: Mapping[str, object],
    promised: str = "",
    hours: float = 0.0,
) -> Exit | None:
    """The exit that a verdict asks for; None where it asks for none."""
    if verdict.step is None or verdict.reason is None:
        return None
    wake = catalogue[verdict.reason].wake
    left = Exit(
        account_id=account_id,
        verdict=verdict.verdict,
        reason=verdict.reason,
        play=verdict.step.play,
        words=verdict.step.say,
        promised=promised,
        money=verdict.money.stakes.cost,
        hours=hours,
        wake_text=wake.text,
        wake_when="" if wake.when is None else str(wake.when),
        wake_on=_due(wake, today),
        never=wake.never,
    )
    return replace(left, armed=not _met(left, facts))


def facts_of(
    row: Mapping[str, object],
    signals: Iterable[Signal],
    catalogue: Catalogue,
    /,
    *,
    today: date,
) -> dict[str, object]:
    """The facts that wake conditions read: columns, ages, `signal_<code>` yes or no."""
    newest = standing(signals, catalogue, today=today)
    flags = {f"signal_{code}": signal.holds for code, signal in newest.items()}
    return {**aged(row, today), **flags}


def woken(sleeping: Exit, facts: Mapping[str, object], today: date, /) -> str:
    """Why the account is due for another look; empty where it is not.

    A condition that was met when the account was left must fail once before it counts.

    >>> left = Exit(account_id="a", verdict="not_now", reason="no_budget", play="park",
    ...             words="", wake_text="three are left", wake_when="vendors <= 3")
    >>> woken(left, {"vendors": 5}, date(2026, 1, 31))
    ''
    >>> woken(left, {"vendors": 3}, date(2026, 1, 31))
    'three are left (vendors <= 3)'
    """
    if sleeping.armed and _met(sleeping, facts):
        return f"{sleeping.wake_text} ({parse(sleeping.wake_when).words()})"
    if sleeping.wake_on is not None and sleeping.wake_on <= today:
        return f"due for another look: {sleeping.wake_text}"
    return ""


def arms(sleeping: Exit, facts: Mapping[str, object], /) -> bool:
    """Whether its condition is known to fail now, so that it counts from now on."""
    return not sleeping.armed and _holds(sleeping, facts) is False


def after_months(day: date, months: int, /) -> date:
    """The day so many months later; the month's last day where it is shorter.

    >>> after_months(date(2026, 1, 31), 1), after_months(date(2026, 5, 2), 8)
    (datetime.date(2026, 2, 28), datetime.date(2027, 1, 2))
    """
    years, month = divmod(day.month - 1 + months, _MONTHS)
    for last in range(day.day, _LEAST_DAYS - 1, -1):
        try:
            return date(day.year + years, month + 1, last)
        except ValueError:
            continue
    return date(day.year + years, month + 1, day.day)


def _due(wake: Wake, today: date) -> date | None:
    return after_months(today, wake.months) if wake.months else None


def _met(sleeping: Exit, facts: Mapping[str, object]) -> bool:
    return _holds(sleeping, facts) is True


def _holds(sleeping: Exit, facts: Mapping[str, object]) -> bool | None:
    """Whether its condition holds; None where that is not known, or it has none."""
    if not sleeping.wake_when:
        return None
    try:
        return parse(sleeping.wake_when).holds(facts)
    except SchemaError:
        return None
