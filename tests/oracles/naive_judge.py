"""What a verdict is, for one account in plain Python: slow, obvious, no columns.

The oracle of `icp.qualify.batch`. It shares with it the tables of chances, the
catalogue and the values that stand for a cell, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from oracles.naive_score import naive_code

from icp.qualify import RANK, Signal, Terms
from icp.qualify.asking import answers_of, attribute_words
from icp.qualify.money import LOG_ODDS, evidence_of, probability

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from icp.disqualifiers import Disqualifier
    from icp.outcomes import Economics
    from icp.profile import AttributeTable, Profile
    from icp.qualify import Attempt, Catalogue, Reason
    from icp.qualify.reasons import Step
    from icp.scoring import Score

SOURCES = ("lost_reason", "column", "answer")
SEVERITIES = ("gate", "strong", "soft")


# ------------------------------------------------------------------------------ money


@dataclass(frozen=True, kw_only=True)
class Stakes:
    value: float
    loss: float
    cost: float

    def pursue(self, p: float) -> float:
        return p * self.value - (1 - p) * self.loss - self.cost

    @property
    def break_even(self) -> float:
        if self.value + self.loss == 0:
            return 1.0
        return (self.loss + self.cost) / (self.value + self.loss)


def stakes_of(economics: Economics, terms: Terms) -> Stakes:
    share, extra = 1.0, 0.0
    if terms.discount is not None and terms.usual_discount is not None:
        usual = 1 - min(terms.usual_discount, 0.99)
        share = min(1.0, max(0.0, 1 - terms.discount) / usual)
    if terms.cost_to_keep is not None and terms.usual_cost_to_keep is not None:
        extra = max(0.0, terms.cost_to_keep - terms.usual_cost_to_keep)
    value = max(0.0, economics.V * share - extra)
    return Stakes(value=value, loss=economics.L, cost=economics.C)


# ---------------------------------------------------------------------------- signals


def newest(
    signals: Iterable[Signal], catalogue: Catalogue, today: date | None
) -> dict[str, Signal]:
    """The signal that counts for each reason, in the catalogue's order."""
    counting: dict[str, Signal] = {}
    for signal in signals:
        fades = catalogue[signal.reason].fades
        if today and signal.on and fades and signal.on < today - timedelta(days=fades):
            continue
        rival = counting.get(signal.reason)
        if rival is None or age(signal) >= age(rival):
            counting[signal.reason] = signal
    return {code: counting[code] for code in catalogue.codes if code in counting}


def age(signal: Signal) -> tuple[bool, date, int]:
    on = signal.on or date.min
    return (signal.on is None, on, SOURCES.index(signal.source))


# ------------------------------------------------------------------------------ judge


