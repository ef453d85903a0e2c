"""From a score and what the deal taught to one verdict with its reasons and money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

from icp.conditions import parse
from icp.disqualifiers import deciding
from icp.errors import RuleError, SchemaError
from icp.markup import html_table, notebook
from icp.qualify.money import LOG_ODDS, Money, money_of, probability
from icp.qualify.questions import Question, questions_of, unknown_attributes
from icp.qualify.reasons import VerdictName, default_catalogue
from icp.qualify.signals import aged, signals_of, standing
from icp.qualify.standing import RANK, Standing, counted_in, stand
from icp.scoring.prepared import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from icp.disqualifiers import Disqualifier, Override
    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.money import Terms
    from icp.qualify.reasons import Catalogue, Step, VerdictName, Wake
    from icp.qualify.signals import Attempt, Signal
    from icp.qualify.standing import Weighed
    from icp.scoring import Score


#: The reason that the two distances give.
_OUTSIDE: Final = "outside_profile"
_TITLES: Final[Mapping[VerdictName, str]] = {
    "pursue": "Pursue",
    "ask": "Ask first",
    "redirect": "Find another person",
    "not_now": "Not now",
    "second_option": "Stay the second option",
    "walk_away": "Walk away",
    "not_evaluable": "Not enough known",
}
_SHOWN: Final = 3


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
    """Decide about one account; see `icp.qualify.standing` for the order.

    `facts` are its values by column: rules are evaluated on them (without them, by the
    score's `disqualified_by`), and with `profile` the attributes that are not known
    are asked about. `signals` is code -> whether it holds, or signals. `invested` is
    money spent already; it is shown and changes nothing. An exception from a policy
    rule or a gate needs an approver other than who asks; RuleError otherwise.
    A reason that the catalogue does not have raises ConfigError.
    """
    listed = catalogue or default_catalogue()
    covering = _covering(score, disqualifiers, facts)
    excepted = excepted_codes(exceptions, covering, listed)
    stood = stand(
        chance_of(score, profile),
        scored=score.state == "scored",
        catalogue=listed,
        economics=economics,
        signals=signals_of(signals),
        attempts=attempts,
        excepted=frozenset(excepted),
        disqualified=any(rule.id not in excepted for rule in covering),
        counted=counted_in(listed, profile.columns if profile else ()),
        terms=terms,
        today=today,
    )
    unknown = (
        None
        if facts is None or profile is None
        else unknown_attributes(
            facts,
            profile,
            score,
            rules=tuple(r for r in deciding(disqualifiers) if r.id not in excepted),
        )
    )
    questions = questions_of(stood, unknown)
    return _told(stood, score, covering, excepted, questions, invested)


def chance_of(score: Score, profile: Profile | None = None, /) -> int | None:
    """Log-odds of best by the profile, in millinats; None without a calibration.

    With the profile also for accounts that get no score.
    """
    if profile is not None:
        step = profile.calibration.step(score.margin)
        return LOG_ODDS[step] if steps_of(profile).none else None
    return None if score.fit is None else LOG_ODDS[round(10 * score.fit)]


def excepted_codes(
    exceptions: Sequence[Override],
    covering: Sequence[Disqualifier],
    catalogue: Catalogue,
    /,
) -> dict[str, str]:
    """Rules and reasons that exceptions set aside, with who approved each.

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
    score: Score,
    rules: Sequence[Disqualifier],
    facts: Mapping[str, object] | None,
) -> tuple[Disqualifier, ...]:
    if facts is not None:
        return tuple(r for r in deciding(rules) if r.condition.holds(facts) is True)
    named = score.disqualified_by
    return tuple(rule for rule in deciding(rules) if str(rule.condition) in named)


# ---------------------------------------------------------------------------- telling


def _told(
    stood: Standing,
    score: Score,
    covering: Sequence[Disqualifier],
    excepted: Mapping[str, str],
    questions: tuple[Question, ...],
    invested: float,
) -> Verdict:
    least = stood.catalogue.asking.least_chance
    verdict = stood.verdict(ask=any(q.first(least) for q in questions))
    grounds = (
        *_rules(covering, excepted),
        *_reasons(stood),
        *_set_aside(stood, excepted),
        _distances(stood, score, verdict),
    )
    reason, step = _step(stood, covering, excepted, verdict)
    money = _money(stood, invested)
    return Verdict(
        verdict=verdict,
        grounds=grounds,
        money=money,
        questions=questions,
        step=step,
        reason=reason,
        changes=tuple(_changes(stood, grounds, money, questions, verdict)),
    )


