from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from icp.config import (
    SourceConfig,
    add_source,
    default_config_text,
    parse_config,
    set_assembly,
    set_outcome,
)
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import OutcomePolicy

_WORDS = st.text(alphabet="ab \"'\\#\n{}[]=é.", min_size=1, max_size=12)
_NAME = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
_OUTCOME = st.sampled_from(["best", "regrettable", "neutral", "unknown"])
_SHARE = st.integers(1, 99).map(lambda n: n / 100)
_MONEY = st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


def some(**fields):
    return st.fixed_dictionaries({}, optional=fields)


def whole(**fields):
    return st.fixed_dictionaries(fields)


_POLICIES = some(
    label=whole(
        column=_NAME, values=st.dictionaries(_WORDS, _OUTCOME, min_size=1, max_size=3)
    ),
    rules=st.lists(
        whole(outcome=_OUTCOME, when=_WORDS, reason=_WORDS, early=st.booleans()),
        max_size=3,
    ),
    maturity=whole(start=_NAME, months=st.integers(0, 240)),
    overrides=st.lists(
        whole(
            account_id=_WORDS, outcome=_OUTCOME, reason=_WORDS, author=_WORDS,
            at=st.dates(),
        ),
        max_size=2,
    ),
    otherwise=_OUTCOME,
    currency=st.sampled_from(["", "EUR"]),
    as_of=st.dates(),
    notes=st.lists(_WORDS, max_size=2),
).flatmap(
    lambda rest: some(
        best_top=_SHARE, regrettable_bottom=_SHARE, best_from=_MONEY,
        regrettable_below=_MONEY,
    ).map(lambda cuts: {**rest, "worth": {"value": "x"}, "thresholds": cuts})
)  # fmt: skip

_KEYS = st.lists(
    st.sampled_from(["id", "domain", "name"])
    | whole(by=st.just("domain"), left=_NAME, right=_NAME),
    min_size=1,
    max_size=3,
)
_JOINS = st.lists(
    whole(
        source=st.just("crm"),
        on=_KEYS,
        where=_WORDS,
        aggregates=st.lists(
            whole(name=_NAME, take=st.just("sum"), of=_WORDS, where=_WORDS),
            min_size=1,
            max_size=2,
        ),
    )
    | whole(source=st.just("crm"), on=_KEYS, columns=st.lists(_NAME, max_size=2)),
    max_size=2,
)
_PLANS = some(
    key=_NAME,
    where=_WORDS,
    keep=st.sampled_from(["first", "last"]),
    columns=st.lists(_NAME, max_size=2),
    joins=_JOINS,
    derived=st.lists(whole(name=_NAME, expression=_WORDS), max_size=2),
    roles=st.dictionaries(_NAME, st.sampled_from(["owner", "ignored"]), max_size=2),
).map(lambda rest: {"base": "crm", **rest})

START = add_source(default_config_text(), SourceConfig(name="crm", path="x.csv"))


@settings(deadline=None, max_examples=15)
@given(_POLICIES, _POLICIES)
def test_any_policy_is_read_as_it_was_written(first, second):
    policies = [OutcomePolicy.model_validate(p) for p in (first, second)]
    text = START
    for policy in policies:
        text = set_outcome(text, policy)
        assert (parse_config(text).outcome or OutcomePolicy()) == policy
    assert set_outcome(text, policies[-1]) == text


@settings(deadline=None, max_examples=15)
@given(_PLANS, _PLANS)
def test_any_plan_is_read_as_it_was_written(first, second):
    text = START
    for plan in (AssemblyPlan.model_validate(p) for p in (first, second)):
        text = set_assembly(text, "customers", plan)
        text = set_assembly(text, "prospects", plan)
        config = parse_config(text)
        assert config.assembly.customers == plan
        assert config.assembly.prospects == plan
        assert config.sources == (SourceConfig(name="crm", path="x.csv"),)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.sampled_from(["a", "b c", "d.e"]), _WORDS), max_size=5))
def test_any_sources_are_read_as_they_were_written(written):
    text = default_config_text()
    for name, path in written:
        text = add_source(text, SourceConfig(name=name, path=path))
    found = {source.name: source.path for source in parse_config(text).sources}
    assert found == dict(written)
