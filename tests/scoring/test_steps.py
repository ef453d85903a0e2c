from __future__ import annotations

import pytest
from generators.strategies import profile_of, steady_calibration

from icp.profile import Abstention, Calibration
from icp.scoring.prepared import per_profile, steps_of


def test_the_last_step_answers_nothing() -> None:
    steps = steps_of(profile_of())
    assert steps.none == 1000
    for answers in (steps.fit, steps.grade, steps.p_best, steps.p_low, steps.p_high):
        assert len(answers) == 1001
        assert answers[-1] is None
    assert steps.narrow[-1] is False


@pytest.mark.parametrize(
    "changes", [{"level": "none"}, {"calibration": Calibration(method="none")}]
)
def test_without_evidence_nothing_else_is_left(changes: dict) -> None:
    steps = steps_of(profile_of(**changes))
    assert steps.none == 0
    assert (steps.fit, steps.grade, steps.p_best) == ((None,), (None,), (None,))


@pytest.mark.parametrize(
    ("size", "rounded"),
    [
        (1, {0: 0.0, 499: 0.499, 999: 0.999}),
        (10, {0: 0.0, 4: 0.0, 5: 0.01, 994: 0.99, 995: 1.0, 999: 1.0}),
        (50, {24: 0.0, 25: 0.05, 974: 0.95, 975: 1.0}),
        (666, {332: 0.0, 333: 0.666, 998: 0.666, 999: 1.0}),
        (0, {0: None, 999: None}),
    ],
)
def test_half_is_rounded_up(size: int, rounded: dict[int, float | None]) -> None:
    calibration = steady_calibration(shown_step=size)
    steps = steps_of(profile_of(calibration=calibration))
    assert {step: steps.p_best[step] for step in rounded} == rounded


def test_an_interval_may_be_as_wide_as_allowed() -> None:
    limits = Abstention(known=0, novelty=0, width=150)
    steps = steps_of(profile_of(abstention=limits))
    wide = [step for step, narrow in enumerate(steps.narrow[:-1]) if not narrow]
    assert wide == [*range(51, 950)]


@pytest.mark.parametrize(
    ("closed", "limit", "novelty_p", "usual"),
    [
        ((), 1000, (None,), (True,)),
        ((5,), 500, (1.0, 0.5), (True, True)),
        ((5,), 501, (1.0, 0.5), (True, False)),
        ((5, 6, 7), 500, (1.0, 0.75, 0.5, 0.25), (True, True, True, False)),
    ],
)
def test_novelty_counts_the_account_itself(
    closed: tuple[int, ...],
    limit: int,
    novelty_p: tuple[float | None, ...],
    usual: tuple[bool, ...],
) -> None:
    limits = Abstention(known=0, novelty=limit)
    steps = steps_of(profile_of(closed=closed, abstention=limits))
    assert (steps.novelty_p, steps.usual) == (novelty_p, usual)


def test_work_is_done_once_per_content() -> None:
    seen = []
    noted = per_profile(lambda profile: seen.append(profile.base))
    for base in (1, 2, 1, 2, 2):
        noted(profile_of(base=base))
    assert seen == [1, 2]
