"""The customers and prospects of the newest import, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from icp.config import set_assembly
from icp.errors import NotFoundError
from icp.ingest.plan import AssemblyPlan
from icp.schema import AccountSchema
from icp.workflow.access import Area, needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from icp.ingest.propose_plan import Population
    from icp.store.records import ImportRecord


#: The object of a source whose rows are the accounts of a population.
BASES: Final[dict[Population, str]] = {
    "customers": "accounts",
    "prospects": "prospects",
}
#: Where an account is looked for.
PROSPECTS_FIRST: Final[tuple[Population, ...]] = ("prospects", "customers")


class Accounts(Area):
    """The accounts of a workspace, as customers and as prospects."""

    @needs("viewer")
    def table(self, population: Population = "customers") -> pl.LazyFrame:
        """The accounts of the newest import; raises NotFoundError."""
        bulk = self._record().tables[population]
        if bulk is None:
            base = BASES[population]
            message = f"no {population} imported; run icp import FILE --as {base}"
            raise NotFoundError(message)
        return self._session.store.bulk.scan(bulk)

    @needs("viewer")
    def table_if_any(self, population: Population, /) -> pl.LazyFrame | None:
        """The accounts of the newest import; None where there are none."""
        store = self._session.store
        record = store.last_import()
        bulk = record.tables[population] if record else None
        return store.bulk.scan(bulk) if bulk else None

    @needs("viewer")
    def schema(self, population: Population = "customers") -> AccountSchema:
        """The columns of those accounts, with role and kind; raises NotFoundError."""
        self.table(population)
        return AccountSchema.model_validate(self._record().schemas[population])

    @needs("viewer")
    def imported_on(self) -> date | None:
        """The day of the newest import, of which the columns speak."""
        record = self._session.store.last_import()
        return record.created_at.date() if record else None

    @needs("rep")
    def find(
        self,
        name: str,
        /,
        *,
        among: tuple[Population, ...] = PROSPECTS_FIRST,
    ) -> dict[str, Any]:
        """The one account with that id or name, from the first population that has it.

        Names are compared without regard to case. Raises NotFoundError where there is
        no such account, or more than one.
        """
        for population in among:
            matches = self._matches(population, name)
            if matches.height == 1:
                return matches.row(0, named=True)
            if matches.height > 1:
                message = (
                    f"{matches.height} {population} are called {name!r}; ask for one "
                    f"by its id: {', '.join(matches['account_id'].head(5))}"
                )
                raise NotFoundError(message)
        nouns = " or ".join(population.removesuffix("s") for population in among)
        raise NotFoundError(f"no {nouns} {name!r}; give its full name or its id")

    @needs("viewer")
    def plan(self, population: Population = "customers") -> AssemblyPlan | None:
        """How a population is made: as `icp.toml` says, else as last proposed."""
        declared = self.declared_plan(population)
        record = self._session.store.last_import()
        if declared is not None or record is None:
            return declared
        proposal = record.summary.get("plans", {}).get(population)
        plan = AssemblyPlan.model_validate(proposal) if proposal else None
        names = {source.name for source in self._session.config.sources}
        return plan if plan and names.issuperset(plan.sources) else None

    @needs("viewer")
    def declared_plan(self, population: Population, /) -> AssemblyPlan | None:
        """How a population is made by `icp.toml`; None where it does not say."""
        plan: AssemblyPlan | None = getattr(self._session.config.assembly, population)
        return plan

    @needs("analyst")
    def keep_plans(self) -> None:
        """Write the plans that were proposed into `icp.toml`, to be changed there."""
        self._record()
        for population in BASES:
            plan = self.plan(population)
            if plan and self.declared_plan(population) is None:
                self._session.rewrite(_with_plan(population, plan))

    def _record(self) -> ImportRecord:
        record = self._session.store.last_import()
        if record is None:
            raise NotFoundError("nothing imported yet; run icp import FILE")
        return record

    def _matches(self, population: Population, name: str) -> pl.DataFrame:
        """The accounts with that id, else those with that name."""
        frame = self.table_if_any(population)
        if frame is None:
            return pl.DataFrame()
        by_id = frame.filter(pl.col("account_id") == name).collect()
        if by_id.height or "account_name" not in frame.collect_schema():
            return by_id
        names = pl.col("account_name").str.to_lowercase().str.strip_chars()
        return frame.filter(names == name.strip().lower()).collect()


def _with_plan(population: Population, plan: AssemblyPlan) -> Callable[[str], str]:
    return lambda text: set_assembly(text, population, plan)
