"""The one judge: accounts as rows, one of them or a million.

```
rule in force   policy or active, and no approved exception      -> walk away
gate reason     no approved exception                            -> walk away
other reasons   each asks for its next step that was not tried
money           pursue, ask first, or walk away; not_evaluable without a chance
```

The verdict is the worst of these (`RANK`), so that removing something bad, or a better
chance, can only improve it. Chances are whole sums of evidence on the profile's chance,
then one look-up; what asking is worth comes from `icp.qualify.asking`. A row never
depends on its neighbours: lists are judged batch by batch, `decide` a list of one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

from icp.disqualifiers import deciding
from icp.errors import SchemaError, counted
from icp.profile import MISSING
from icp.qualify.asking import (
    Inquiry,
    Outlook,
    ask_attribute,
    ask_reason,
    attribute_words,
    bounds_of,
    covers_of,
    profile_chances,
)
from icp.qualify.money import TermColumns, UsualTerms, evidence_of, incumbent_returns
from icp.qualify.reasons import RANK, default_catalogue
from icp.qualify.signals import (
    KnownAbout,
    SignalColumns,
    failures,
    rows_of,
    with_ages,
)
from icp.scoring.cells import code_matrix
from icp.scoring.prepared import steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from icp.disqualifiers import Disqualifier
    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.money import Stakes
    from icp.qualify.reasons import Catalogue, VerdictName
    from icp.qualify.signals import Attempt

    Flags = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Whole = NDArray[np.int64]


#: The columns that `verdicts` appends, in order.
VERDICT_COLUMNS: Final = {
    "verdict": pl.String(),
    "verdict_reasons": pl.List(pl.String()),
    "next_question": pl.String(),
    "expected_value": pl.Float64(),
}
#: The reason that the two distances give.
OUTSIDE: Final = "outside_profile"
#: What money and distances say, by `Cases.distances`.
DISTANCES: Final = ("worth_it", OUTSIDE, "below_break_even", "not_enough_known")
#: The verdicts by rank.
VERDICTS: Final[tuple[VerdictName, ...]] = tuple(sorted(RANK, key=RANK.__getitem__))

_INPUTS: Final = (
    "state",
    "margin",
    "distance_best",
    "nearest_best",
    "distance_regrettable",
)
_SEVERITY: Final = {"gate": 0, "strong": 1, "soft": 2}
_LEAVE, _PURSUE, _ASK, _UNSURE = (
    RANK[name] for name in ("walk_away", "pursue", "ask", "not_evaluable")
)

FrameT = TypeVar("FrameT", pl.DataFrame, pl.LazyFrame)


# ------------------------------------------------------------------------------ judge


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Accounts in rows, the catalogue's reasons in columns: facts, then judgement."""

    catalogue: Catalogue
    economics: Economics
    #: Whether the profile gives a score and a chance.
    scored: Flags
    #: Log-odds of best by the profile, in millinats; 0 where it gives no chance.
    profile_chance: Whole
    signals: SignalColumns
    #: Reasons whose columns the profile reads: its chance includes them already.
    in_profile: frozenset[str]
    #: Reasons (columns) from which an approved exception frees an account.
    exempt: Flags
    #: Whether a rule in force covers the account, from which no exception frees it.
    ruled_out: Flags
    #: Place of each reason's next step.
    steps: Whole
    terms: TermColumns
    #: Whether it is nearer to a regrettable segment than to any best one.
    outside: Flags

    def take(self, rows: Whole, /) -> Cases:
        """Those rows, as often as they are named."""
        return replace(
            self,
            scored=self.scored[rows],
            profile_chance=self.profile_chance[rows],
            signals=SignalColumns(
                holds=self.signals.holds[rows],
                refuted=self.signals.refuted[rows],
                by_column=self.signals.by_column[rows],
            ),
            exempt=self.exempt[rows],
            ruled_out=self.ruled_out[rows],
            steps=self.steps[rows],
            terms=self.terms.take(rows),
            outside=self.outside[rows],
        )

    # ------------------------------------------------------------------ chances, money

    @cached_property
    def present(self) -> Flags:
        """The reasons that hold and count."""
        return self.signals.holds & ~self.exempt

    @cached_property
    def _evidence(self) -> Whole:
        """What each signal adds to the chance, in millinats."""
        reasons = self.catalogue.reasons
        yes, no = (
            np.array([evidence_of(r.seen, holds=h) for r in reasons], dtype=np.int64)
            for h in (True, False)
        )
        in_profile = np.array([r.code in self.in_profile for r in reasons], dtype=bool)
        new = ~(self.signals.by_column & in_profile)
        refuted = self.signals.refuted & ~self.exempt
        return np.asarray((self.present * yes + refuted * no) * new)

    @cached_property
    def chance_now(self) -> Whole:
        """Log-odds of best as things are, with all that the deal has shown."""
        return np.asarray(self.profile_chance + self._evidence.sum(axis=1))

    @cached_property
    def chance(self) -> Whole:
        """The same once everything is cured that can be; this is what decides.

        What can be cured is left to its steps, what the terms show to be no reason is
        none, and one soft signal alone decides nothing.
        """
        lone = self.present.sum(axis=1) == 1
        soft = self._flag("severity", "soft")
        curable = ~self._flag("cure", ("nothing",))
        waived = (lone[:, None] & soft) | curable | self.usual_terms
        counting = self._evidence * ~(self.present & waived)
        return np.asarray(self.profile_chance + counting.sum(axis=1))

    @cached_property
    def stakes(self) -> Stakes[Floats]:
        """V, L and C after the deal's terms."""
        return self.terms.stakes(self.economics)

    @cached_property
    def outlook(self) -> Outlook:
        """Chances and stakes that decide, and what pursuing is worth by them."""
        return Outlook(
            profile_chance=self.profile_chance, chance=self.chance, stakes=self.stakes
        )

    # ------------------------------------------------------------------------- reasons

    def _flag(self, name: str, value: object) -> Flags:
        """The reasons whose field `name` has that value."""
        reasons = self.catalogue.reasons
        return np.array([getattr(r, name) == value for r in reasons], dtype=bool)

    @cached_property
    def usual_terms(self) -> Flags:
        """Where the deal's terms show that a reason is none."""
        margin = self.terms.usual_price[:, None] & self._flag("weigh", "margin")
        return margin | (
            self.terms.usual_keeping[:, None] & self._flag("weigh", "keep")
        )

    @cached_property
    def returns(self) -> tuple[Floats, Floats]:
        """Money of going against an incumbent, and of staying the second option."""
        plan = self.catalogue.head_to_head
        near = self.terms.near_end(plan.window)
        return incumbent_returns(self.stakes, self.outlook.p, plan, near)

    @cached_property
    def relaxed(self) -> Flags:
        """Where money says that a reason asks for nothing."""
        attack, present = self.returns
        pays = self.scored & (attack > np.maximum(0.0, present))
        head_to_head = self._flag("weigh", "head_to_head")
        return self.usual_terms | (pays[:, None] & head_to_head)

    @cached_property
    def ranks(self) -> Whole:
        """Rank of each reason's next step; that of `pursue` where it asks nothing."""
        longest = max((len(r.steps) for r in self.catalogue.reasons), default=0)
        ranks = np.full((len(self.catalogue.reasons), longest), _PURSUE)
        for place, reason in enumerate(self.catalogue.reasons):
            ranks[place, : len(reason.steps)] = [RANK[s.verdict] for s in reason.steps]
        own = ranks[np.arange(len(ranks)), self.steps]
        return np.where(self.present & ~self.relaxed, own, _PURSUE)

    @cached_property
    def order(self) -> Whole:
        """Places of the reasons: gates, then by their step's rank, then by severity.

        Those that are not present come last.
        """
        severity = np.array([_SEVERITY[r.severity] for r in self.catalogue.reasons])
        key = np.where(severity > 0, self.ranks, 0) * len(_SEVERITY) + severity
        unused = len(VERDICTS) * len(_SEVERITY)
        return np.argsort(np.where(self.present, key, unused), axis=1, kind="stable")

    # ------------------------------------------------------------------------ verdicts

    def verdict(self, ask: Flags | None = None, /) -> Whole:
        """Ranks of the verdicts; where `ask`, money waits for the answer."""
        money = np.where(self.outlook.worth > 0, _PURSUE, _LEAVE)
        if ask is not None:
            money = np.where(ask, _ASK, money)
        money = np.where(self.scored, money, _UNSURE)
        ranks = np.minimum(money, self.ranks.min(axis=1, initial=_PURSUE))
        return np.where(self.ruled_out, _LEAVE, ranks)

    def distances(self, verdict: Whole, /) -> Whole:
        """The place in `DISTANCES` of what money and distances say."""
        outside = self.outside & (verdict == _LEAVE)
        money = np.where(self.outlook.worth > 0, 0, np.where(outside, 1, 2))
        return np.where(self.scored, money, 3)

    def reason(self, verdict: Whole, /) -> Whole:
        """The place of the first reason that asks for the verdict; -1 for none."""
        asking = self.present & ~self.relaxed & (self.ranks == verdict[:, None])
        in_order = np.take_along_axis(asking, self.order, axis=1)
        if not in_order.shape[1]:
            return np.full(len(verdict), -1)
        first = np.take_along_axis(self.order, in_order.argmax(axis=1)[:, None], axis=1)
        return np.where(in_order.any(axis=1), first[:, 0], -1)

    # ----------------------------------------------------------------------- questions

    @property
    def asking_cost(self) -> float:
        """What an answer costs, in money."""
        return self.catalogue.asking.cost_share * self.economics.C

    def net(self, question: OpenQuestion, /) -> Floats:
        """What asking is worth; without a score, how much the answer tells."""
        money = question.inquiry.value - self.asking_cost
        return np.where(self.scored, money, question.information)

    def worth_asking(self, question: OpenQuestion, /) -> Flags:
        """Whether to ask at all."""
        return question.open & (self.net(question) > 0) & ~self.ruled_out

    def first(self, question: OpenQuestion, /) -> Flags:
        """Whether to ask before deciding."""
        turns = question.inquiry.turns >= self.catalogue.asking.least_chance
        return self.worth_asking(question) & self.scored & turns