@dataclass(frozen=True, kw_only=True)
class Account:
    """All that a verdict depends on."""

    score: Score
    profile: Profile
    facts: Mapping[str, object]
    catalogue: Catalogue
    economics: Economics
    #: Log-odds of best by the profile; None without a calibration.
    chance: int | None
    signals: Mapping[str, Signal]
    attempts: Sequence[Attempt]
    #: Rules and reasons from which exceptions free it.
    exempt: frozenset[str]
    #: The rules in force, policy first.
    rules: Sequence[Disqualifier]
    #: An answer that falls under a rule.
    ruled_out: bool = False
    terms: Terms

    @cached_property
    def stakes(self) -> Stakes:
        return stakes_of(self.economics, self.terms)

    @cached_property
    def scored(self) -> bool:
        return self.score.state == "scored" and self.chance is not None

    @cached_property
    def covering(self) -> list[Disqualifier]:
        return [
            rule
            for rule in self.rules
            if rule.id not in self.exempt and rule.condition.holds(self.facts)
        ]

    @cached_property
    def present(self) -> list[Reason]:
        return [
            self.catalogue[code]
            for code, signal in self.signals.items()
            if signal.holds and code not in self.exempt
        ]

    # ---- chances

    @cached_property
    def evidence(self) -> dict[str, int]:
        """What each reason adds; what the profile reads already adds nothing."""
        added = {}
        for code, signal in self.signals.items():
            reason = self.catalogue[code]
            columns = {c for w in (*reason.when, *reason.unless) for c in w.columns}
            again = signal.source == "column" and columns & set(self.profile.columns)
            if code not in self.exempt and not again:
                added[code] = evidence_of(reason.seen, holds=signal.holds)
        return added

    @cached_property
    def p_now(self) -> float:
        assert self.chance is not None
        return probability(self.chance + sum(self.evidence.values()))

    @cached_property
    def cured(self) -> int:
        """Log-odds of best once everything is cured that can be."""
        assert self.chance is not None
        total = self.chance
        present = {reason.code for reason in self.present}
        for code, added in self.evidence.items():
            reason = self.catalogue[code]
            lone = len(present) == 1 and reason.severity == "soft"
            curable = "nothing" not in reason.cure
            if code in present and (lone or curable or self.usual(reason)):
                continue
            total += added
        return total

    @cached_property
    def p(self) -> float:
        return probability(self.cured)

    # ---- reasons

    def usual(self, reason: Reason) -> bool:
        """Whether the terms show that the reason is none."""
        terms = self.terms
        if reason.weigh == "margin":
            both = (terms.discount, terms.usual_discount)
        elif reason.weigh == "keep":
            both = (terms.cost_to_keep, terms.usual_cost_to_keep)
        else:
            return False
        return both[0] is not None and both[1] is not None and both[0] <= both[1]

    @cached_property
    def attack_pays(self) -> bool:
        if not self.scored:
            return False
        attack, present = self.returns()
        return attack > max(0.0, present)

    def returns(self) -> tuple[float, float]:
        plan, stakes, p = self.catalogue.head_to_head, self.stakes, self.p
        months = self.terms.incumbent_months
        near = months is not None and months <= plan.window
        displace = min(1.0, 2 * plan.displace) if near else plan.displace
        won = p * stakes.value - (1 - p) * stakes.loss
        return (
            displace * won - plan.cost * stakes.cost,
            plan.called_later * won - plan.presence * stakes.cost,
        )

    def relaxed(self, reason: Reason) -> bool:
        if reason.weigh == "head_to_head":
            return self.attack_pays
        return self.usual(reason)

    def step(self, reason: Reason) -> Step:
        """The first step that was not tried without success; else the last."""
        plays = {
            attempt.play
            for attempt in self.attempts
            if attempt.reason == reason.code and not attempt.worked
        }
        for step in reason.steps:
            if step.play not in plays:
                return step
        return reason.steps[-1]

    def asks_for(self, reason: Reason) -> str:
        return "pursue" if self.relaxed(reason) else self.step(reason).verdict

    def in_order(self) -> list[Reason]:
        """Gates, then by what the step asks for, then by severity."""

        def key(reason: Reason) -> tuple[int, int]:
            severity = SEVERITIES.index(reason.severity)
            return (RANK[self.asks_for(reason)] if severity else 0, severity)

        return sorted(self.present, key=key)

    # ---- verdict

    def worth(self) -> str:
        if not self.scored:
            return "not_evaluable"
        return "pursue" if self.stakes.pursue(self.p) > 0 else "walk_away"

    def verdict(self, *, ask: bool) -> str:
        if self.ruled_out or self.covering:
            return "walk_away"
        money = "ask" if ask and self.scored else self.worth()
        return min([money, *map(self.asks_for, self.present)], key=RANK.__getitem__)

    def distance_code(self, verdict: str) -> str:
        score = self.score
        both = score.nearest_best is not None and score.nearest_regrettable is not None
        nearer = both and score.distance_regrettable < score.distance_best
        if self.worth() == "not_evaluable":
            return "not_enough_known"
        if self.worth() == "pursue":
            return "worth_it"
        leave = verdict == "walk_away"
        return "outside_profile" if nearer and leave else "below_break_even"

    def deciding(self, verdict: str) -> tuple[str | None, str | None]:
        """The reason that decides and its play."""
        for rule in self.covering:
            code = (
                rule.reason
                if rule.reason in self.catalogue.codes
                else "outside_profile"
            )
            plays = [step.play for step in self.catalogue[code].steps]
            return code, rule.exit if rule.exit in plays else plays[-1]
        for reason in self.in_order():
            if not self.relaxed(reason) and self.asks_for(reason) == verdict:
                return reason.code, self.step(reason).play
        if verdict == "walk_away":
            return "outside_profile", self.catalogue["outside_profile"].steps[0].play
        return None, None


# -------------------------------------------------------------------------- questions


