"""How the sources become customers and prospects where `icp.toml` does not say.

```
accounts there       one customer per account; deals, invoices and tickets summed up,
                     other lists fetched, by id, domain or name
no accounts          one customer per account that the deals (else invoices) name
no account named     one customer per closed deal; the open ones are the prospects
```
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import polars as pl

from icp.ingest.plan import AssemblyPlan, Derived, Join, Key
from icp.ingest.result import Finding
from icp.schema import Role
from icp.words import plural
from icp.workflow.sums import Export, Sums, deal_ends, sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.ingest.plan import KeyKind

    Population = Literal["customers", "prospects"]


_KEYS: Final[dict[KeyKind, tuple[str, ...]]] = {
    "id": ("account_id",),
    "domain": ("domain", "website", "url", "email"),
    "name": ("account_name",),
}
_NAMES: Final = ("account_id", "account_name", "domain")
#: What is the same in all rows of an account, more or less; the rest is summed up.
_STEADY: Final = (Role.FIRST_CONTACT, Role.QUALIFICATION, Role.OWNER, Role.PROTECTED)
#: A column names the account where it is known in at least this share of the rows.
_KNOWN: Final = 0.95
#: Where the rarer end of the accounts is rarer than this, they tell too little.
_ONE_SIDED: Final = 0.1


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """A plan, why it is so in words, and what a person should look at."""

    plan: AssemblyPlan
    said: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(kw_only=True)
class _Draft:
    """A plan under way."""

    base: Export
    joins: list[Join] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def done(self, **more: object) -> Proposed:
        plan = AssemblyPlan.model_validate(
            {"base": self.base.name, "joins": self.joins, "derived": self.derived}
            | more
        )
        return Proposed(plan=plan, said=tuple(self.said), findings=tuple(self.findings))


def propose_plans(exports: Sequence[Export], /) -> dict[Population, Proposed]:
    """A plan for "customers" and for "prospects", each where there are sources for it.

    Several sources of accounts: the first is the base, the others are fetched.
    """
    customers = _customers(exports)
    prospects = _prospects(exports, customers)
    both: dict[Population, Proposed | None] = {
        "customers": customers,
        "prospects": prospects,
    }
    return {name: proposed for name, proposed in both.items() if proposed}


def _customers(exports: Sequence[Export]) -> Proposed | None:
    accounts = [e for e in exports if e.object == "accounts"]
    events = [e for e in exports if e.object in {"deals", "invoices"}]
    events.sort(key=lambda export: export.object)
    if accounts and not (events and _tells_nothing(accounts, events)):
        return _of_accounts(accounts[0], exports)
    if not events:
        return None
    proposed = _of_events(events[0], exports)
    return _instead_of(proposed, accounts[0], events[0]) if accounts else proposed


def _prospects(
    exports: Sequence[Export], customers: Proposed | None
) -> Proposed | None:
    lists = [e for e in exports if e.object == "prospects"]
    if lists:
        return Proposed(plan=AssemblyPlan(base=lists[0].name))
    if customers is None or not customers.plan.where:
        return None
    plan = customers.plan
    deals = next(e for e in exports if e.name == plan.base)
    said = f"prospects: the deals of {deals.name} that are still open"
    opposite = f"NOT COALESCE({plan.where}, FALSE)"
    return Proposed(plan=plan.model_copy(update={"where": opposite}), said=(said,))


def _tells_nothing(accounts: list[Export], events: list[Export]) -> bool:
    """Whether no account says how it turned out, but deals do that name no account."""
    outcomes = [a for e in accounts for a in e.schema.with_role(Role.OUTCOME)]
    linked = any(_shared(accounts[0], export) for export in events)
    return not outcomes and not linked and deal_ends(events[0]) is not None


def _instead_of(proposed: Proposed, accounts: Export, deals: Export) -> Proposed:
    finding = Finding(
        level="ask",
        code="assembly",
        message=(
            f"no column of {accounts.name} says how customers turned out, and none of "
            f"{deals.name} says which account a row is about, so {accounts.name} is "
            "not used"
        ),
        file=accounts.file,
        action="export the deals with the account's id or name, and import them again",
    )
    return Proposed(
        plan=proposed.plan,
        said=proposed.said,
        findings=(*proposed.findings, finding),
    )


def _of_accounts(base: Export, exports: Sequence[Export]) -> Proposed:
    draft = _Draft(base=base)
    _join_all(draft, exports)
    if draft.joins:  # else it goes without saying
        draft.said.insert(0, f"customers: one per account of {base.name}")
    return draft.done(key=_own_key(base))


def _own_key(base: Export) -> str:
    """The account's id; without one a name or domain that tells all rows apart."""
    if not base.known("account_id"):
        for name in ("account_name", "domain"):
            if base.known(name) == 1 and base.frame[name].n_unique() == len(base.frame):
                return name
    return ""


def _of_events(base: Export, exports: Sequence[Export]) -> Proposed:
    key = next((name for name in _NAMES if base.known(name) >= _KNOWN), None)
    if key is None:
        return _row_by_row(base)
    draft = _Draft(base=base)
    draft.said.append(f"customers: one per {key.replace('_', ' ')} of {base.name}")
    if base.frame[key].n_unique() == base.frame.height:
        _join_all(draft, exports)
        return draft.done(key=key, where=_closed_only(base))
    if _says_more_by_deal(base, key):
        return _row_by_row(base)
    own = sums(base)
    kind = next(kind for kind, names in _KEYS.items() if key in names)
    if own:
        _sum_up(draft, base, own, (Key(by=kind, left=key, right=key),))
    _join_all(draft, exports)
    steady = [a.name for a in base.schema.attributes if a.role in _STEADY]
    columns = dict.fromkeys([*(n for n in _NAMES if n in base.schema), *steady])
    return draft.done(key=key, rows="events", columns=tuple(columns))