@dataclass(frozen=True, kw_only=True)
class Attributes:
    """What the profile reads of each account, and the rules that an answer may meet."""

    profile: Profile
    #: Cell codes (rows x tables) and margins.
    codes: Whole
    margins: Whole
    rules: tuple[Disqualifier, ...]
    #: Rows x rules from which an exception frees the account.
    exempt: Flags
    #: The columns that the rules read.
    frame: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class OpenQuestion:
    """One question, what asking everybody is worth, and for whom it is open."""

    #: `attribute:<table>` or `reason:<code>`.
    code: str
    text: str
    #: Place of the table in the profile, or of the reason in the catalogue.
    place: int
    open: Flags
    inquiry: Inquiry
    #: What the profile's table tells; 0 for a reason.
    information: int = 0
    #: Answers (columns) that put the account under a rule; None: none does.
    ruled_out: Flags | None = None


def open_questions(
    cases: Cases, attributes: Attributes | None = None, /
) -> Iterator[OpenQuestion]:
    """The questions that are open for anybody, by code, attributes first.

    Cases must have a chance by the profile.
    """
    if cases.ruled_out.all():
        return
    if attributes is not None:
        yield from _attribute_questions(cases, attributes)
    signals = cases.signals
    closed = signals.holds | signals.refuted | cases.relaxed
    reasons = enumerate(cases.catalogue.reasons)
    for place, reason in sorted(reasons, key=lambda pair: pair[1].code):
        if reason.asked and not closed[:, place].all():
            yield OpenQuestion(
                code=f"reason:{reason.code}",
                text=reason.question,
                place=place,
                open=~closed[:, place],
                inquiry=ask_reason(reason, cases.outlook),
            )


