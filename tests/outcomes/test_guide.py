from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from icp.config import parse_config
from icp.outcomes import label, preview

GUIDE = Path(__file__).parents[2] / "docs" / "outcomes.md"


def blocks(language):
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_guides_settings_are_valid_and_label_customers():
    policy = parse_config("\n".join(blocks("toml"))).outcome
    customers = pl.DataFrame(
        {
            "account_id": ["1", "2", "3", "0015g00000XyZ"],
            "invoiced": [20_000.0, 100.0, 900.0, 900.0],
            "support_hours": [10.0, 9.0, None, None],
            "discount_given": [0.0, 0.0, 0.0, 0.0],
            "refunds": [0.0, 0.0, 0.0, 0.0],
            "days_late": [0.0, 30.0, None, 0.0],
            "is_churned": [False, True, False, False],
            "churn_reason": [None, "price", None, None],
            "customer_since": [None, None, None, None],
            "deal_stage": [None, None, "Closed Won", None],
        },
        schema_overrides={"customer_since": pl.Date},
    )
    labelled = label(customers, policy)
    assert labelled["outcome"].to_list() == [
        "best",
        "regrettable",
        "best",
        "regrettable",
    ]
    assert labelled["outcome_reason"][1] == "left (price) after costing −711 EUR"
    assert preview(labelled).counts["best"] == 2


def test_the_guide_names_every_part_of_a_policy():
    text = GUIDE.read_text(encoding="utf-8")
    for part in ("worth", "label", "rules", "thresholds", "maturity", "overrides"):
        assert f"outcome.{part}" in text
