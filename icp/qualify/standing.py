"""Where an account stands, and the verdict that follows: whole numbers and rules only.

```
policy gate          a policy rule or a gate reason, no approved exception -> walk away
active disqualifier  a rule that a person put in force                     -> walk away
reasons              each asks for its next step that was not tried
expected value       pursue, ask first, or walk away; not_evaluable without a chance
```

The verdict is the worst of these (`RANK`), so that taking something bad away, or a
better chance, can only make it better. `icp.qualify.batch` says the same for lists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from icp.qualify.money import Stakes, Terms, evidence_of, probability, stakes_of
from icp.qualify.signals import Attempt, Signal, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from icp.outcomes import Economics
    from icp.qualify.reasons import Catalogue, Reason, Step, VerdictName


#: The order of verdicts, from worst to best.
RANK: Final[Mapping[VerdictName, int]] = {
    "walk_away": 0,
    "not_now": 1,
    "second_option": 2,
    "redirect": 3,
    "ask": 4,
    "not_evaluable": 5,
    "pursue": 6,
}


def worst(verdicts: Iterable[VerdictName], /) -> VerdictName:
    """The worst of some verdicts; `pursue` where there are none."""
    return min(verdicts, key=RANK.__getitem__, default="pursue")


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A reason that holds, the step it asks for, and the verdict of that step."""

    reason: Reason
    signal: Signal
    step: Step
    verdict: VerdictName
    #: Why the step is not asked for, where money says otherwise.
    relaxed: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """All that a verdict depends on."""

    catalogue: Catalogue
    stakes: Stakes
    terms: Terms
    #: Log-odds of best by the profile, in millinats; None where it has no calibration.
    profile_chance: int | None
    #: Whether the profile gives a score.
    scored: bool
    signals: Mapping[str, Signal]
    #: Plays tried without success, by reason.
    tried: Mapping[str, frozenset[str]]
    #: Reasons that an approved exception sets aside.
    excepted: frozenset[str] = frozenset()
    #: A policy rule, or an active one, that no exception sets aside.
    disqualified: bool = False
    #: Reasons whose columns the profile reads: its chance knows them already.
    counted: frozenset[str] = frozenset()

    def with_signal(self, signal: Signal, /) -> Standing:
        """The same after one more signal."""
        return replace(self, signals={**self.signals, signal.reason: signal})

    @cached_property
    def present(self) -> tuple[Reason, ...]:
        """The reasons that hold and are not set aside."""
        return tuple(
            self.catalogue[code]
            for code, signal in self.signals.items()
            if signal.holds and code not in self.excepted
        )

    @cached_property
    def chance(self) -> int | None:
        """Log-odds of best as things are, after all that the deal taught."""
        if self.profile_chance is None:
            return None
        return self.profile_chance + sum(self._evidence.values())

    @cached_property
    def chance_cured(self) -> int | None:
        """The same once everything is cured that can be; this is what decides.

        What can be cured is left to its steps, what the terms show to be no reason is
        none, and one soft signal alone decides nothing.
        """
        if self.profile_chance is None:
            return None
        lone = len(self.present) == 1 and self.present[0].severity == "soft"
        waived = {
            reason.code
            for reason in self.present
            if lone or "nothing" not in reason.cure or self._usual(reason)
        }
        counted = (e for code, e in self._evidence.items() if code not in waived)
        return self.profile_chance + sum(counted)

    @cached_property
    def _evidence(self) -> dict[str, int]:
        return {
            code: evidence_of(self.catalogue[code].seen, holds=signal.holds)
            for code, signal in self.signals.items()
            if code not in self.excepted
            and not (signal.source == "column" and code in self.counted)
        }

    @property
    def p(self) -> float | None:
        """The probability of best as things are."""
        return None if self.chance is None else probability(self.chance)

    @property
    def p_cured(self) -> float | None:
        """The probability of best once everything is cured that can be."""
        return None if self.chance_cured is None else probability(self.chance_cured)

    @cached_property
    def weighed(self) -> tuple[Weighed, ...]:
        """The reasons that hold with their steps, the worst first."""
        found = [self._weighed(reason) for reason in self.present]
        order = {"gate": 0, "strong": 1, "soft": 2}
        return tuple(
            sorted(
                found,
                key=lambda one: (
                    order[one.reason.severity] and RANK[one.verdict],
                    order[one.reason.severity],
                ),
            )
        )

    @property
    def worth(self) -> VerdictName:
        """The verdict of money alone."""
        if not self.scored or self.p_cured is None:
            return "not_evaluable"
        return "pursue" if self.stakes.pursue(self.p_cured) > 0 else "walk_away"

    def verdict(self, *, ask: bool = False) -> VerdictName:
        """The verdict; with `ask`, money waits for the answer to a question."""
        money = "ask" if ask and self.worth != "not_evaluable" else self.worth
        if self.disqualified:
            return "walk_away"
        return worst([money, *(one.verdict for one in self.weighed)])

    def _weighed(self, reason: Reason) -> Weighed:
        step = reason.step(self.tried.get(reason.code, frozenset()))
        relaxed = self.relaxed(reason)
        return Weighed(
            reason=reason,
            signal=self.signals[reason.code],
            step=step,
            verdict="pursue" if relaxed else step.verdict,
            relaxed=relaxed,
        )

    def relaxed(self, reason: Reason, /) -> str:
        """Why money says that this reason asks for nothing; empty where it does."""
        if reason.weigh == "head_to_head" and self._attack_pays():
            return "going head-to-head returns more than staying the second option"
        return self._usual(reason)

    def _usual(self, reason: Reason) -> str:
        if reason.weigh == "margin" and self.terms.margin_holds:
            return "the discount they expect is no more than usual in their segment"
        if reason.weigh == "keep" and self.terms.keeping_holds:
            return "keeping them costs no more than usual in their segment"
        return ""

    def _attack_pays(self) -> bool:
        returns = self.returns
        return returns is not None and returns[0] > max(0.0, returns[1])

    @property
    def returns(self) -> tuple[float, float] | None:
        """Money of going against an incumbent, and of staying the second option."""
        if self.p_cured is None or not self.scored:
            return None
        plan, months = self.catalogue.head_to_head, self.terms.incumbent_months
        near = months is not None and months <= plan.window
        return (
            self.stakes.head_to_head(self.p_cured, plan, near=near),
            self.stakes.stay_present(self.p_cured, plan),
        )


