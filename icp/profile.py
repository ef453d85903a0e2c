"""The ideal customer profile: an immutable, content-hashed set of integer tables.

```
Profile
 ├─ tables: AttributeTable ...   one per attribute (one per value of a multi column)
 ├─ pairs: PairTable ...         two attributes whose combination matters
 ├─ segments: Segment ...        best and regrettable; surprises per table and cell
 ├─ calibration: Calibration     margin -> fit, with an interval
 ├─ novelty: Novelty             distances of the closed customers themselves
 ├─ abstention: Abstention       when no score is given
 └─ provenance: Provenance       what was learnt from, what was left out and why
```

A *cell code* is a small integer. Code 0 is missing (null, NaN, a placeholder level),
code 1 is never seen (an unknown level, an infinite number), codes from 2 on are the
table's `cells`. Every table row (points, surprises, counts) is indexed by that code.

All scores are sums of these integers (millinats, 1/1000 nat), so that every engine
gives the same numbers. The SHA-256 of the canonical JSON without its sentences is the
profile's identity: what counts is numbers, codes and names, never how it is put.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections import Counter
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from icp.documents import Count, Frozen, fault
from icp.errors import ConfigError
from icp.markup import html_table, notebook
from icp.schema import Kind
from icp.words import agreeing, capital, percent, plural, readable, signed

if TYPE_CHECKING:
    from collections.abc import Iterable


# ---- What a profile was learnt from, what was left out and why


class AttributeEvidence(Frozen):
    """What one attribute alone says about best against regrettable."""

    name: str
    #: Cross-fitted area under the ROC curve of the attribute alone.
    auc: float
    #: Information value less its mean under no difference.
    information_value: float
    #: Permutation p-value of the information value, adjusted over attributes.
    p_value: float


class ColumnFinding(Frozen):
    """A column left out of the profile or suspected of leaking, with the reason."""

    column: str
    code: str
    #: A sentence; no part of the identity.
    message: str
    #: Whether the column was kept out of the profile because of it.
    excluded: bool


class Capacity(Frozen):
    """How much the closed customers can carry; see `icp.learn.evidence`."""

    #: Separate effects that can be learnt with little overfitting.
    effects: Count
    #: Attributes that were offered.
    offered: Count
    #: Cox and Snell's R2 on which the figures rest.
    r_squared: float
    #: Whether that R2 is a convention, since nothing was found to separate.
    assumed: bool
    #: Customers needed for each effect.
    per_effect: float
    #: The share of best ones is known to within so much (95%).
    share_within: float
    #: Customers needed to know it to within 0.05.
    needed_for_share: Count

    def in_words(self) -> str:
        """The figure as a sentence.

        >>> Capacity(
        ...     effects=6, offered=21, r_squared=0.3, assumed=False, per_effect=15.0,
        ...     share_within=0.1, needed_for_share=385,
        ... ).in_words()
        'The customers can carry about 6 separate effects; 21 are offered, and \
shrinking takes care of the rest'
        """
        effects = plural(self.effects, "separate effect")
        carried = f"the customers can carry about {effects}"
        if self.assumed:
            carried = f"if they separated as well as is usual, {carried}"
        enough = self.offered <= self.effects
        rest = "which they can" if enough else "and shrinking takes care of the rest"
        offered = f"{self.offered:,} {agreeing(self.offered, 'is', 'are')} offered"
        return f"{capital(carried)}; {offered}, {rest}"


class ProfileEvidence(Frozen):
    """How well best and regrettable can be told apart at all, cross-validated."""

    level: Literal["none", "weak", "moderate", "strong"]
    auc: float
    auc_low: float
    auc_high: float
    log_loss: float
    base_log_loss: float
    brier: float
    #: How it was measured, in words; no part of the identity.
    method: str


class Provenance(Frozen):
    """What the profile was learnt from."""

    best: Count
    regrettable: Count
    neutral: Count = 0
    unknown: Count = 0
    first_date: str | None = None
    last_date: str | None = None
    #: SHA-256 of the learnt cells and outcomes, independent of row order.
    data_hash: str = ""
    options: dict[str, int | float | str | bool | None] = {}
    evidence: ProfileEvidence
    #: How much the customers can carry; null in profiles that are older than this.
    capacity: Capacity | None = None
    attributes: tuple[AttributeEvidence, ...] = ()
    findings: tuple[ColumnFinding, ...] = ()
    #: What was tried and not supported, and other remarks, in plain sentences; no part
    #: of the identity.
    notes: tuple[str, ...] = ()


#: Number of the document format; `Profile.from_json` upgrades older ones.
FORMAT: Final = 2
#: The sentences in a profile, which its identity leaves out.
_SENTENCES: Final[Any] = {
    "segments": {"__all__": {"traits"}},
    "provenance": {
        "notes": True,
        "evidence": {"method"},
        "findings": {"__all__": {"message"}},
    },
}
#: Cell code of a value that is not known.
MISSING = 0
#: Cell code of a level that was not there when the profile was learnt.
NEVER_SEEN = 1
_FIRST_CELL = 2
_NO_AND_YES = 2

_MAX_BYTES = 64_000_000
#: Most attribute tables, and most pairs, of one profile.
MAX_TABLES: Final = 5_000
_MAX_CELLS = 100_000
_MAX_POINTS = 1_000_000
_MAX_DISTANCES = 999
#: Attributes that a notebook shows.
_SHOWN: Final = 15
#: Margins and distances must fit into 32 bits in every engine.
_MAX_SUM = 2**31 - 2

_Points = Annotated[int, Field(ge=-_MAX_POINTS, le=_MAX_POINTS)]
_Surprise = Annotated[int, Field(ge=0, le=_MAX_POINTS)]
_Distance = Annotated[int, Field(ge=0, le=_MAX_SUM)]
_Margin = Annotated[int, Field(ge=-_MAX_SUM, le=_MAX_SUM)]
_PerMille = Annotated[int, Field(ge=0, le=1000)]


def _learnable(kind: Kind) -> Kind:
    if not kind.learnable:
        raise ValueError(f"a {kind} is never part of a profile")
    return kind


class AttributeTable(Frozen):
    """The look-up table of one attribute.

    `points`, `pooled`, `best` and `regrettable` have one entry per cell code.
    """

    #: Unique name: the column, or "column=value" for one value of a multi column.
    name: str = Field(min_length=1)
    column: str = Field(min_length=1)
    kind: Annotated[Kind, AfterValidator(_learnable)]
    #: Multi columns only: the value whose presence this table is about.
    value: str | None = None
    title: str = ""
    unit: str = ""
    #: Category only: each exact level with its cell code, sorted by level.
    levels: tuple[tuple[str, int], ...] = ()
    #: Number only: finite, ascending; the code is 2 + how many edges are <= the value.
    edges: tuple[float, ...] = ()
    #: The cells from code 2 on, in words. A flag or multi table has "no" and "yes".
    cells: tuple[str, ...]
    #: Millinats toward best (+) or regrettable (-).
    points: tuple[_Points, ...]
    #: Millinats of surprise among all closed customers, for novelty.
    pooled: tuple[_Surprise, ...]
    #: Closed best customers per cell code.
    best: tuple[Count, ...]
    #: Closed regrettable customers per cell code.
    regrettable: tuple[Count, ...]
    #: Share of the profile's information that this attribute carries, in any unit.
    information: Count
    #: Per mille by which this attribute's surprise counts in segment distances.
    weight: _PerMille = 1000

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        size = _FIRST_CELL + len(self.cells)
        rows = (self.points, self.pooled, self.best, self.regrettable)
        if any(len(row) != size for row in rows):
            raise ValueError(f"table {self.name!r}: rows must have {size} entries")
        if any(not 0 <= code < size for _, code in self.levels):
            raise ValueError(f"table {self.name!r}: a level points outside the cells")
        if any(a[0] >= b[0] for a, b in pairwise(self.levels)):
            raise ValueError(f"table {self.name!r}: levels must ascend")
        if any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError(f"table {self.name!r}: edges must ascend")
        if self.kind.numeric and len(self.cells) != len(self.edges) + 1:
            raise ValueError(f"table {self.name!r}: needs one cell more than edges")
        if self.kind.yes_no and len(self.cells) != _NO_AND_YES:
            raise ValueError(f"table {self.name!r}: needs the cells no and yes")
        if self.kind.per_value != (self.value is not None):
            raise ValueError(f"table {self.name!r}: exactly multi tables have a value")
        return self

    @property
    def size(self) -> int:
        """How many cell codes there are, missing and never seen included."""
        return len(self.points)

    def cell_name(self, code: int, /) -> str:
        """The cell in words."""
        if code == MISSING:
            return "not known"
        return "never seen" if code == NEVER_SEEN else self.cells[code - _FIRST_CELL]


class PairTable(Frozen):
    """Points of two attributes taken together, beyond what each gives alone."""

    first: str
    second: str
    #: Row-major: entry `code_first * size_second + code_second`.
    points: tuple[_Points, ...]

    @property
    def name(self) -> str:
        """`first*second`, as in the column `points__first*second`."""
        return f"{self.first}*{self.second}"


class Segment(Frozen):
    """A cluster of best customers, or of regrettable ones."""

    name: str = Field(min_length=1)
    kind: Literal["best", "regrettable"]
    #: Customers assigned to it when it was learnt.
    size: Count
    #: The three or fewer cells that set it apart, in words; no part of the identity.
    traits: tuple[str, ...] = ()
    #: Per table (profile order) and cell code: weighted surprise in millinats.
    surprises: tuple[tuple[_Surprise, ...], ...]
    #: Per table and cell code: share of the segment's customers, in per mille.
    shares: tuple[tuple[_PerMille, ...], ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.shares and _lengths(self.shares) != _lengths(self.surprises):
            raise ValueError(f"segment {self.name!r}: shares do not fit its surprises")
        return self


class Calibration(Frozen):
    """Margin to fit, in steps of a tenth.

    Fit is `i / 10` with `i` the number of `thresholds` at or below the margin. `low`
    and `high` are 90% interval bounds of the probability per `i`, in per mille.
    """

    method: Literal["none", "slope", "platt", "beta", "isotonic", "venn-abers"]
    #: 999 ascending margins (ties allowed), or none where nothing can be calibrated.
    thresholds: tuple[_Margin, ...] = ()
    low: tuple[_PerMille, ...] = ()
    high: tuple[_PerMille, ...] = ()
    #: Probabilities are rounded to this many per mille; 0 means that none is shown.
    shown_step: _PerMille = 0
    #: Lower fit bounds of A, B and C in per mille of probability.
    grade_cuts: tuple[_PerMille, _PerMille, _PerMille] = (750, 500, 250)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.thresholds) not in {0, 999}:
            raise ValueError("calibration needs 999 thresholds or none")
        if any(a > b for a, b in pairwise(self.thresholds)):
            raise ValueError("calibration thresholds must ascend")
        steps = len(self.thresholds) + 1 if self.thresholds else 0
        if {len(self.low), len(self.high)} != {steps}:
            raise ValueError(f"calibration bounds must have {steps} entries")
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("a lower calibration bound is above its upper one")
        if any(a < b for a, b in pairwise(self.grade_cuts)):
            raise ValueError("grade cuts must descend")
        return self

    def step(self, margin: int, /) -> int:
        """Fit in tenths (0 to 999) of a margin."""
        return bisect_right(self.thresholds, margin)

    @cached_property
    def grades(self) -> tuple[str, ...]:
        """Grade per step: one letter, or a range such as "B-C" where unsure.

        One letter is given when the interval touches at most two grades.
        """
        return tuple(
            self._grade(step, low, high)
            for step, (low, high) in enumerate(zip(self.low, self.high, strict=True))
        )

    def _grade(self, step: int, low: int, high: int) -> str:
        worst, best = self._letter(low), self._letter(high)
        if ord(worst) - ord(best) <= 1:
            return self._letter(step)
        return f"{best}-{worst}"

    def _letter(self, per_mille: int) -> str:
        for letter, cut in zip("ABC", self.grade_cuts, strict=True):
            if per_mille >= cut:
                return letter
        return "D"


class Novelty(Frozen):
    """Leave-one-out distances of the closed customers, ascending, in millinats.

    At most 999 values each (evenly spaced order statistics where there are more), so
    `p = (1 + how many are >= d) / (1 + how many there are)`.
    """

    #: Unweighted surprise among all closed customers.
    closed: tuple[_Distance, ...] = Field(default=(), max_length=_MAX_DISTANCES)
    #: Distance of each best customer to its nearest best segment.
    best: tuple[_Distance, ...] = Field(default=(), max_length=_MAX_DISTANCES)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if any(a > b for row in (self.closed, self.best) for a, b in pairwise(row)):
            raise ValueError("novelty distances must ascend")
        return self


class Abstention(Frozen):
    """When an account is `not_evaluable` rather than scored."""

    #: Least known fraction, per mille.
    known: _PerMille = 400
    #: Least novelty p-value, per mille; below it the account is outside experience.
    novelty: _PerMille = 10
    #: Widest 90% interval of the probability, per mille.
    width: _PerMille = 1000


class Profile(Frozen):
    """The ideal customer profile; see the module's drawing.

    >>> Profile.from_json("{}")
    Traceback (most recent call last):
    ...
    icp.errors.ConfigError: not a profile: it has no format number; export it again
    """

    format: Literal[2] = FORMAT
    base: _Points
    tables: tuple[AttributeTable, ...] = Field(max_length=MAX_TABLES)
    pairs: tuple[PairTable, ...] = Field(default=(), max_length=MAX_TABLES)
    segments: tuple[Segment, ...]
    calibration: Calibration
    novelty: Novelty = Novelty()
    abstention: Abstention = Abstention()
    provenance: Provenance
    _former_id: str | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = {table.name: table.size for table in self.tables}
        if sum(sizes.values()) > _MAX_CELLS:
            raise ValueError(f"more than {_MAX_CELLS} cells")
        if repeated := _repeated(self._names()):
            raise ValueError(f"two tables or pairs have the same name: {repeated!r}")
        if repeated := _repeated(self._readers()):
            raise ValueError(f"two tables read the column {repeated!r}")
        for pair in self.pairs:
            if not {pair.first, pair.second} <= sizes.keys():
                raise ValueError(f"pair {pair.name!r} is of unknown tables")
            if len(pair.points) != sizes[pair.first] * sizes[pair.second]:
                raise ValueError(f"pair {pair.name!r} does not fit its tables")
        for segment in self.segments:
            if _lengths(segment.surprises) != tuple(sizes.values()):
                raise ValueError(f"segment {segment.name!r} does not fit the tables")
        if self._largest_sum() > _MAX_SUM:
            raise ValueError("margins or distances would not fit into 32 bits")
        return self

    def _names(self) -> list[str]:
        tables, pairs = (t.name for t in self.tables), (p.name for p in self.pairs)
        return ["base", *tables, *pairs]

    def _readers(self) -> list[str]:
        multi = {table.column for table in self.tables if table.kind.per_value}
        others = (t.column for t in self.tables if not t.kind.per_value)
        return [*multi, *others]

    def _largest_sum(self) -> int:
        rows = [table.points for table in self.tables]
        margin = abs(self.base) + _most([*rows, *(pair.points for pair in self.pairs)])
        distances = [_most(segment.surprises) for segment in self.segments]
        return max(margin, _most(table.pooled for table in self.tables), *distances)

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON without its sentences, in hexadecimal."""
        return _sha256(self.model_dump(mode="json", exclude=_SENTENCES))

    @property
    def former_id(self) -> str | None:
        """The id that it had in format 1, sentences included; None if learnt later."""
        return self._former_id

    @property
    def short_id(self) -> str:
        """The first twelve characters of the id, for people."""
        return self.id[:12]

    @cached_property
    def best_segments(self) -> tuple[int, ...]:
        """Positions of the best segments in `segments`."""
        return tuple(i for i, s in enumerate(self.segments) if s.kind == "best")

    @cached_property
    def regrettable_segments(self) -> tuple[int, ...]:
        """Positions of the regrettable segments in `segments`."""
        return tuple(i for i, s in enumerate(self.segments) if s.kind == "regrettable")

    @cached_property
    def columns(self) -> dict[str, Kind]:
        """The account columns that scoring reads, with their kinds."""
        return {table.column: table.kind for table in self.tables}

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, UTF-8, shortest exact floats."""
        return _canonical(self.model_dump(mode="json"))

    @classmethod
    def from_json(cls, text: str | bytes, /) -> Profile:
        """Read a profile, upgrading older formats; raises ConfigError.

        Nothing in the document is executed. Size, format and the tables' consistency
        are checked; an unknown field, a newer format or a wrong length is refused.
        """
        if len(text) > _MAX_BYTES:
            message = f"not a profile: larger than {_MAX_BYTES} bytes"
            raise ConfigError(message)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            message = "not a profile: not valid JSON; export it again"
            raise ConfigError(message) from error
        try:
            number = _format_of(document)
            profile = cls.model_validate({**document, "format": FORMAT})
            profile.to_json().encode()  # refuses broken characters
            if number == 1:
                profile._former_id = _sha256(document)
        except ValidationError as error:
            message = (
                f"not a valid profile: {fault(error, cls, action='export it again')}"
            )
            raise ConfigError(message) from error
        except UnicodeEncodeError as error:
            message = "not a valid profile: broken characters; export it again"
            raise ConfigError(message) from error
        return profile

    def _repr_html_(self) -> str:
        """What a notebook shows: what it rests on, its attributes, its segments."""
        used, total = self.provenance, sum(t.information for t in self.tables) or 1
        tables = sorted(self.tables, key=lambda t: (-t.information, t.name))
        evidence = (
            f"{used.best:,} best and {used.regrettable:,} regrettable customers; "
            f"evidence: {used.evidence.level}"
        )
        attributes = (
            (
                table.title or readable(table.name),
                percent(table.information / total),
                f"{signed(min(table.points))} to {signed(max(table.points))}",
            )
            for table in tables[:_SHOWN]
        )
        segments = ((s.name, s.kind, f"{s.size:,}") for s in self.segments)
        return notebook(
            f"Ideal customer profile {self.short_id}",
            [evidence, f"Attributes: {len(tables):,}, the most telling first"],
            html_table(("attribute", "weight", "points"), attributes),
            html_table(("segment", "of", "customers"), segments),
        )


def _lengths(rows: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(len(row) for row in rows)


def _most(rows: Iterable[tuple[int, ...]]) -> int:
    return sum(max(map(abs, row), default=0) for row in rows)


def _repeated(names: Iterable[str]) -> str | None:
    counts = Counter(names)
    return next((name for name, count in counts.items() if count > 1), None)


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(
        document,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _sha256(document: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(document).encode()).hexdigest()


def _format_of(document: Any) -> int:
    number = document.get("format") if isinstance(document, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        message = "not a profile: it has no format number; export it again"
        raise ConfigError(message)
    if number > FORMAT:
        message = f"profile format {number} is newer than {FORMAT}; upgrade icp"
        raise ConfigError(message)
    if number < 1:
        message = f"not a profile: there is no format {number}; export it again"
        raise ConfigError(message)
    return number
