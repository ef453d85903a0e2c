"""The same verdicts for whole lists: look-ups and sums over columns.

```
noted      per reason yes, no or nothing: columns, lost reasons, answers; newest first
chances    integer sums of evidence on the profile's chance, then one look-up
ranks      per reason the rank of its next step; the worst of all is the verdict
questions  worked out in `icp.qualify.asking` for all rows at once
```

A row never depends on its neighbours, so that lists are judged batch by batch, and a
list of one says the same as `decide`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
import polars as pl

from icp.disqualifiers import deciding
from icp.errors import SchemaError
from icp.profile import MISSING
from icp.qualify.asking import (
    Asked,
    Places,
    ask_attribute,
    ask_reason,
    bounds_of_frame,
    covered_in,
    probabilities,
    profile_chances,
)
from icp.qualify.money import CARE, DISCOUNT, INCUMBENT, UsualTerms, evidence_of
from icp.qualify.questions import attribute_words
from icp.qualify.reasons import default_catalogue
from icp.qualify.signals import KnownAbout, Noted, noted, rows_of, with_ages
from icp.qualify.standing import RANK, counted_in, tried_by
from icp.scoring.cells import code_matrix
from icp.scoring.prepared import steps_of
from icp.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from icp.disqualifiers import Disqualifier
    from icp.outcomes import Economics
    from icp.profile import Profile
    from icp.qualify.reasons import Catalogue

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
_NEEDED: Final = (
    "state",
    "margin",
    "distance_best",
    "nearest_best",
    "distance_regrettable",
)
_OUTSIDE: Final = "outside_profile"
_SEVERITY: Final = {"gate": 0, "strong": 1, "soft": 2}
_VERDICTS: Final = tuple(sorted(RANK, key=RANK.__getitem__))
_PURSUE, _ASK, _UNSURE = RANK["pursue"], RANK["ask"], RANK["not_evaluable"]

FrameT = TypeVar("FrameT", pl.DataFrame, pl.LazyFrame)


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
    missing = [name for name in _NEEDED if name not in schema]
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
        return judge.judged(scored)
    wanted = pl.Schema({**schema, **VERDICT_COLUMNS})
    return scored.map_batches(judge.judged, schema=wanted, streamable=True)


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

    def judged(self, frame: pl.DataFrame) -> pl.DataFrame:
        """One batch with its verdicts."""
        said = noted(frame, self.catalogue, self.known, on=self.on, today=self.today)
        batch = _Batch(judge=self, frame=with_ages(frame, self.on), noted=said)
        ranks, questions = batch.verdict()
        return frame.with_columns(
            pl.Series(_VERDICTS).gather(ranks).alias("verdict"),
            batch.codes(ranks).alias("verdict_reasons"),
            pl.Series("next_question", questions, dtype=pl.String),
            pl.Series("expected_value", batch.worth).set(
                pl.Series(~batch.scored), None
            ),
        )

    @cached_property
    def evidence(self) -> tuple[Whole, Whole]:
        """What each reason adds to a chance where it holds, and where it does not."""
        yes, no = (
            [evidence_of(r.seen, holds=holds) for r in self.catalogue.reasons]
            for holds in (True, False)
        )
        return np.array(yes, dtype=np.int64), np.array(no, dtype=np.int64)

    @cached_property
    def counted(self) -> Flags:
        """The reasons whose columns the profile's chance knows already."""
        codes = counted_in(self.catalogue, self.profile.columns)
        return np.array([code in codes for code in self.catalogue.codes])

    @cached_property
    def ranks(self) -> tuple[tuple[int, ...], ...]:
        """Rank of each step of each reason."""
        return tuple(
            tuple(RANK[step.verdict] for step in reason.steps)
            for reason in self.catalogue.reasons
        )

    def flag(self, name: str, value: object) -> Flags:
        """The reasons whose field `name` has that value."""
        return np.array([getattr(r, name) == value for r in self.catalogue.reasons])


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """Accounts in rows; reasons, in the catalogue's order, in columns."""

    judge: _Judge
    frame: pl.DataFrame
    noted: Noted

    # ------------------------------------------------------------------ money, chances

    @cached_property
    def scored(self) -> Flags:
        usable = bool(steps_of(self.judge.profile).none)
        return np.asarray((self.frame["state"] == "scored").to_numpy()) & usable

    @cached_property
    def profile_chance(self) -> Whole:
        margins = self.frame["margin"].to_numpy().astype(np.int64)
        if not steps_of(self.judge.profile).none:
            return np.zeros_like(margins)
        return profile_chances(self.judge.profile, margins)

    @cached_property
    def chance(self) -> Whole:
        """Log-odds of best once what can be cured is cured."""
        yes, no = self.judge.evidence
        lone = self.present.sum(axis=1) == 1
        soft = self.judge.flag("severity", "soft")
        curable = ~self.judge.flag("cure", ("nothing",))
        waived = (lone[:, None] & soft) | curable | self.usual_terms
        refuted = self.noted.refuted & ~self.excepted
        new = ~(self.noted.by_column & self.judge.counted)
        added = (self.present & ~waived & new) * yes + (refuted & new) * no
        return np.asarray(self.profile_chance + added.sum(axis=1))

    @cached_property
    def value(self) -> Floats:
        usual = 1 - np.minimum(self.usual_discount, 0.99)
        left = np.maximum(0.0, 1 - self.discount) / usual
        share = np.minimum(1.0, np.where(np.isnan(left), 1.0, left))
        extra = np.maximum(0.0, self.care - self.usual_care)
        extra = np.where(np.isnan(extra), 0.0, extra)
        return np.maximum(0.0, self.judge.economics.V * share - extra)

    @cached_property
    def places(self) -> Places:
        return Places(
            profile_chance=self.profile_chance,
            chance=self.chance,
            value=self.value,
            loss=self.judge.economics.L,
            cost=self.judge.economics.C,
        )

    @cached_property
    def worth(self) -> Floats:
        return self.places.pursue(probabilities(self.chance))

    # --------------------------------------------------------------------------- terms

    @cached_property
    def discount(self) -> Floats:
        return self._numbers(DISCOUNT) / self.judge.usual.scale

    @cached_property
    def care(self) -> Floats:
        return self._numbers(CARE)

    @cached_property
    def usual_discount(self) -> Floats:
        return self._usual("discount")

    @cached_property
    def usual_care(self) -> Floats:
        return self._usual("care")

    def _numbers(self, column: str) -> Floats:
        dtype = self.frame.schema.get(column, pl.Null())
        if not dtype.is_numeric():
            return np.full(self.frame.height, np.nan)
        return self.frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()

    def _usual(self, name: str) -> Floats:
        known = {
            segment: getattr(common, name)
            for segment, common in self.judge.usual.segments.items()
        }
        names = self.frame["nearest_best"].fill_null("").to_list()
        found = (known.get(segment) for segment in names)
        return np.array([np.nan if value is None else value for value in found])

    @cached_property
    def usual_terms(self) -> Flags:
        """Where the terms show that a reason is none."""
        margin = (self.discount <= self.usual_discount)[:, None]
        keep = (self.care <= self.usual_care)[:, None]
        return (margin & self.judge.flag("weigh", "margin")) | (
            keep & self.judge.flag("weigh", "keep")
        )

    @cached_property
    def relaxed(self) -> Flags:
        attack = self._attack_pays()[:, None]
        return self.usual_terms | (attack & self.judge.flag("weigh", "head_to_head"))

    def _attack_pays(self) -> Flags:
        plan, loss = self.judge.catalogue.head_to_head, self.judge.economics.L
        cost, p = self.judge.economics.C, probabilities(self.chance)
        near = self._numbers(INCUMBENT) <= plan.window
        displace = np.minimum(1.0, plan.displace * np.where(near, 2, 1))
        won = p * self.value - (1 - p) * loss
        attack = displace * won - plan.cost * cost
        present = plan.called_later * won - plan.presence * cost
        return self.scored & (attack > np.maximum(0.0, present))

    # ------------------------------------------------------------------------- reasons

    @cached_property
    def excepted(self) -> Flags:
        set_aside = np.zeros(self.noted.holds.shape, dtype=np.bool_)
        for row, codes in rows_of(self.frame, self.judge.known.excepted):
            set_aside[row] = [code in codes for code in self.judge.catalogue.codes]
        return set_aside

    @cached_property
    def present(self) -> Flags:
        return self.noted.holds & ~self.excepted

    @cached_property
    def ranks(self) -> Whole:
        """Rank of each reason's next step; that of `pursue` where it asks nothing."""
        first = np.array([steps[0] for steps in self.judge.ranks], dtype=np.int64)
        ranks = np.tile(first, (self.frame.height, 1))
        for row, attempts in rows_of(self.frame, self.judge.known.attempts):
            tried = tried_by(attempts)
            for place, reason in enumerate(self.judge.catalogue.reasons):
                step = reason.step(tried.get(reason.code, frozenset()))
                ranks[row, place] = RANK[step.verdict]
        return np.where(self.present & ~self.relaxed, ranks, _PURSUE)

    @cached_property
    def covered(self) -> Flags:
        """Rules (columns) that cover an account and that no exception sets aside."""
        covers = covered_in(self.judge.rules, self.frame)
        return np.asarray(covers & ~self.rules_excepted)

    @cached_property
    def rules_excepted(self) -> Flags:
        """Rules (columns) that an exception sets aside for an account."""
        rules = self.judge.rules
        set_aside = np.zeros((self.frame.height, len(rules)), dtype=np.bool_)
        for row, codes in rows_of(self.frame, self.judge.known.excepted):
            set_aside[row] = [rule.id in codes for rule in rules]
        return set_aside

    # ------------------------------------------------------------------------ verdicts

    def verdict(self) -> tuple[Whole, pl.Series]:
        """Ranks of the verdicts, and the next best questions in words."""
        first, question = self._questions()
        money = np.where(self.worth > 0, _PURSUE, RANK["walk_away"])
        money = np.where(first, _ASK, money)
        money = np.where(self.scored, money, _UNSURE)
        ranks = np.minimum(money, self.ranks.min(axis=1, initial=_PURSUE))
        return np.where(self.covered.any(axis=1), RANK["walk_away"], ranks), question

    def codes(self, ranks: Whole) -> pl.Series:
        """The grounds' codes in order: rules, reasons, distances."""
        columns = [
            *self._where(self.covered, [rule.id for rule in self.judge.rules]),
            *self._reason_codes(),
            self._distance_codes(ranks),
        ]
        named = [column.alias(str(place)) for place, column in enumerate(columns)]
        listed = pl.concat_list(pl.all()).list.drop_nulls()
        return pl.DataFrame(named).select(listed).to_series()

    def _where(self, flags: Flags, codes: list[str]) -> Iterator[pl.Series]:
        for place, code in enumerate(codes):
            here = flags[:, place]
            if here.any():
                yield pl.Series(np.where(here, 0, -1)).replace_strict(
                    [0], [code], default=None, return_dtype=pl.String
                )

    def _reason_codes(self) -> Iterator[pl.Series]:
        """Gates first, then by the rank of their step, then by severity."""
        severity = np.array(
            [_SEVERITY[r.severity] for r in self.judge.catalogue.reasons]
        )
        key = np.where(severity > 0, self.ranks, 0) * len(_SEVERITY) + severity
        unused = len(_VERDICTS) * len(_SEVERITY)
        key = np.where(self.present, key, unused)
        order = np.argsort(key, axis=1, kind="stable")
        names = pl.Series(self.judge.catalogue.codes)
        for column in range(int(self.present.sum(axis=1).max(initial=0))):
            here = order[:, column]
            used = pl.Series(self.present[np.arange(len(here)), here])
            yield names.gather(here).set(~used, None)

    def _distance_codes(self, ranks: Whole) -> pl.Series:
        nearer = self.frame.select(
            pl.col("distance_regrettable") < pl.col("distance_best")
        ).to_series()
        segments = self.judge.profile
        both = bool(segments.best_segments and segments.regrettable_segments)
        outside = np.asarray(nearer.to_numpy()) & both & (ranks == RANK["walk_away"])
        names = ("worth_it", _OUTSIDE, "below_break_even", "not_enough_known")
        place = np.where(self.worth > 0, 0, np.where(outside, 1, 2))
        return pl.Series(names).gather(np.where(self.scored, place, 3))

    # ----------------------------------------------------------------------- questions

    def _questions(self) -> tuple[Flags, pl.Series]:
        """Whether a question comes first, and the next best one in words."""
        rows, asking = self.frame.height, self.judge.catalogue.asking
        cost = asking.cost_share * self.judge.economics.C
        best, first = np.full(rows, -np.inf), np.zeros(rows, dtype=np.bool_)
        chosen, texts = np.full(rows, -1), list[str]()
        if not steps_of(self.judge.profile).none:
            return first, pl.Series([None] * rows, dtype=pl.String)
        for text, telling, unknown, asked in self._asked():
            net = np.where(self.scored, asked.value - cost, telling)
            wanted = unknown & (net > 0) & ~self.covered.any(axis=1)
            first |= wanted & self.scored & (asked.turns >= asking.least_chance)
            better = wanted & (net > best)
            best, chosen = (
                np.where(better, net, best),
                np.where(better, len(texts), chosen),
            )
            texts.append(text)
        words = pl.Series([*texts, None], dtype=pl.String)
        return first, words.gather(np.where(chosen < 0, len(texts), chosen))

    def _asked(self) -> Iterator[tuple[str, int, Flags, Asked]]:
        """Questions by code, with how telling they are and where they are open."""
        yield from self._attributes()
        known = self.noted.holds | self.noted.refuted | self.relaxed
        reasons = enumerate(self.judge.catalogue.reasons)
        for place, reason in sorted(reasons, key=lambda one: one[1].code):
            if reason.asked:
                asked = ask_reason(reason, self.places)
                yield reason.question, 0, ~known[:, place], asked

    def _attributes(self) -> Iterator[tuple[str, int, Flags, Asked]]:
        profile = self.judge.profile
        codes = code_matrix(self.frame, profile.tables).astype(np.int64)
        margins = self.frame["margin"].to_numpy().astype(np.int64)
        tables, rules = enumerate(profile.tables), self.judge.rules
        for place, table in sorted(tables, key=lambda one: one[1].name):
            unknown = codes[:, place] == MISSING
            if len(table.cells) > 1 and unknown.any():
                most = bounds_of_frame(rules, table, self.frame, self.rules_excepted)
                asked = ask_attribute(
                    profile, place, codes, margins, self.places, most=most
                )
                text = attribute_words(table, self.judge.catalogue)
                yield text, table.information, unknown, asked
