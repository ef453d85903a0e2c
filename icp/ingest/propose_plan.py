"""How the sources become customers and prospects where no plan says so.

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

from icp.ingest.plan import Aggregate, AssemblyPlan, Derived, Join, Key
from icp.ingest.result import Finding
from icp.outcomes import stage_outcome
from icp.schema import Kind, Role
from icp.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from icp.ingest.plan import KeyKind
    from icp.schema import AccountSchema


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
_NAMED_ROWS: Final = 0.95
#: Where the rarer end of the accounts is rarer than this, they tell too little.
_ONE_SIDED: Final = 0.1
_DEAL_VALUES: Final = ("actual_amount", "amount", "close_value", "tcv", "acv", "arr")
_INVOICE_VALUES: Final = ("line_amount", "amount", "invoice_amount", "subtotal")
_DAYS: Final = ("invoice_date", "deal_created_date", "order_date")
#: A cost with more gaps than this cannot be taken off.
_COMPLETE: Final = 0.99


@dataclass(frozen=True, kw_only=True)
class Export:
    """A source that was read: its name, what its rows are, and the rows."""

    name: str
    file: str
    object: str
    schema: AccountSchema
    frame: pl.DataFrame

    def filled(self, column: str, /) -> float:
        """Share of the rows that have a value there; 0 without such a column."""
        if column not in self.frame.columns or not self.frame.height:
            return 0.0
        return float(self.frame[column].count() / self.frame.height)

    def number(self, *columns: str) -> str | None:
        """The first of these columns that holds a number anywhere."""
        return next((n for n in self._filled(columns) if self._kind(n).numeric), None)

    def day(self) -> str | None:
        """The column that says when such a row happened."""
        return next((n for n in self._filled(_DAYS) if self._kind(n).is_date), None)

    def _filled(self, columns: Iterable[str]) -> Iterator[str]:
        return (n for n in columns if n in self.schema and self.filled(n))

    def _kind(self, column: str) -> Kind:
        return self.schema[column].kind


@dataclass(frozen=True, kw_only=True)
class ProposedPlan:
    """A plan, why it is so in words, and what a person should look at."""

    plan: AssemblyPlan
    sentences: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(kw_only=True)
class _Draft:
    """A plan under way."""

    base: Export
    joins: list[Join] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def done(self, **more: object) -> ProposedPlan:
        plan = AssemblyPlan.model_validate(
            {"base": self.base.name, "joins": self.joins, "derived": self.derived}
            | more
        )
        return ProposedPlan(
            plan=plan, sentences=tuple(self.sentences), findings=tuple(self.findings)
        )


def propose_plans(exports: Sequence[Export], /) -> dict[Population, ProposedPlan]:
    """A plan for "customers" and for "prospects", each where there are sources for it.

    Several sources of accounts: the first is the base, the others are fetched.
    """
    customers = _customers(exports)
    prospects = _prospects(exports, customers)
    both: dict[Population, ProposedPlan | None] = {
        "customers": customers,
        "prospects": prospects,
    }
    return {name: proposed for name, proposed in both.items() if proposed}


def _customers(exports: Sequence[Export]) -> ProposedPlan | None:
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
    exports: Sequence[Export], customers: ProposedPlan | None
) -> ProposedPlan | None:
    lists = [e for e in exports if e.object == "prospects"]
    if lists:
        return ProposedPlan(plan=AssemblyPlan(base=lists[0].name))
    if customers is None or not customers.plan.where:
        return None
    plan = customers.plan
    deals = next(e for e in exports if e.name == plan.base)
    sentence = f"prospects: the deals of {deals.name} that are still open"
    opposite = f"NOT COALESCE({plan.where}, FALSE)"
    return ProposedPlan(
        plan=plan.model_copy(update={"where": opposite}), sentences=(sentence,)
    )


def _tells_nothing(accounts: list[Export], events: list[Export]) -> bool:
    """Whether no account says how it turned out, but deals do that name no account."""
    outcomes = [a for e in accounts for a in e.schema.with_role(Role.OUTCOME)]
    linked = any(_shared(accounts[0], export) for export in events)
    return not outcomes and not linked and deal_ends(events[0]) is not None


def _instead_of(
    proposed: ProposedPlan, accounts: Export, deals: Export
) -> ProposedPlan:
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
    return ProposedPlan(
        plan=proposed.plan,
        sentences=proposed.sentences,
        findings=(*proposed.findings, finding),
    )


def _of_accounts(base: Export, exports: Sequence[Export]) -> ProposedPlan:
    draft = _Draft(base=base)
    _join_all(draft, exports)
    if draft.joins:  # else it goes without saying
        draft.sentences.insert(0, f"customers: one per account of {base.name}")
    return draft.done(key=_own_key(base))


def _own_key(base: Export) -> str:
    """The account's id; without one a name or domain that tells all rows apart."""
    if not base.filled("account_id"):
        for name in ("account_name", "domain"):
            if base.filled(name) == 1 and base.frame[name].n_unique() == len(
                base.frame
            ):
                return name
    return ""