@dataclass(frozen=True, kw_only=True)
class Question:
    code: str
    text: str
    information: int
    value: float
    turns: float
    answers: list[str]


def questions_of(account: Account) -> list[Question]:
    """The questions worth asking, the best first."""
    if account.chance is None or account.covering:
        return []
    cost = account.catalogue.asking.cost_share * account.economics.C
    attributes = [
        about_attribute(account, place)
        for place, table in enumerate(account.profile.tables)
        if naive_code(table, account.facts.get(table.column)) == 0
        and len(table.cells) > 1
    ]
    if not account.scored:
        telling = [question for question in attributes if question.information > 0]
        return sorted(telling, key=lambda q: (-q.information, q.code))
    reasons = [
        about_reason(account, reason)
        for reason in account.catalogue.reasons
        if reason.asked
        and reason.code not in account.signals
        and not account.relaxed(reason)
    ]
    worth = [q for q in (*attributes, *reasons) if q.value - cost > 0]
    return sorted(worth, key=lambda q: (-(q.value - cost), q.code))


def about_reason(account: Account, reason: Reason) -> Question:
    p, seen = account.p, reason.seen
    share = p * seen.best + (1 - p) * seen.regrettable
    after, answers = [], []
    for holds in (True, False):
        added = evidence_of(seen, holds=holds)
        after.append(probability(account.cured + added))
        signal = Signal(reason=reason.code, holds=holds)
        answered = replace(account, signals={**account.signals, reason.code: signal})
        answers.append(answered.verdict(ask=False))
    value, turns = worth_of(account.stakes, p, after, [share, 1 - share], [1.0, 1.0])
    return Question(
        code=f"reason:{reason.code}",
        text=reason.question,
        information=0,
        value=value,
        turns=turns,
        answers=answers,
    )


def about_attribute(account: Account, place: int) -> Question:
    profile, p = account.profile, account.p
    assert account.chance is not None
    table = profile.tables[place]
    best, regrettable = shares_of(table.best[2:]), shares_of(table.regrettable[2:])
    moves = moves_of(account, place)
    if all(m > 0 for m in moves) or all(m < 0 for m in moves):
        weights = [b + r for b, r in zip(best, regrettable, strict=True)]
        products = [w * m for w, m in zip(weights, moves, strict=True)]
        mean = round(sum(products) / sum(weights))
        moves = [move - mean for move in moves]
    margins = [account.score.margin + move for move in moves]
    chances = [LOG_ODDS[profile.calibration.step(margin)] for margin in margins]
    most = [bound_of(account, table, answer) for answer in range(len(moves))]
    by_deal = account.cured - account.chance
    value, turns = worth_of(
        account.stakes,
        p,
        [probability(chance + by_deal) for chance in chances],
        [p * b + (1 - p) * r for b, r in zip(best, regrettable, strict=True)],
        most,
    )
    answers = [
        replace(account, chance=chance, ruled_out=bound < 1).verdict(ask=False)
        for chance, bound in zip(chances, most, strict=True)
    ]
    return Question(
        code=f"attribute:{table.name}",
        text=attribute_words(table, account.catalogue),
        information=table.information,
        value=value,
        turns=turns,
        answers=answers,
    )


def shares_of(counts: Sequence[int]) -> list[float]:
    total = sum(count + 0.5 for count in counts)
    return [(count + 0.5) / total for count in counts]


def moves_of(account: Account, place: int) -> list[int]:
    """How each answer to the table at `place` moves the margin, pairs included."""
    tables = account.profile.tables
    codes = {t.name: naive_code(t, account.facts.get(t.column)) for t in tables}
    sizes = {table.name: table.size for table in tables}
    own = tables[place]
    moves = [own.points[code] - own.points[0] for code in range(2, own.size)]
    for pair in account.profile.pairs:
        for answer, code in enumerate(range(2, own.size)):
            if own.name in {pair.first, pair.second}:
                after, before = {**codes, own.name: code}, {**codes, own.name: 0}
                for cells, sign in ((after, 1), (before, -1)):
                    cell = cells[pair.first] * sizes[pair.second] + cells[pair.second]
                    moves[answer] += sign * pair.points[cell]
    return moves


