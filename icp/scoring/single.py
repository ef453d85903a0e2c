"""Scoring one account in plain Python: no frame, the same integers.

A request path never builds a frame: one pass over the attributes, look-ups in tuples.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from operator import getitem
from struct import Struct
from typing import TYPE_CHECKING, Literal, NamedTuple

from icp.disqualifiers import disqualified_by_one
from icp.markup import html_table, notebook
from icp.profile import MISSING
from icp.scoring.cells import coder
from icp.scoring.prepared import per_profile, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from icp.disqualifiers import Disqualifier
    from icp.profile import AttributeTable, PairTable, Profile


#: Bits kept apart for each non-negative sum when several are added as one integer.
_LANE = 64
#: Bits behind a distance for the segment's position: the least names the nearest.
_POSITION = 20
_POSITION_MASK = (1 << _POSITION) - 1
_State = Literal["scored", "not_evaluable"]


class Score(NamedTuple):
    """What the profile says about one account; the fields are those of `score`.

    `fit`, `grade`, `p_best` and its 90 % interval are None where `state` is
    `not_evaluable`; `why_not` then says why, in words. `margin`, distances, `base` and
    `points` are millinats; `base` and all `points` add up to `margin`. `known_fraction`
    is in whole per mille, rounded down.
    """

    fit: float | None
    grade: str | None
    state: _State
    why_not: str
    margin: int
    p_best: float | None
    p_low: float | None
    p_high: float | None
    distance_best: int
    nearest_best: str | None
    distance_regrettable: int
    nearest_regrettable: str | None
    known_fraction: float
    novelty_p: float | None
    disqualified_by: tuple[str, ...]
    #: Points by table, then by pair, in the profile's order.
    points: dict[str, int]
    base: int

    @property
    def headline(self) -> str:
        """Fit and grade in words, or why there are none."""
        if self.fit is None:
            return f"No fit: {self.why_not}"
        return f"Fit {self.fit:.1f} of 100, grade {self.grade}"

    def _repr_html_(self) -> str:
        """What a notebook shows: fit, grade, and points that add up to the margin."""
        largest = sorted(self.points.items(), key=lambda one: -abs(one[1]))
        moving = (one for one in largest if one[1])
        points = [("base", self.base), *moving, ("margin", self.margin)]
        rows = ((name, f"{value:+,}") for name, value in points)
        return notebook(self.headline, [], html_table(("attribute", "points"), rows))


def score_one(
    row: Mapping[str, object],
    profile: Profile,
    /,
    *,
    disqualifiers: Sequence[Disqualifier] = (),
) -> Score:
    """Score one account given as column name to value; the same numbers as `score`.

    A column that is not in `row`, None and NaN are missing. Columns that the profile
    does not read are ignored. A value of the wrong type (a text for a number) raises
    SchemaError.
    """
    scorer = scorer_of(profile)
    return with_refusals(scorer.score(scorer.cells(row)), row, disqualifiers)


def with_refusals(
    score: Score, row: Mapping[str, object], rules: Sequence[Disqualifier], /
) -> Score:
    """The score with the conditions of the rules in force that cover the account."""
    if not rules:
        return score
    return score._replace(disqualified_by=disqualified_by_one(rules, row))


@per_profile
def scorer_of(profile: Profile, /) -> Scorer:
    """The profile laid out for one account at a time."""
    return Scorer(profile)


class Scorer:
    """A profile's tables laid out for one row at a time."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._steps = steps_of(profile)
        self._coders = tuple((table.column, coder(table)) for table in profile.tables)
        places = {table.name: i for i, table in enumerate(profile.tables)}
        self._pairs = tuple(
            (places[p.first], places[p.second], profile.tables[places[p.second]].size)
            for p in profile.pairs
        )
        scored: tuple[AttributeTable | PairTable, ...] = profile.tables + profile.pairs
        self._names = tuple(one.name for one in scored)
        self._points = tuple(one.points for one in scored)
        self._lanes = tuple(_lanes(profile))
        self._positions = _pack(0, 0, *range(len(profile.segments)))
        self._unpacked = Struct(f"<{2 + len(profile.segments)}Q")
        self._best = profile.best_segments
        self._regrettable = profile.regrettable_segments
        self._information = sum(table.information for table in profile.tables)
        self._least_known = profile.abstention.known * self._information

    def codes(self, row: Mapping[str, object], /) -> list[int]:
        """The cell code of every table."""
        return [code_of(row.get(column)) for column, code_of in self._coders]

    def cells(self, row: Mapping[str, object], /) -> list[int]:
        """The cell code of every table, then the place in the points of every pair."""
        codes = self.codes(row)
        return codes + [codes[a] * size + codes[b] for a, b, size in self._pairs]

    def score(self, cells: Sequence[int], /) -> Score:
        """The score of an account with those cells."""
        points = map(getitem, self._points, cells)
        lanes = sum(map(getitem, self._lanes, cells), self._positions)
        return self._answer(dict(zip(self._names, points, strict=True)), lanes)

    def _answer(self, points: dict[str, int], lanes: int) -> Score:
        profile, steps = self._profile, self._steps
        octets = lanes.to_bytes(self._unpacked.size, "little")
        information, novelty, *distances = self._unpacked.unpack(octets)
        margin = profile.base + sum(points.values())
        nearer = bisect_left(profile.novelty.closed, novelty)
        margin_step = bisect_right(profile.calibration.thresholds, margin)
        scored = (
            1000 * information >= self._least_known
            and steps.usual[nearer]
            and steps.narrow[min(margin_step, steps.none)]
        )
        step = margin_step if scored else steps.none
        distance_best, nearest_best = self._nearest(distances, self._best)
        distance_regrettable, nearest_regrettable = self._nearest(
            distances, self._regrettable
        )
        state: _State = "scored" if scored else "not_evaluable"
        known_fraction = (
            1000 * information // self._information / 1000 if self._information else 1.0
        )
        # By position: with names this call takes three times as long.
        return Score(
            steps.fit[step],
            steps.grade[step],
            state,
            ""
            if scored
            else "; ".join(self._why_not(information, nearer, margin_step)),
            margin,
            steps.p_best[step],
            steps.p_low[step],
            steps.p_high[step],
            distance_best,
            nearest_best,
            distance_regrettable,
            nearest_regrettable,
            known_fraction,
            steps.novelty_p[nearer],
            (),
            points,
            profile.base,
        )

    def _nearest(
        self, distances: Sequence[int], segments: Sequence[int]
    ) -> tuple[int, str | None]:
        if not segments:
            return 0, None
        nearest = min([distances[segment] for segment in segments])
        segment = self._profile.segments[nearest & _POSITION_MASK]
        return nearest >> _POSITION, segment.name

    def _why_not(
        self, information: int, nearer: int, margin_step: int
    ) -> Iterator[str]:
        profile, steps = self._profile, self._steps
        if not steps.none:
            yield "the closed customers do not tell best and regrettable apart"
        if 1000 * information < self._least_known:
            # Down and up, so that what is too little never looks like enough.
            share = 100 * information // self._information
            least = -(-profile.abstention.known // 10)
            yield (
                f"only {share}% of what the profile looks at is known, "
                f"{least}% is needed"
            )
        if not steps.usual[nearer]:
            yield "it is unlike any customer closed so far"
        if steps.none and not steps.narrow[margin_step]:
            low = profile.calibration.low[margin_step] / 1000
            high = profile.calibration.high[margin_step] / 1000
            yield f"the estimate is too uncertain ({low:.0%} to {high:.0%})"


def _lanes(profile: Profile) -> list[tuple[int, ...]]:
    """Per table and code: what is known, novelty and distances side by side."""
    return [
        tuple(
            _pack(
                table.information * (code != MISSING),
                table.pooled[code],
                *(s.surprises[place][code] << _POSITION for s in profile.segments),
            )
            for code in range(table.size)
        )
        for place, table in enumerate(profile.tables)
    ]


def _pack(*sums: int) -> int:
    return sum(value << _LANE * lane for lane, value in enumerate(sums))