def _of_events(base: Export, exports: Sequence[Export]) -> ProposedPlan:
    key = next((name for name in _NAMES if base.filled(name) >= _NAMED_ROWS), None)
    if key is None:
        return _row_by_row(base)
    draft = _Draft(base=base)
    draft.sentences.append(f"customers: one per {key.replace('_', ' ')} of {base.name}")
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


def _row_by_row(base: Export) -> ProposedPlan:
    noun, own = base.object.removesuffix("s"), f"{base.object.removesuffix('s')}_id"
    numbered = base.filled(own) == 1 and base.frame[own].n_unique() == base.frame.height
    has_account = any(base.filled(name) >= _NAMED_ROWS for name in _NAMES)
    why = (
        f"nearly all accounts end alike, so each {noun} counts as a customer"
        if has_account
        else f"no column says which account a {noun} is about, so each counts as a "
        "customer of its own"
    )
    finding = Finding(
        level="note",
        code="assembly",
        message=why,
        file=base.file,
        action="go on like this, or say otherwise under [assembly] of icp.toml"
        if has_account
        else "export it with the account's id or name, or go on like this",
    )
    where = _closed_only(base)
    sentence = f"customers: one per {'closed ' if where else ''}{noun} of {base.name}"
    draft = _Draft(base=base, sentences=[sentence], findings=[finding])
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
    names = set(draft.base.schema.names) if draft.base.name != export.name else set()
    names.update(a.name for join in draft.joins for a in join.aggregates)
    names.update(derived.name for derived in draft.derived)
    fresh = [a for a in summed.aggregates if a.name not in names]
    if not on or not fresh:
        return
    draft.joins.append(Join(source=export.name, on=on, aggregates=tuple(fresh)))
    if len(fresh) == len(summed.aggregates):
        draft.derived += [d for d in summed.derived if d.name not in names]
    if export.name != draft.base.name:
        draft.sentences.append(f"{export.name}: summed up per customer, {_by(on)}")


def _fetch(draft: _Draft, export: Export) -> None:
    on = _linked(draft, export)
    if not on:
        return
    first = export.frame[on[0].right].drop_nulls()
    if first.n_unique() < len(first):
        draft.findings.append(_repeating(export, on[0].right))
        return
    draft.joins.append(Join(source=export.name, on=on))
    draft.sentences.append(f"{export.name}: columns added per customer, {_by(on)}")


def _shared(base: Export, export: Export) -> tuple[Key, ...]:
    """The keys that both sides have, the surest first."""
    keys = []
    for kind, names in _KEYS.items():
        left = next((name for name in names if base.filled(name)), None)
        right = next((name for name in names if export.filled(name)), None)
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


# ------------------------------------------------------------------ sums per account