def _attribute_questions(
    cases: Cases, attributes: Attributes
) -> Iterator[OpenQuestion]:
    profile, codes = attributes.profile, attributes.codes
    tables = enumerate(profile.tables)
    for place, table in sorted(tables, key=lambda pair: pair[1].name):
        missing = codes[:, place] == MISSING
        if len(table.cells) > 1 and missing.any():
            most = bounds_of(
                attributes.rules, table, attributes.frame, attributes.exempt
            )
            yield OpenQuestion(
                code=f"attribute:{table.name}",
                text=attribute_words(table, cases.catalogue),
                place=place,
                open=missing,
                inquiry=ask_attribute(
                    profile, place, codes, attributes.margins, cases.outlook, most=most
                ),
                information=table.information,
                ruled_out=None if most is None else most < 1,
            )


def next_steps(
    catalogue: Catalogue, attempts: Iterable[tuple[int, Sequence[Attempt]]], rows: int
) -> Whole:
    """Place of each reason's next step, after the attempts of some rows."""
    steps = np.zeros((rows, len(catalogue.reasons)), dtype=np.int64)
    for row, tries in attempts:
        plays = failures(tries)
        for place, reason in enumerate(catalogue.reasons):
            step = reason.step(plays.get(reason.code, frozenset()))
            steps[row, place] = reason.steps.index(step)
    return steps


