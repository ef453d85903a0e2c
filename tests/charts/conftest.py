from __future__ import annotations

import pytest

from icp.profile import (
    AttributeTable,
    Calibration,
    Novelty,
    PairTable,
    Profile,
    ProfileEvidence,
    Provenance,
    Segment,
)
from icp.schema import Kind

INDUSTRY = AttributeTable(
    name="industry",
    column="industry",
    kind=Kind.CATEGORY,
    title="Industry",
    levels=(("Banking", 3), ("Retail", 2)),
    cells=("Retail", "Banking"),
    points=(0, -40, 620, -510),
    pooled=(900, 2000, 400, 700),
    best=(2, 0, 41, 17),
    regrettable=(1, 0, 3, 41),
    information=300,
)
EMPLOYEES = AttributeTable(
    name="employees",
    column="employees",
    kind=Kind.NUMBER,
    title="Employees",
    unit="people",
    edges=(50.0, 200.0),
    cells=("under 50", "50 to 200", "200 and more"),
    points=(0, 0, -300, 80, 240),
    pooled=(800, 2000, 500, 300, 600),
    best=(5, 0, 10, 25, 20),
    regrettable=(5, 0, 25, 10, 5),
    information=100,
)
CLOUD = AttributeTable(
    name="cloud",
    column="cloud",
    kind=Kind.FLAG,
    title="Uses a cloud",
    cells=("no", "yes"),
    points=(0, 0, -20, 30),
    pooled=(700, 2000, 500, 500),
    best=(0, 0, 20, 40),
    regrettable=(0, 0, 25, 20),
    information=20,
)
SEGMENTS = (
    Segment(
        name="Best 1: Retail",
        kind="best",
        size=38,
        traits=("Industry: Retail", "Uses a cloud: yes"),
        surprises=((900, 2000, 0, 1200), (700, 2000, 300, 0, 200), (600, 2000, 700, 0)),
        shares=((0, 0, 950, 50), (50, 0, 100, 500, 350), (0, 0, 200, 800)),
    ),
    Segment(
        name="Best 2: Banking",
        kind="best",
        size=22,
        traits=("Industry: Banking",),
        surprises=((900, 2000, 1200, 0), (700, 2000, 300, 0, 200), (600, 2000, 700, 0)),
        shares=((50, 0, 100, 850), (50, 0, 250, 400, 300), (0, 0, 500, 500)),
    ),
    Segment(
        name="Regrettable 1: small",
        kind="regrettable",
        size=45,
        traits=("Employees: under 50",),
        surprises=((900, 2000, 900, 0), (700, 2000, 0, 500, 900), (600, 2000, 0, 300)),
        shares=((20, 0, 70, 910), (110, 0, 560, 220, 110), (0, 0, 556, 444)),
    ),
)
CALIBRATION = Calibration(
    method="platt",
    thresholds=tuple(range(-999, 999, 2)),
    low=tuple(max(0, i - 120) for i in range(1000)),
    high=tuple(min(1000, i + 80) for i in range(1000)),
    shown_step=50,
)
EVIDENCE = ProfileEvidence(
    level="moderate",
    auc=0.81,
    auc_low=0.74,
    auc_high=0.88,
    log_loss=0.52,
    base_log_loss=0.69,
    brier=0.18,
    method="5 folds, repeated 10 times",
)


@pytest.fixture(scope="session")
def profile() -> Profile:
    return Profile(
        base=120,
        tables=(INDUSTRY, EMPLOYEES, CLOUD),
        pairs=(PairTable(first="industry", second="cloud", points=(0,) * 15 + (25,)),),
        segments=SEGMENTS,
        calibration=CALIBRATION,
        novelty=Novelty(closed=(500, 900, 1500), best=(0, 300, 700)),
        provenance=Provenance(best=60, regrettable=45, neutral=12, evidence=EVIDENCE),
    )
