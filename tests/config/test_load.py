from __future__ import annotations

from pathlib import Path

import pytest

from icp.config import SourceConfig, load_config, parse_config
from icp.errors import ConfigError
from icp.ingest.plan import AssemblyPlan
from icp.outcomes import Economics, OutcomePolicy

WHOLE = """
[workspace]
name = "Acme"
root = "${ICP_TEST_ROOT}/exports"

[[sources]]
name = "crm"
path = "crm.csv"

[[sources]]
name = "erp"
object = "invoices"
url = "postgresql://me:${ICP_TEST_SECRET}@db/erp"
query = "SELECT * FROM invoices"

[assembly.customers]
base = "crm"
[[assembly.customers.joins]]
source = "erp"
on = ["id", "name"]
aggregates = [{ name = "revenue", take = "sum", of = "amount" }]

[outcome]
currency = "EUR"
worth = { value = "revenue" }
thresholds = { regrettable_below = 0 }

[economics]
value_of_best = 100
cost_to_pursue = 5

[learning]
group = "parent"
accept = [{ column = "plan", who = "ann", why = "chosen on the first call" }]
options = { folds = 5 }

[roles]
ann = "admin"
"""


def test_a_whole_file():
    config = parse_config(WHOLE)
    assert config.workspace.name == "Acme"
    assert [s.name for s in config.sources] == ["crm", "erp"]
    assert config.assembly.customers == AssemblyPlan.model_validate(
        {
            "base": "crm",
            "joins": [
                {
                    "source": "erp",
                    "on": ["id", "name"],
                    "aggregates": [{"name": "revenue", "take": "sum", "of": "amount"}],
                }
            ],
        }
    )
    assert config.outcome == OutcomePolicy.model_validate(
        {
            "currency": "EUR",
            "worth": {"value": "revenue"},
            "thresholds": {"regrettable_below": 0},
        }
    )
    assert config.learning.accept[0].who == "ann"
    assert config.learning.options == {"folds": 5}
    assert config.roles == {"ann": "admin"}


def test_an_empty_file_says_nothing():
    config = parse_config("")
    assert config.sources == ()
    assert config.outcome is None
    assert config.assembly.customers is None


def test_places_stand_in_the_environment(monkeypatch):
    monkeypatch.setenv("ICP_TEST_ROOT", "/data")
    monkeypatch.setenv("ICP_TEST_SECRET", "s3")
    config = parse_config(WHOLE)
    folder = Path("/here")
    crm, erp = config.sources
    assert config.location(crm, folder) == Path("/data/exports/crm.csv")
    assert config.location(erp, folder) == "postgresql://me:s3@db/erp"
    assert config.mapping_file(crm, folder) == Path("/here/mappings/crm.json")


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("ICP_TEST_ROOT", raising=False)
    config = parse_config(WHOLE)
    with pytest.raises(ConfigError, match="1 environment variable: 'ICP_TEST_ROOT'"):
        config.location(config.source("crm"), Path())


def test_paths_start_from_the_workspace():
    config = parse_config('[[sources]]\nname = "a"\npath = "x.csv"\nmapping = "m.json"')
    source = config.source("a")
    assert config.location(source, Path("w")) == Path("w/x.csv")
    assert config.mapping_file(source, Path("w")) == Path("w/m.json")
    with pytest.raises(ConfigError, match="no source 'b' in icp"):
        config.source("b")


def test_economics_fill_what_is_not_given():
    import polars as pl

    labelled = pl.DataFrame({"outcome": ["regrettable"], "worth": [-7.0]})
    economics = parse_config(WHOLE).economics.economics(labelled)
    assert economics == Economics(V=100.0, L=7.0, C=5.0)


def test_read_options_of_a_source():
    source = SourceConfig(name="a", path="x", delimiter="|", no_header=True)
    options = source.options
    assert (options.delimiter, options.no_header, options.sheet) == ("|", True, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "icp.toml: not valid TOML: .*; correct that line"),
        ("[outcom]", "icp.toml: outcom: unknown key; did you mean 'outcome'?"),
        (
            "[[sources]]\nname='a'\npath='x'\n[[sources]]\nname='b'\npth='x'",
            "icp.toml: sources[2].pth: unknown key; did you mean 'path'?",
        ),
        ("[[sources]]\npath='x'", "icp.toml: sources[1].name: is missing; add it"),
        (
            "[[sources]]\nname='a'",
            "icp.toml: sources[1]: give either 'path' or 'url', not both",
        ),
        (
            "[[sources]]\nname='a'\nurl='x'",
            "icp.toml: sources[1]: 'url' and 'query' belong together",
        ),
        (
            "[[sources]]\nname='a'\npath='x'\nobject='deal'",
            "icp.toml: sources[1].object: input should be 'accounts', 'deals', ",
        ),
        (
            "[[sources]]\nname='a'\npath='x'\n[[sources]]\nname='a'\npath='x'",
            "icp.toml: 1 source: 'a' declared more than once",
        ),
        (
            "[[sources]]\nname='crm'\npath='x'\n[assembly.customers]\nbase='cmr'",
            "icp.toml: [assembly.customers] names 1 unknown source: 'cmr'; "
            "did you mean 'crm'?",
        ),
        (
            "[assembly.customers]\nbase='a'\n[[assembly.customers.joins]]\nsorce='a'",
            "icp.toml: assembly.customers.joins[1].sorce: unknown key; "
            "did you mean 'source'?",
        ),
        (
            "[assembly.customers]\nbase='a'\n[[assembly.customers.derived]]\n"
            "name='x'\nexpresion='y'",
            "assembly.customers.derived[1].expresion: unknown key; "
            "did you mean 'expression'?",
        ),
        (
            "[outcome.thresholds]\nbest_top=0.2",
            "icp.toml: outcome: thresholds on worth need [outcome.worth] with a value",
        ),
        (
            "[[outcome.rules]]\noutcome='bst'\nwhen='x'\nreason='y'",
            "icp.toml: outcome.rules[1].outcome: input should be 'best', ",
        ),
        ("[roles]\nann='boss'", "icp.toml: roles.ann: input should be 'viewer', 'rep'"),
        (
            "[economics]\ncost_to_pursue=-1",
            "icp.toml: economics.cost_to_pursue: input should be greater than or equal",
        ),
        ("[learning]\naccept=[{column='x'}]", "learning.accept[1].who: is missing"),
    ],
)
def test_mistakes_name_file_key_reason_and_action(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    if ".*" in message:
        assert caught.match(message)
    else:
        assert message in str(caught.value)


def test_many_mistakes_are_cut_short():
    text = "\n".join(f"wrong{i} = 1" for i in range(9))
    with pytest.raises(ConfigError, match="and 4 more"):
        parse_config(text)


def test_files(tmp_path):
    (tmp_path / "icp.toml").write_text("[workspace]\nname = 'x'", encoding="utf-8-sig")
    assert load_config(tmp_path).workspace.name == "x"
    assert load_config(tmp_path / "icp.toml") == load_config(tmp_path)
    with pytest.raises(ConfigError, match="run icp init"):
        load_config(tmp_path / "other.toml")
    (tmp_path / "icp.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        load_config(tmp_path)
