"""Of those who became regrettable, how many would have been walked away from?

    ICP_DATA=<folder of open data sets> python -m bench.quality.walkaway [--sets ...]

Learnt from the older 70 % of a set's judged customers (by date where the set has one,
else a random 70 %, which is said): profile, disqualifiers, and the money V, L and C.
Every strong disqualifier is put in force, as a person would. Then the newer 30 % get
their verdicts as prospects would: nothing but their attributes is known, nothing was
asked. "Walked away" counts verdicts to walk away; a verdict to ask first counts as not.
Intervals are 90 % Wilson; money is the count times L + C spared, or V - C lost. Writes
`bench/results/walkaway.md`.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
    os.environ.setdefault(variable, "1")

import polars as pl  # noqa: E402  # after the number of threads

from bench.sets.recipe import run_recipe  # noqa: E402
from icp.demo import write_demo  # noqa: E402
from icp.errors import PolicyError  # noqa: E402
from icp.learn import FitOptions, fit_profile, learn_disqualifiers  # noqa: E402
from icp.outcomes import Economics  # noqa: E402
from icp.qualify import verdicts  # noqa: E402
from icp.scoring import score  # noqa: E402
from icp.stats import wilson  # noqa: E402
from icp.workflow import open_workspace  # noqa: E402

if TYPE_CHECKING:
    from icp.config import WorkspaceConfig
    from icp.disqualifiers import Disqualifier
    from icp.schema import AccountSchema

RESULTS: Final = Path(__file__).parents[1] / "results" / "walkaway.md"
SETS: Final = ("demo", "telco-ibm", "online-retail", "adventureworks-resellers")
_OLDER: Final = 0.7
_HEAD: Final = (
    "| set | newer by | regrettable walked away from | best walked away from | "
    "asked first | spared | lost | by a rule |\n" + "|---" * 8 + "|"
)


@dataclass(frozen=True, kw_only=True)
class History:
    """A set's judged customers, older ones first."""

    name: str
    customers: pl.DataFrame
    schema: AccountSchema
    config: WorkspaceConfig
    #: Date column by which newer is newer; None where customers are drawn at random.
    when: str | None

    @property
    def parts(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The older and the newer customers."""
        cut = round(_OLDER * self.customers.height)
        return self.customers[:cut], self.customers[cut:]


def history_of(name: str, /, *, seed: int, customers: int) -> History:
    """The judged customers of the demo or of a recipe."""
    if name == "demo":
        labelled, schema, config = _demo(customers)
        when = config.learning.date
    else:
        made = run_recipe(name)
        labelled, schema, config = made.labelled, made.customers.schema, made.config
        when = config.learning.date or _only_date(labelled)
    judged = labelled.filter(pl.col("outcome").is_in(["best", "regrettable"]))
    if when is None:
        judged = judged.sample(fraction=1.0, shuffle=True, seed=seed)
    else:
        judged = judged.drop_nulls(when).sort(when, "account_id")
    return History(name=name, customers=judged, schema=schema, config=config, when=when)


def _demo(customers: int) -> tuple[pl.DataFrame, AccountSchema, WorkspaceConfig]:
    with tempfile.TemporaryDirectory() as folder:
        write_demo(folder, customers=customers, prospects=20)
        with open_workspace(folder) as space:
            space.imports.run()
            space.labels.label()
            return (
                space.labels.labelled().collect(),
                space.accounts.schema(),
                space.config,
            )


def _only_date(labelled: pl.DataFrame) -> str | None:
    return "first_order" if "first_order" in labelled.columns else None


def money_of(config: WorkspaceConfig, older: pl.DataFrame, /) -> Economics:
    """V, L and C from the older customers; alike where no worth is known."""
    try:
        found = config.economics.economics(older)
    except PolicyError:
        return Economics(V=1, L=1)
    return found if found.L else Economics(V=found.V, L=found.V, C=found.C)


def rules_of(
    history: History, older: pl.DataFrame, profile: object, economics: Economics, /
) -> tuple[Disqualifier, ...]:
    """The strong disqualifiers of the older customers, put in force."""
    found = learn_disqualifiers(
        older,
        profile,  # type: ignore[arg-type]  # a profile
        economics=economics,
        schema=history.schema,
        date=history.when,
        on=date.today(),
    )
    return tuple(
        rule.move("active", by="bench", reason="strong", on=date.today())
        for rule in found.rules
        if rule.latest is not None and rule.latest.strong
    )


def line_of(history: History, /) -> str:
    """The table's row of one set."""
    older, newer = history.parts
    economics = money_of(history.config, older)
    accepted = tuple(answer.column for answer in history.config.learning.accept)
    profile = fit_profile(
        older,
        schema=history.schema,
        date=history.when,
        options=FitOptions(accept=accepted),
    )
    rules = rules_of(history, older, profile, economics)
    known = [c for c in newer.columns if c in profile.columns]
    judged = verdicts(
        score(newer.select("account_id", "outcome", *known), profile),
        profile,
        economics=economics,
        disqualifiers=rules,
    )
    named = {rule.id for rule in rules}
    left = pl.col("verdict") == "walk_away"
    ruled = pl.col("verdict_reasons").list.first().is_in(list(named))
    counts = judged.group_by("outcome").agg(
        all=pl.len(),
        left=left.sum(),
        asked=(pl.col("verdict") == "ask").sum(),
        ruled=(left & ruled).sum(),
    )
    by = {row["outcome"]: row for row in counts.iter_rows(named=True)}
    bad, best = by["regrettable"], by["best"]
    cells = [
        history.name,
        f"{history.when} ({newer.height:,})" if history.when else "drawn, no date",
        _share(bad["left"], bad["all"]),
        _share(best["left"], best["all"]),
        f"{bad['asked']} regrettable, {best['asked']} best",
        _money(bad["left"], bad["all"], economics.L + economics.C),
        _money(best["left"], best["all"], max(0.0, economics.V - economics.C)),
        f"{bad['ruled']} and {best['ruled']} by {len(rules)} rules",
    ]
    return "| " + " | ".join(cells) + " |"


def _share(count: int, all_: int) -> str:
    low, high = wilson(count, all_)
    return f"{count} of {all_}, {count / all_:.0%} ({low:.0%} to {high:.0%})"


def _money(count: int, all_: int, each: float) -> str:
    low, high = (bound * all_ * each for bound in wilson(count, all_))
    return f"{count * each:,.0f} ({low:,.0f} to {high:,.0f})"


def main() -> None:
    """Measure, print as it goes, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--customers", type=int, default=1_200, help="of the demo")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    print(_HEAD)
    lines = []
    for name in options.sets:
        history = history_of(name, seed=options.seed, customers=options.customers)
        lines.append(line_of(history))
        print(lines[-1], flush=True)
    versions = ", ".join(f"{lib} {version(lib)}" for lib in ("icp", "polars"))
    head = (
        f"# Would we have walked away?\n\n{date.today():%Y-%m-%d}, Python "
        f"{platform.python_version()}, {versions}; one thread. Written by "
        "`bench/quality/walkaway.py`, whose head says what was done. Money is in the "
        "set's own unit; where a set knows no worth, a best and a regrettable customer "
        "count 1.\n"
        "\n"
    )
    options.out.write_text(head + "\n".join([_HEAD, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