def _money(stood: Standing, invested: float) -> Money:
    """No money where there is no score, whatever the profile's tables add up to."""
    chance = stood.profile_chance if stood.scored else None
    return money_of(
        stood.stakes,
        p_profile=None if chance is None else probability(chance),
        p=None if chance is None else stood.p,
        p_cured=None if chance is None else stood.p_cured,
        invested=invested,
    )


def _rules(
    covering: Sequence[Disqualifier], excepted: Mapping[str, str]
) -> Iterator[Ground]:
    for rule in covering:
        evidence = rule.latest.sentence() if rule.latest else rule.moves[-1].reason
        yield Ground(
            code=rule.id,
            kind="policy" if rule.kind == "policy" else "disqualifier",
            title=rule.words(),
            text=f"{rule.condition.words()}: {evidence}",
            verdict="walk_away",
            source="rule",
            on=rule.moves[-1].on,
            excepted_by=excepted.get(rule.id, ""),
        )


def _reasons(stood: Standing) -> Iterator[Ground]:
    for one in stood.weighed:
        seen = one.signal.evidence or one.reason.meaning
        yield Ground(
            code=one.reason.code,
            kind=one.reason.severity,
            title=one.reason.title,
            text="; ".join(part for part in (seen, _weighed(stood, one)) if part),
            verdict=one.verdict,
            source=one.signal.source,
            on=one.signal.on,
        )


def _weighed(stood: Standing, one: Weighed) -> str:
    """What money says about a reason, in words."""
    if one.relaxed or one.reason.weigh != "head_to_head" or stood.returns is None:
        return one.relaxed
    attack, present = stood.returns
    return (
        f"going head-to-head would return {attack:,.0f}, staying the second option "
        f"{present:,.0f}"
    )


def _set_aside(stood: Standing, excepted: Mapping[str, str]) -> Iterator[Ground]:
    for code, signal in stood.signals.items():
        if signal.holds and code in excepted:
            reason = stood.catalogue[code]
            yield Ground(
                code=code,
                kind=reason.severity,
                title=reason.title,
                text=signal.evidence or reason.meaning,
                verdict="walk_away",
                source=signal.source,
                on=signal.on,
                excepted_by=excepted[code],
            )


def _distances(stood: Standing, score: Score, verdict: VerdictName) -> Ground:
    worth = stood.worth
    code, title = {
        "pursue": ("worth_it", "Expected to be worth it"),
        "walk_away": ("below_break_even", "Not expected to be worth it"),
    }.get(worth, ("not_enough_known", "Not enough known"))
    if worth == verdict == "walk_away" and _outside(score):
        code, title = _OUTSIDE, stood.catalogue[_OUTSIDE].title
    return Ground(
        code=code,
        kind="distances",
        title=title,
        text=score.why_not if worth == "not_evaluable" else _between(score),
        verdict=verdict if verdict == "ask" else worth,
        source="profile",
    )


def _outside(score: Score) -> bool:
    """Whether it is nearer to a regrettable segment than to any best one."""
    if score.nearest_best is None or score.nearest_regrettable is None:
        return False
    return score.distance_regrettable < score.distance_best


def _between(score: Score) -> str:
    places = (
        (score.nearest_best, score.distance_best, "best"),
        (score.nearest_regrettable, score.distance_regrettable, "regrettable"),
    )
    said = [
        f"{distance / 1000:.1f} to {name} ({kind})"
        for name, distance, kind in places
        if name is not None
    ]
    return f"distance {', '.join(said)}" if said else "no segment to compare with"


def _step(
    stood: Standing,
    covering: Sequence[Disqualifier],
    excepted: Mapping[str, str],
    verdict: VerdictName,
) -> tuple[str | None, Step | None]:
    """The reason and the step that the verdict comes from."""
    for rule in covering:
        if rule.id not in excepted:
            return _of_rule(stood.catalogue, rule)
    asking = (one for one in stood.weighed if one.verdict == verdict)
    first: Weighed | None = next((o for o in asking if not o.relaxed), None)
    if first is not None:
        return first.reason.code, first.step
    if verdict == "walk_away":
        return _OUTSIDE, stood.catalogue[_OUTSIDE].step()
    return None, None