def stand(
    profile_chance: int | None,
    /,
    *,
    scored: bool,
    catalogue: Catalogue,
    economics: Economics,
    signals: Iterable[Signal] = (),
    attempts: Iterable[Attempt] = (),
    excepted: frozenset[str] = frozenset(),
    disqualified: bool = False,
    counted: frozenset[str] = frozenset(),
    terms: Terms | None = None,
    today: date | None = None,
) -> Standing:
    """Put together where an account stands."""
    known = terms or Terms()
    return Standing(
        catalogue=catalogue,
        stakes=stakes_of(economics, known),
        terms=known,
        profile_chance=profile_chance,
        scored=scored,
        signals=standing(signals, catalogue, today=today),
        tried=tried_by(attempts),
        excepted=excepted,
        disqualified=disqualified,
        counted=counted,
    )


def counted_in(catalogue: Catalogue, columns: Iterable[str], /) -> frozenset[str]:
    """The reasons that are read from columns which a profile with these reads, too."""
    read = set(columns)
    return frozenset(
        reason.code
        for reason in catalogue.reasons
        if any(read & c.columns for c in (*reason.when, *reason.unless))
    )


def tried_by(attempts: Iterable[Attempt], /) -> dict[str, frozenset[str]]:
    """The plays that were tried without success, by reason."""
    tried: dict[str, frozenset[str]] = {}
    for attempt in attempts:
        if not attempt.worked:
            known = tried.get(attempt.reason, frozenset())
            tried[attempt.reason] = known | {attempt.play}
    return tried
