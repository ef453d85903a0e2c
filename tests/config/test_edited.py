"""Files that people wrote in another way than the program does, edited by it."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from icp.conditions import parse
from icp.config import (
    Accepted,
    PolicyConfig,
    SourceConfig,
    accept_column,
    add_policy,
    add_source,
    edited,
    parse_config,
    remove_policy,
    remove_source,
    set_assembly,
    set_outcome,
)
from icp.errors import ConfigError
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import OutcomePolicy

if TYPE_CHECKING:
    from collections.abc import Callable

NEW = SourceConfig(name="b", path="b.csv")
WORD = Accepted(column="plan", who="ann", why="known")
ARMS = PolicyConfig(when=parse("a = 'x'"), why="no", who="ann", since=date(2026, 1, 31))
LABEL = OutcomePolicy.model_validate(
    {"label": {"column": "s", "values": {"Good": "best", "Bad": "regrettable"}}}
)
SAID = {"column": "plan", "who": "ann", "why": "known"}
OLD = {"column": "z", "who": "bob", "why": "so"}
FILES = "sources = [{name='a', path='a'}, {name='b', path='b'}]\n"


def accepts(text: str) -> str:
    return accept_column(text, WORD)


def names(text: str) -> list[str]:
    return [source.name for source in parse_config(text).sources]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["b"]),
        ("sources = []\n", ["b"]),
        ("sources = [{name='a', path='a.csv'}]\n[roles]\nann='admin'\n", ["a", "b"]),
        ("sources = [{name='b', path='old.csv', strict=true}]\n", ["b"]),
        ("[[sources]]\nname='a'\npath='a.csv'\n", ["a", "b"]),
    ],
)
def test_a_source_is_added_however_sources_are_written(
    text: str, found: list[str]
) -> None:
    after = edited(text, lambda t: add_source(t, NEW))
    assert names(after) == found
    assert parse_config(after).source("b") == NEW
    assert parse_config(after).roles == parse_config(text).roles


def test_a_source_is_taken_out_of_a_list_too() -> None:
    assert names(edited(FILES, lambda t: remove_source(t, "a"))) == ["b"]


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("policy = []\n", []),
        ("policy = [{when=\"b = 'y'\", why='w', who='z', since=2026-01-01}]\n", ["w"]),
        ("policy = [{when=\"a = 'x'\", why='w', who='z', since=2026-01-01}]\n", []),
    ],
)
def test_a_policy_is_added_however_policies_are_written(
    text: str, before: list[str]
) -> None:
    after = edited(text, lambda t: add_policy(t, ARMS))
    assert [policy.why for policy in parse_config(after).policy] == [*before, "no"]
    gone = edited(after, lambda t: remove_policy(t, ARMS.when))
    assert [policy.why for policy in parse_config(gone).policy] == before


@pytest.mark.parametrize(
    ("text", "learning"),
    [
        ("", {"accept": [SAID]}),
        ("learning = {group='g'}\n", {"group": "g", "accept": [SAID]}),
        ("learning.group = 'g'\n", {"group": "g", "accept": [SAID]}),
        ("[learning]\naccept = []\n", {"accept": [SAID]}),
        (
            "[learning]\naccept = [{column='z', who='bob', why='so'}]\ngroup = 'g'\n",
            {"group": "g", "accept": [OLD, SAID]},
        ),
        (
            "[learning]\naccept = [{column='plan', who='bob', why='so'}]\n",
            {"accept": [SAID]},
        ),
        (
            "[learning.options]\nfolds = 2\n[roles]\nann = 'admin'\n",
            {"options": {"folds": 2}, "accept": [SAID]},
        ),
        (
            "[learning]\ngroup='g'\n[roles]\nann='rep'\n[learning.options]\nfolds=2\n",
            {"group": "g", "options": {"folds": 2}, "accept": [SAID]},
        ),
    ],
)
def test_a_column_is_accepted_however_learning_is_written(
    text: str, learning: dict[str, Any]
) -> None:
    after = edited(text, accepts)
    assert tomllib.loads(after)["learning"] == learning
    assert parse_config(after).roles == parse_config(text).roles
    assert edited(after, accepts) == after


@pytest.mark.parametrize(
    "text",
    [
        "assembly = {customers = {base = 'a'}}\n" + FILES,
        FILES + "[assembly.customers]\nbase = 'a'\n[roles]\nann = 'admin'\n",
        FILES + "assembly.customers.base = 'a'\n",
    ],
)
def test_a_plan_is_set_however_the_other_one_is_written(text: str) -> None:
    plan = AssemblyPlan(base="b")
    after = parse_config(edited(text, lambda t: set_assembly(t, "prospects", plan)))
    assert after.assembly.prospects == plan
    assert after.assembly.customers == AssemblyPlan(base="a")


@pytest.mark.parametrize(
    "text",
    [
        "outcome = {currency = 'EUR'}\n[roles]\nann = 'admin'\n",
        "[outcome]\nlabel = {column = 't', values = {a = 'best'}}\n",
    ],
)
def test_a_policy_of_outcomes_is_set_however_it_is_written(text: str) -> None:
    after = parse_config(edited(text, lambda t: set_outcome(t, LABEL)))
    assert after.outcome == LABEL
    assert after.roles == parse_config(text).roles


def broken(_text: str) -> str:
    return "[workspace\n"


def misread(_text: str) -> str:
    return "[outcom]\n"


@pytest.mark.parametrize("change", [broken, misread])
def test_a_change_that_would_spoil_the_file_is_refused(
    change: Callable[[str], str],
) -> None:
    with pytest.raises(ConfigError, match="nothing was changed; write its sections"):
        edited("[workspace]\n", change)


def test_a_file_that_was_spoilt_meanwhile_is_named() -> None:
    with pytest.raises(ConfigError, match=r"icp.toml cannot be changed as it is"):
        edited("[workspace\n", lambda text: add_source(text, NEW))


@pytest.mark.parametrize("amount", ["nan", "inf", "-1"])
@pytest.mark.parametrize(
    "key", ["cost_to_pursue", "value_of_best", "loss_of_regrettable"]
)
def test_money_is_a_number_that_one_can_count(key: str, amount: str) -> None:
    with pytest.raises(ConfigError, match=rf"icp.toml: economics.{key}: input should"):
        parse_config(f"[economics]\n{key} = {amount}\n")