# ------------------------------------------------------------------------------ lists


def verdicts(
    scored: FrameT,
    profile: Profile,
    /,
    *,
    economics: Economics,
    catalogue: Catalogue | None = None,
    disqualifiers: Sequence[Disqualifier] = (),
    known: KnownAbout | None = None,
    usual: UsualTerms | None = None,
    on: date | None = None,
    today: date | None = None,
) -> FrameT:
    """Append the verdict columns to a frame that `score` has scored.

    `verdict`, `verdict_reasons` (codes in the order of `Verdict.codes`),
    `next_question` (null where no question would change the verdict) and
    `expected_value` (of pursuing, in money; null where there is no score). `on` is the
    day the columns were exported; `known` needs an `account_id`. Lazy in, lazy out.

    >>> verdicts(pl.DataFrame({"id": [1]}), None, economics=None)
    Traceback (most recent call last):
    ...
    icp.errors.SchemaError: 5 missing columns: 'distance_best', \
'distance_regrettable', 'margin', 'nearest_best', 'state'; score the frame first
    """
    schema = scored.collect_schema()
    missing = [name for name in _INPUTS if name not in schema]
    if missing:
        message = f"{counted(missing, 'missing column')}; score the frame first"
        raise SchemaError(message)
    judge = _Judge(
        profile=profile,
        economics=economics,
        catalogue=catalogue or default_catalogue(),
        rules=deciding(disqualifiers),
        known=known or KnownAbout.nothing(),
        usual=usual or UsualTerms.unknown(),
        on=on,
        today=today,
    )
    if isinstance(scored, pl.DataFrame):
        return judge.verdicts(scored)
    types = pl.Schema({**schema, **VERDICT_COLUMNS})
    return scored.map_batches(judge.verdicts, schema=types, streamable=True)