def _says_more_by_deal(deals: Export, key: str) -> bool:
    """Whether nearly all accounts end alike, but their deals do not.

    An account is won with one deal won, so with many deals each hardly any is lost.
    """
    ends = deal_ends(deals) if deals.object == "deals" else None
    if ends is None:
        return False
    won, lost = pl.sql_expr(ends.won), pl.sql_expr(ends.lost)
    by_deal = deals.frame.select(won=won.sum(), lost=lost.sum())
    by_account = (
        deals.frame.group_by(key)
        .agg(won=won.any(), lost=lost.any())
        .select(won=pl.col("won").sum(), lost=(pl.col("lost") & ~pl.col("won")).sum())
    )
    return _rarer(by_account) < _ONE_SIDED <= _rarer(by_deal)


def _rarer(ends: pl.DataFrame) -> float:
    """Share of the rarer end."""
    won, lost = ends.row(0)
    return float(min(won, lost) / max(1, won + lost))


def _row_by_row(base: Export) -> Proposed:
    noun, own = base.object.removesuffix("s"), f"{base.object.removesuffix('s')}_id"
    numbered = base.known(own) == 1 and base.frame[own].n_unique() == base.frame.height
    named = any(base.known(name) >= _KNOWN for name in _NAMES)
    why = (
        f"nearly all accounts end alike, so each {noun} counts as a customer"
        if named
        else f"no column says which account a {noun} is about, so each counts as a "
        "customer of its own"
    )
    finding = Finding(
        level="note",
        code="assembly",
        message=why,
        file=base.file,
        action="go on like this, or say otherwise under [assembly] of icp.toml"
        if named
        else "export it with the account's id or name, or go on like this",
    )
    where = _closed_only(base)
    said = f"customers: one per {'closed ' if where else ''}{noun} of {base.name}"
    draft = _Draft(base=base, said=[said], findings=[finding])
    return draft.done(key=own if numbered else "line", where=where)


def _closed_only(base: Export) -> str:
    """A condition that leaves open deals out; empty where none is open."""
    ends = deal_ends(base) if base.object == "deals" else None
    return ends.over if ends and ends.closed < base.frame.height else ""


def _join_all(draft: _Draft, exports: Sequence[Export]) -> None:
    """Sums before lists, so that a list's columns never take a sum's name."""
    others = [e for e in exports if e.name != draft.base.name]
    for export in others:
        summed = sums(export)
        if summed:
            _sum_up(draft, export, summed, _linked(draft, export))
    for export in others:
        if export.object in {"accounts", "other"}:
            _fetch(draft, export)


def _linked(draft: _Draft, export: Export) -> tuple[Key, ...]:
    keys = _shared(draft.base, export)
    if not keys:
        draft.findings.append(_unlinked(draft.base, export))
    return keys


def _sum_up(draft: _Draft, export: Export, summed: Sums, on: tuple[Key, ...]) -> None:
    taken = set(draft.base.schema.names) if draft.base.name != export.name else set()
    taken.update(a.name for join in draft.joins for a in join.aggregates)
    taken.update(derived.name for derived in draft.derived)
    fresh = [a for a in summed.aggregates if a.name not in taken]
    if not on or not fresh:
        return
    draft.joins.append(Join(source=export.name, on=on, aggregates=tuple(fresh)))
    if len(fresh) == len(summed.aggregates):
        draft.derived += [d for d in summed.derived if d.name not in taken]
    if export.name != draft.base.name:
        draft.said.append(f"{export.name}: summed up per customer, {_by(on)}")


def _fetch(draft: _Draft, export: Export) -> None:
    on = _linked(draft, export)
    if not on:
        return
    first = export.frame[on[0].right].drop_nulls()
    if first.n_unique() < len(first):
        draft.findings.append(_repeating(export, on[0].right))
        return
    draft.joins.append(Join(source=export.name, on=on))
    draft.said.append(f"{export.name}: columns added per customer, {_by(on)}")


def _shared(base: Export, export: Export) -> tuple[Key, ...]:
    """The keys that both sides have, the surest first."""
    keys = []
    for kind, names in _KEYS.items():
        left = next((name for name in names if base.known(name)), None)
        right = next((name for name in names if export.known(name)), None)
        if left and right:
            keys.append(Key(by=kind, left=left, right=right))
    return tuple(keys)


def _by(on: tuple[Key, ...]) -> str:
    return f"matched by {', then '.join(key.by for key in on)}"


def _unlinked(base: Export, export: Export) -> Finding:
    return Finding(
        level="ask",
        code="assembly",
        message=f"{export.name} is not used: it shares no account id, domain or "
        f"account name with {base.name}",
        file=export.file,
        action=f"say which column is the account's: icp import --name {export.name} "
        "--set COLUMN:name=account_id",
    )


def _repeating(export: Export, column: str) -> Finding:
    rows = export.frame.height - export.frame[column].n_unique()
    return Finding(
        level="ask",
        code="assembly",
        message=f"{export.name} is not used: {plural(rows, 'row')} repeat an account",
        file=export.file,
        column=column,
        count=rows,
        action="say what the rows are with --as deals, invoices or tickets, or sum "
        "them up under [assembly.customers] of icp.toml",
    )
