"""What every fit step answers, computed once per profile for both engines.

A margin falls into one of 1,000 fit steps. All that depends on the step (fit, grade,
probability, interval) is a look-up, so that a frame and a single row cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.profile import Profile

__all__ = ["Steps", "per_profile", "steps_of"]

T = TypeVar("T")
_KEPT = 32


class _Key:
    """A profile as a key: equal where the content hash is."""

    __slots__ = ("profile",)

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def __hash__(self) -> int:
        return hash(self.profile.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.profile.id == other.profile.id


def per_profile(build: Callable[[Profile], T], /) -> Callable[[Profile], T]:
    """Compute once per profile content; the last few profiles are kept."""

    @lru_cache(maxsize=_KEPT)
    def kept(key: _Key) -> T:
        return build(key.profile)

    @wraps(build)
    def of(profile: Profile, /) -> T:
        return kept(_Key(profile))

    return of


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Answers by fit step; the last entry, `none`, is for accounts without a score."""

    fit: tuple[float | None, ...]
    grade: tuple[str | None, ...]
    p_best: tuple[float | None, ...]
    p_low: tuple[float | None, ...]
    p_high: tuple[float | None, ...]
    #: Whether the interval is narrow enough to give a score.
    narrow: tuple[bool, ...]
    #: Novelty p-value by how many closed customers are nearer than the account.
    novelty_p: tuple[float | None, ...]
    #: Whether that is usual enough to give a score.
    usual: tuple[bool, ...]

    @cached_property
    def none(self) -> int:
        """Position of the answer to accounts that get no score."""
        return len(self.fit) - 1


@per_profile
def steps_of(profile: Profile, /) -> Steps:
    """Precompute the answers of a profile.

    Probabilities are rounded half up to the step that the calibration shows, in whole
    per mille; they are null where it shows none. Without thresholds, or where best
    and regrettable cannot be told apart, only `none` is left.
    """
    calibration, abstention = profile.calibration, profile.abstention
    low, high = calibration.low, calibration.high
    if profile.provenance.evidence.level == "none":
        low, high = (), ()
    count, size = len(low), calibration.shown_step
    closed = len(profile.novelty.closed)
    least = abstention.novelty * (1 + closed)
    return Steps(
        fit=(*(step / 10 for step in range(count)), None),
        grade=(*calibration.grades[:count], None),
        p_best=(*(_rounded(step, size) for step in range(count)), None),
        p_low=(*(_shown(bound, size) for bound in low), None),
        p_high=(*(_shown(bound, size) for bound in high), None),
        narrow=(
            *(h - b <= abstention.width for b, h in zip(low, high, strict=True)),
            False,
        ),
        novelty_p=tuple((1 + closed - b) / (1 + closed) for b in range(closed + 1))
        if closed
        else (None,),
        usual=tuple(1000 * (1 + closed - b) >= least for b in range(closed + 1)),
    )


def _rounded(per_mille: int, size: int) -> float | None:
    if not size:
        return None
    return min(1000, (2 * per_mille + size) // (2 * size) * size) / 1000


def _shown(per_mille: int, size: int) -> float | None:
    return per_mille / 1000 if size else None