def _of_rule(catalogue: Catalogue, rule: Disqualifier) -> tuple[str, Step]:
    """A rule's own play where it names one that its reason knows."""
    code = rule.reason if rule.reason in catalogue.codes else _OUTSIDE
    steps = catalogue[code].steps
    return code, next((s for s in steps if s.play == rule.exit), steps[-1])


def _changes(
    stood: Standing,
    grounds: Sequence[Ground],
    money: Money,
    questions: Sequence[Question],
    verdict: VerdictName,
) -> Iterator[str]:
    for ground in grounds:
        if ground.excepted_by:
            continue
        if ground.kind in {"policy", "disqualifier"}:
            yield f"an approved exception from: {ground.title}"
        elif ground.kind != "distances" and RANK[ground.verdict] < RANK["pursue"]:
            yield _cured(stood.catalogue, ground)
    if money.p_cured is not None and 0 < money.break_even < 1:
        side = "above" if money.p_cured <= money.break_even else "below"
        now = f"{money.break_even:.0%} (now {money.p_cured:.0%})"
        if side == "above" or verdict != "walk_away":
            yield f"a chance of best {side} {now}"
    for question in questions[:_SHOWN]:
        moves = "; ".join(question.moves(verdict)[:_SHOWN])
        if moves:
            yield f"{question.text} {moves}"


def _cured(catalogue: Catalogue, ground: Ground) -> str:
    reason = catalogue[ground.code]
    if reason.wake.never:
        return f"{reason.title.lower()}: nothing we know of ({reason.wake.never})"
    return f"{reason.title.lower()}: {reason.wake.text}"


# ---- The way out: what was said and promised, and what wakes the account again

#: What each play is called on screen.
PLAY_NAMES: Final[Mapping[str, str]] = {
    "quantify": "put a number on the gain",
    "ask_again": "ask once more",
    "last_message": "one last message",
    "next_event": "agree on the next event and its date",
    "other_stakeholder": "find somebody else in the company",
    "second_option": "stay the second option",
    "park": "put it aside until it wakes",
    "referral": "walk away and ask for a referral",
}
_MONTHS: Final = 12
_LEAST_DAYS: Final = 28


@dataclass(frozen=True, kw_only=True)
class Exit:
    """One exit: what it was for, what was said, and what wakes the account again."""

    account_id: str
    verdict: VerdictName
    #: Code of the reason or id of the rule that decided.
    reason: str
    play: str
    words: str
    #: What we promised to do; empty where nothing.
    promised: str = ""
    #: Money and hours that going on would have taken.
    money: float = 0.0
    hours: float = 0.0
    wake_text: str = ""
    wake_when: str = ""
    wake_on: date | None = None
    #: Why nothing wakes it; empty where something does.
    never: str = ""
    #: Whether the condition was not met yet when it was last looked at.
    armed: bool = True


@dataclass(frozen=True, kw_only=True)
class Freed:
    """What exits set free."""

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
    found = Exit(
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
    return found if not _met(found, facts) else _disarmed(found)


def facts_of(
    row: Mapping[str, object],
    signals: Iterable[Signal],
    catalogue: Catalogue,
    /,
    *,
    today: date,
) -> dict[str, object]:
    """What wake-up conditions read: columns, ages, and `signal_<code>` yes or no."""
    known = standing(signals, catalogue, today=today)
    said = {f"signal_{code}": signal.holds for code, signal in known.items()}
    return {**aged(row, today), **said}


def woken(sleeping: Exit, facts: Mapping[str, object], today: date, /) -> str:
    """Why the account woke, in words; empty while it sleeps.

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
        return f"it is time: {sleeping.wake_text}"
    return ""


def arms(sleeping: Exit, facts: Mapping[str, object], /) -> bool:
    """Whether its condition is known to fail now, so that it counts from here on."""
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


def _disarmed(found: Exit) -> Exit:
    return replace(found, armed=False)