@dataclass(frozen=True, kw_only=True)
class _Judge:
    """Everything that is the same for all batches."""

    profile: Profile
    economics: Economics
    catalogue: Catalogue
    rules: tuple[Disqualifier, ...]
    known: KnownAbout
    usual: UsualTerms
    on: date | None
    today: date | None

    def verdicts(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One batch with its verdicts."""
        rule_codes = [rule.id for rule in self.rules]
        exempt = _flags(frame, self.known.excepted, rule_codes)
        # Rules and profile read the columns as they are, as they did for the score.
        covers = covers_of(self.rules, frame) & ~exempt
        cases = self._cases(with_ages(frame, self.on), np.asarray(covers.any(axis=1)))
        attributes = Attributes(
            profile=self.profile,
            codes=code_matrix(frame, self.profile.tables).astype(np.int64),
            margins=_margins(frame),
            rules=self.rules,
            exempt=exempt,
            frame=frame,
        )
        ask, questions = self._questions(cases, attributes)
        verdict = cases.verdict(ask)
        codes = [
            *_codes_where(covers, rule_codes),
            *_reason_codes(cases),
            pl.Series(DISTANCES).gather(cases.distances(verdict)),
        ]
        worth = pl.Series(cases.outlook.worth).set(pl.Series(~cases.scored), None)
        return frame.with_columns(
            pl.Series(VERDICTS).gather(verdict).alias("verdict"),
            _lists_of(codes).alias("verdict_reasons"),
            questions.alias("next_question"),
            worth.alias("expected_value"),
        )

    @cached_property
    def _has_chances(self) -> bool:
        return bool(steps_of(self.profile).none)

    def _cases(self, frame: pl.DataFrame, ruled_out: Flags) -> Cases:
        margins = _margins(frame)
        chances = profile_chances(self.profile, margins) if self._has_chances else None
        return Cases(
            catalogue=self.catalogue,
            economics=self.economics,
            scored=(frame["state"] == "scored").to_numpy() & self._has_chances,
            profile_chance=np.zeros_like(margins) if chances is None else chances,
            signals=SignalColumns.of_frame(
                frame, self.catalogue, self.known, on=self.on, today=self.today
            ),
            in_profile=self.catalogue.codes_over(self.profile.columns),
            exempt=_flags(frame, self.known.excepted, self.catalogue.codes),
            ruled_out=ruled_out,
            steps=next_steps(
                self.catalogue, rows_of(frame, self.known.attempts), frame.height
            ),
            terms=TermColumns.of_frame(frame, self.usual),
            outside=_outside(frame, self.profile),
        )

    def _questions(
        self, cases: Cases, attributes: Attributes
    ) -> tuple[Flags, pl.Series]:
        """Whether a question comes first, and the next best one in words."""
        rows, texts = len(cases.scored), list[str]()
        first, nearest = np.zeros(rows, dtype=np.bool_), np.full(rows, -1)
        most = np.full(rows, -np.inf)
        for question in open_questions(cases, attributes) if self._has_chances else ():
            first |= cases.first(question)
            net = cases.net(question)
            better = cases.worth_asking(question) & (net > most)
            most = np.where(better, net, most)
            nearest = np.where(better, len(texts), nearest)
            texts.append(question.text)
        words = pl.Series([*texts, None], dtype=pl.String)
        return first, words.gather(np.where(nearest < 0, len(texts), nearest))


def _margins(frame: pl.DataFrame) -> Whole:
    return np.asarray(frame["margin"].to_numpy().astype(np.int64))


def _flags(
    frame: pl.DataFrame, codes: Mapping[str, frozenset[str]], columns: Sequence[str]
) -> Flags:
    """Rows x columns: whether the account's codes contain the column's."""
    flags = np.zeros((frame.height, len(columns)), dtype=np.bool_)
    for row, own in rows_of(frame, codes):
        flags[row] = [code in own for code in columns]
    return flags


def _outside(frame: pl.DataFrame, profile: Profile) -> Flags:
    nearer = pl.col("distance_regrettable") < pl.col("distance_best")
    both = bool(profile.best_segments and profile.regrettable_segments)
    return np.asarray(frame.select(nearer).to_series().to_numpy()) & both


def _codes_where(flags: Flags, codes: Sequence[str]) -> Iterator[pl.Series]:
    """One column per code that stands anywhere: the code, or null."""
    for column, code in zip(flags.T, codes, strict=True):
        if column.any():
            yield pl.Series([code, None], dtype=pl.String).gather(
                np.where(column, 0, 1)
            )


def _reason_codes(cases: Cases) -> Iterator[pl.Series]:
    """The codes of the reasons that count, in order: first, second, ..."""
    names, rows = pl.Series(cases.catalogue.codes), np.arange(len(cases.scored))
    for column in range(int(cases.present.sum(axis=1).max(initial=0))):
        place = cases.order[:, column]
        counts = pl.Series(cases.present[rows, place])
        yield names.gather(place).set(~counts, None)


def _lists_of(columns: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame([c.alias(str(place)) for place, c in enumerate(columns)])
    return frame.select(pl.concat_list(pl.all()).list.drop_nulls()).to_series()