@dataclass(frozen=True, kw_only=True)
class Ends:
    """SQL conditions for the deals that ended, and how many there are."""

    won: str
    lost: str
    closed: int

    @property
    def over(self) -> str:
        """Either of them."""
        return f"({self.won}) OR ({self.lost})"


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Columns per account, and those that are made of them."""

    aggregates: tuple[Aggregate, ...]
    derived: tuple[Derived, ...] = ()


def quoted(text: str, /) -> str:
    """Text as SQL writes it.

    >>> quoted("Won't buy")
    "'Won''t buy'"
    """
    return "'" + text.replace("'", "''") + "'"


def deal_ends(deals: Export, /) -> Ends | None:
    """Which deals were won and which lost; None where no column tells."""
    for column in ("is_won", "deal_stage", "deal_status"):
        if not deals.filled(column):
            continue
        if deals.schema[column].kind.dtype == pl.Boolean:
            closed = deals.frame[column].count()
            return Ends(won=column, lost=f"NOT {column}", closed=closed)
        ends = _by_stage(deals, column)
        if ends:
            return ends
    return None


def sums(export: Export, /) -> Sums | None:
    """What rows of its object come to per account; None where rows are no events."""
    if export.object == "deals":
        return _deals(export)
    if export.object == "invoices":
        return _invoices(export)
    return _tickets(export) if export.object == "tickets" else None


def _by_stage(deals: Export, column: str) -> Ends | None:
    levels = deals.frame[column].drop_nulls().unique().sort().to_list()
    outcomes = {level: stage_outcome(str(level)) for level in levels}
    won = [level for level, outcome in outcomes.items() if outcome == "best"]
    lost = [level for level, outcome in outcomes.items() if outcome == "regrettable"]
    if not won or not lost:
        return None
    closed = int(deals.frame[column].is_in([*won, *lost]).sum())
    return Ends(won=_among(column, won), lost=_among(column, lost), closed=closed)


def _among(column: str, levels: list[str]) -> str:
    return f"{column} IN ({', '.join(map(quoted, levels))})"


def _deals(deals: Export) -> Sums:
    ends = deal_ends(deals)
    value = deals.number(*_DEAL_VALUES)
    aggregates = [Aggregate(name="deals", take="count", label="Deals")]
    if ends:
        aggregates.append(_how_it_ended(ends))
    if value is None:
        return Sums(aggregates=(*aggregates, *_first(deals, "first_order", ends)))
    won = ends.won if ends else ""
    money, revenue = _money("won_amount", value, "revenue", rows="deals", where=won)
    return Sums(
        aggregates=(*aggregates, money, *_first(deals, "first_order", ends)),
        derived=(revenue,),
    )


def _how_it_ended(ends: Ends) -> Aggregate:
    """The best end of an account's deals: in the alphabet, lost < open < won."""
    cases = f"WHEN {ends.won} THEN 'won' WHEN {ends.lost} THEN 'lost' ELSE 'open'"
    return Aggregate(
        name="deal_outcome",
        take="max",
        of=f"CASE {cases} END",
        role=Role.OUTCOME,
        kind=Kind.CATEGORY,
        label="Deal outcome",
    )


def _invoices(invoices: Export) -> Sums | None:
    value = invoices.number(*_INVOICE_VALUES)
    if value is None and all(map(invoices.number, ("quantity", "unit_price"))):
        value = "quantity * unit_price"
    rows = Aggregate(name="invoices", take="count", label="Invoices")
    first = _first(invoices, "first_invoice", None)
    if value is None:
        return Sums(aggregates=(rows, *first))
    cost = _cost(invoices)
    amount, name = (f"{value} - {cost}", "margin") if cost else (value, "invoiced")
    money, derived = _money(f"{name}_sum", amount, name, rows="invoices")
    return Sums(aggregates=(rows, money, *first), derived=(derived,))


def _cost(invoices: Export) -> str | None:
    if invoices.filled("line_cost") > _COMPLETE:
        return "line_cost"
    by_unit = min(invoices.filled("unit_cost"), invoices.filled("quantity"))
    return "unit_cost * quantity" if by_unit > _COMPLETE else None


def _tickets(tickets: Export) -> Sums:
    hours = (
        Aggregate(name=a.name, take="sum", of=a.name, unit=a.unit, label=a.label)
        for a in tickets.schema.attributes
        if a.kind.numeric and (a.unit == "hours" or a.name.endswith("hours"))
    )
    count = Aggregate(name="tickets", take="count", label="Tickets")
    return Sums(aggregates=(count, *hours))


def _money(
    name: str, of: str, derived: str, /, *, rows: str, where: str = ""
) -> tuple[Aggregate, Derived]:
    """A sum, and the same with null where an account has no rows at all."""
    unit = "money"
    total = Aggregate(
        name=name, take="sum", of=of, where=where, role=Role.AFTER_SALE, unit=unit
    )
    amount = f"CASE WHEN {rows} > 0 THEN {name} END"
    return total, Derived(name=derived, expression=amount, role=Role.OUTCOME, unit=unit)


def _first(export: Export, name: str, ends: Ends | None) -> Iterator[Aggregate]:
    """The day of the first row, where every row is a sale."""
    day = export.day()
    if day and ends is None:
        yield Aggregate(name=name, take="min", of=day, role=Role.DATE)