def bound_of(account: Account, table: AttributeTable, answer: int) -> float:
    """The most that the chance can be after an answer; 1 where no rule covers it."""
    bound = 1.0
    for rule in account.rules:
        if rule.id not in account.exempt and table.column in rule.condition.columns:
            values = answers_of(table, [rule.condition])[answer]
            facts = [{**account.facts, table.column: value} for value in values]
            if facts and all(rule.condition.holds(one) for one in facts):
                bound = min(bound, best_under(rule))
    return bound


def best_under(rule: Disqualifier) -> float:
    if rule.kind == "policy":
        return 0.0
    evidence = rule.latest
    if evidence is None:
        return 0.5
    best = evidence.later_covered - evidence.later_regrettable
    return (best + 0.5) / (evidence.later_covered + 1)


def worth_of(
    stakes: Stakes,
    p: float,
    after: Sequence[float],
    likely: Sequence[float],
    most: Sequence[float],
) -> tuple[float, float]:
    """Expected money gained by an answer, and the share of answers that turn."""
    bounds = [min(m, stakes.break_even) if m < 1 else 1.0 for m in most]
    after = under_rules(p, after, likely, bounds)
    value = turns = 0.0
    now = stakes.pursue(p)
    for share, chance, bound in zip(
        naive_shares(p, after, likely), after, most, strict=True
    ):
        gain = stakes.pursue(chance)
        if bound < 1:
            gain = min(gain, 0.0)
        if (gain > 0) != (now > 0):
            value += share * abs(gain)
            turns += share
    return value, turns


def under_rules(
    p: float, after: Sequence[float], likely: Sequence[float], most: Sequence[float]
) -> list[float]:
    """Chances where some answers fall under rules that bound them."""
    under = [bound < 1 for bound in most]
    if not any(under) or all(under):
        return list(after)
    bounded = [
        min(q, m) if u else q for q, m, u in zip(after, most, under, strict=True)
    ]
    if max(bounded) > p:
        return bounded
    left = p * sum(likely)
    free = 0.0
    for weight, chance, ruled in zip(likely, bounded, under, strict=True):
        left -= weight * chance if ruled else 0.0
        free += 0.0 if ruled else weight
    rest = min(1.0, max(p, left / free))
    return [q if u else rest for q, u in zip(bounded, under, strict=True)]


def naive_shares(
    p: float, after: Sequence[float], likely: Sequence[float]
) -> list[float]:
    """Answers above p and answers below, weighed so that the mean is p."""
    sides = [
        [i for i, q in enumerate(after) if (q > p) - (q < p) == s] for s in (1, -1)
    ]
    if not all(sides):
        gap = min(abs(q - p) for q in after)
        nearest = [w * (abs(q - p) == gap) for q, w in zip(after, likely, strict=True)]
        return [share / sum(nearest) for share in nearest]
    weights = [sum(likely[i] for i in side) for side in sides]
    means = [
        sum(likely[i] * after[i] for i in side) / weight
        for side, weight in zip(sides, weights, strict=True)
    ]
    up = (p - means[1]) / (means[0] - means[1])
    shares = list(likely)
    for side, weight, part in zip(sides, weights, (up, 1 - up), strict=True):
        for i in side:
            shares[i] = likely[i] / weight * part * sum(weights)
    return [share / sum(shares) for share in shares]


# ----------------------------------------------------------------------------- ruling


@dataclass(frozen=True, kw_only=True)
class Ruling:
    verdict: str
    #: Rules, reasons and distances that speak for it, in order.
    codes: list[str]
    #: The reason that decides and its play.
    reason: str | None
    play: str | None
    questions: list[Question]
    #: Chance of best as things are and once cured; money; None without a score.
    p_now: float | None
    p: float | None
    worth: float | None


def judge(account: Account) -> Ruling:
    questions = questions_of(account)
    asking = account.catalogue.asking
    cost = asking.cost_share * account.economics.C
    ask = any(q.value > cost and q.turns >= asking.least_chance for q in questions)
    verdict = account.verdict(ask=ask)
    reason, play = account.deciding(verdict)
    scored = account.scored
    return Ruling(
        verdict=verdict,
        codes=[
            *(rule.id for rule in account.covering),
            *(one.code for one in account.in_order()),
            account.distance_code(verdict),
        ],
        reason=reason,
        play=play,
        questions=questions,
        p_now=account.p_now if scored else None,
        p=account.p if scored else None,
        worth=account.stakes.pursue(account.p) if scored else None,
    )
