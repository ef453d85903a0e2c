from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("ICP_SHARED_DATA", ROOT.parent / "shared" / "data"))
NAMES = sorted(path.parent.name for path in ROOT.glob("bench/sets/recipes/*/icp.toml"))

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the open sets are not here")


@pytest.fixture(scope="module")
def bench():
    return importlib.import_module("bench.sets.recipe")


@pytest.mark.parametrize("name", NAMES)
def test_recipes_are_valid_and_name_no_place(bench, name):
    folder = bench.RECIPES / name
    config = bench.load_config(folder)
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.*")]
    assert config.workspace.root == f"${{ICP_DATA}}/{name}"
    assert all(config.mapping_file(s, folder).is_file() for s in config.sources)
    assert not any(word in text for text in texts for word in ("/home", "/tmp", ":\\"))


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize(
    ("name", "counts", "leaks"),
    [
        ("adventureworks-resellers", (158, 327, 147, 69), 4),
        ("bank-marketing", (4640, 36548, 0, 0), 1),
        ("b2b-salvirt", (227, 221, 0, 0), 1),
        ("maven-crm", (4238, 2473, 0, 0), 1),
        ("online-retail", (2766, 1570, 0, 0), 1),
        ("telco-ibm", (4720, 1869, 0, 454), 7),
        ("wholesale-uci", (142, 298, 0, 0), 0),
        ("x-education", (3561, 5679, 0, 0), 9),
        ("zoho-crm-sample", (1425, 485, 0, 0), 4),
    ],
)
def test_the_chain_gives_the_counts_of_the_notes(
    bench, monkeypatch, name, counts, leaks
):
    monkeypatch.setenv("ICP_DATA", str(DATA))
    recipe = bench.run_recipe(name)
    found = recipe.labelled["outcome"].value_counts().rows()
    order = ("best", "regrettable", "neutral", "unknown")
    assert tuple(dict(found).get(outcome, 0) for outcome in order) == counts
    assert recipe.labelled["account_id"].is_unique().all()
    assert all(table.report.ledger.balanced for table in recipe.tables.values())
    plan = recipe.config.assembly.customers
    leaking = bench._leaking(plan, bench.RECIPES / name) if leaks else plan
    again = bench.assemble(recipe.tables, leaking)
    more = set(again.schema.learnable) - set(recipe.customers.schema.learnable)
    assert len(more) == leaks
