import random

import numpy as np
import pytest

from bench.rules.agreement import agreement, drawn_rule
from bench.rules.figures import covering, invented, recovered, wide
from bench.rules.sets import Judged, planted_in_demo
from bench.rules.world import (
    World,
    cells_only,
    covered,
    drawn_accounts,
    labelled,
    overlap,
    planted,
)


def test_the_engines_agree_and_a_wrong_one_would_show(monkeypatch):
    wrong, compared, names = agreement(100)
    assert (wrong, names[:2]) == (0, ("one row", "SQLite"))
    assert compared == 100 * 12 * len(names)
    monkeypatch.setattr("bench.rules.agreement.parse", lambda text: text)
    assert agreement(100)[0] == 100


def test_the_world_knows_the_truth():
    rng = np.random.default_rng(0)
    frame = drawn_accounts(rng, 4_000)
    for conditions in (1, 2):
        inside = covered(planted(frame, 0, conditions=conditions), frame)
        assert inside.mean() == pytest.approx(0.12, abs=0.02)
    rule = planted(frame, 0, conditions=2)
    chance = World(rules=((rule, 0.9),), elsewhere=0.2).chance(frame)
    assert set(chance.tolist()) == {0.9, 0.2}
    customers = labelled(frame, chance, rng)
    bad = (customers["outcome"] == "regrettable").to_numpy()
    assert bad[chance == 0.9].mean() == pytest.approx(0.9, abs=0.05)
    assert len(cells_only(frame).tables) == 12
    assert overlap(bad, bad) == 1.0


def test_figures_come_with_targets():
    assert [figure.target for figure in invented(1)] == ["at most 5%", "at most 7%"]
    assert len(recovered(2)) == 4
    assert len(covering(1)) == 3
    assert wide(12, rows=200)[0].found.endswith("left out: nothing")


def test_the_demo_is_told_in_sentences():
    sentences = list(planted_in_demo(200))
    assert sentences[0].startswith("Demo, ")
    assert sum(sentence.startswith("Planted: ") for sentence in sentences) == 3
    assert sentences[-1].startswith("Strong rules over columns that are noise: ")


def test_a_line_of_the_table():
    one = Judged(
        name="set", method="icp", rules=1, covered=20, regretted=18, of=100, base=0.3
    )
    assert one.line().startswith("| set | icp | 1 | 20.0% | 90.0% (")
    nothing = Judged(
        name="set", method="icp", rules=0, covered=0, regretted=0, of=0, base=0.3
    )
    assert "| - | - |" in nothing.line()


def test_drawn_rules_are_of_every_kind():
    draw = random.Random(1)
    kinds = {type(drawn_rule(draw)).__name__ for _ in range(300)}
    assert kinds == {"And", "Or", "Not", "Compare", "In", "Has", "Missing"}
