"""Learning profiles, putting one in force, going back, and telling two apart."""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from pydantic import ValidationError

from icp.config import Accepted, EconomicsConfig, accept_column
from icp.documents import fault
from icp.errors import ConfigError, NotFoundError, PolicyError, near
from icp.outcomes import OutcomePolicy, columns_read
from icp.profile import Profile
from icp.workflow.context import Progress, rewrite, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from icp.learn import FitOptions
    from icp.store.records import LabelRecord, ProfileRecord
    from icp.workflow.context import Context


_NUMBER: Final = re.compile(r"v?(\d{1,9})")
_ID: Final = re.compile(r"[0-9a-f]{4,64}")


def active(context: Context, /) -> ProfileRecord | None:
    """The profile in force."""
    return next((found for found in context.store.profiles() if found.active), None)


def record(context: Context, ref: str | int | None, /) -> ProfileRecord:
    """The profile that is meant: in force (None), "3", "v3", or the start of its id."""
    if ref is None:
        found = active(context)
        if found is None:
            message = "no profile is in force; run icp learn, then icp profile activate"
            raise NotFoundError(message)
        return found
    meant = [p for p in context.store.profiles() if _means(str(ref), p)]
    if len(meant) == 1:
        return meant[0]
    message = (
        f"{len(meant) or 'no'} profiles are called {str(ref)!r}; "
        "icp profile list shows them all"
    )
    raise NotFoundError(message)


def profile(context: Context, ref: str | int | None, /) -> Profile:
    """A profile's document."""
    found = record(context, ref)
    return Profile.from_json(context.store.profile_json(found.number))


def activate(context: Context, ref: str | int, /, *, reason: str) -> ProfileRecord:
    """Put a profile in force."""
    chosen = record(context, ref)
    context.store.activate(chosen.number, reason=reason, actor=context.actor)
    return record(context, chosen.number)


def rollback(context: Context, /, *, reason: str) -> ProfileRecord:
    """Put the profile back in force that was so before."""
    number = context.store.rollback(reason=reason, actor=context.actor)
    return record(context, number)


def diff(context: Context, a: str | int, b: str | int, /) -> pl.DataFrame:
    """`attribute`, `cell`, `before`, `after`, `change`: the points that differ.

    Points are millinats. Null means that the profile has no such cell; a change is
    null then. Largest changes first.
    """
    before, after = (_points(profile(context, ref)) for ref in (a, b))
    joined = before.join(
        after, on=("attribute", "cell"), how="full", coalesce=True, suffix="_after"
    )
    return (
        joined.rename({"points": "before", "points_after": "after"})
        .filter(pl.col("before").ne_missing(pl.col("after")))
        .with_columns(change=pl.col("after") - pl.col("before"))
        .sort(
            pl.col("change").abs(),
            "attribute",
            "cell",
            descending=[True, False, False],
            nulls_last=True,
        )
    )


def learn(
    context: Context, /, *, seed: int = 0, progress: Progress = silent
) -> ProfileRecord:
    """Learn a profile from the newest labels and keep it; nothing is put in force.

    The same data and settings give the same profile, hence the same number.
    """
    from icp.learn import fit_profile
    from icp.workflow import imports, labels

    labelling = labels.newest(context)
    customers = labels.labelled(context)
    group, date = respected(context, customers)
    learnt = fit_profile(
        customers,
        schema=imports.schema(context, "customers"),
        group=group,
        date=date,
        prospects=imports.present(context, "prospects"),
        options=_options(context, customers, labelling),
        seed=seed,
        progress=progress,
    )
    return context.store.record_profile(
        learnt,
        import_number=labelling.import_number,
        label_number=labelling.number,
        actor=context.actor,
    )


def accept(context: Context, columns: Sequence[str], /, *, why: str) -> None:
    """Write into `icp.toml` that refused columns are known in time after all."""
    from icp.workflow import imports

    known = imports.schema(context, "customers").names
    for column in columns:
        if column not in known:
            message = f"the customers have no column {column!r}; {near(column, known)}"
            raise NotFoundError(message)
        if not why.strip():
            message = (
                f"accepting {column!r} needs a reason; say when the column is known"
            )
            raise PolicyError(message)
    answers = [Accepted(column=c, who=context.actor, why=why) for c in columns]
    rewrite(context, lambda text: reduce(accept_column, answers, text))
    for column in columns:
        context.store.note("accept", column, actor=context.actor, why=why)


def respected(
    context: Context, customers: pl.LazyFrame, /
) -> tuple[str | None, str | None]:
    """The columns for groups and dates: as `[learning]` says, else as they show."""
    settings = context.config.learning
    return (
        settings.group or _same_account(customers),
        settings.date or _start(context, customers),
    )


def _start(context: Context, customers: pl.LazyFrame) -> str | None:
    """The date from which customers mature, where the labels are given by one."""
    policy = context.config.outcome
    start = policy.maturity.start if policy and policy.maturity else None
    return start if start in customers.collect_schema() else None


def _same_account(customers: pl.LazyFrame) -> str | None:
    """The account's name where several customers (deals, say) carry the same one."""
    if "account_name" not in customers.collect_schema():
        return None
    name = pl.col("account_name").drop_nulls()
    repeats = customers.select(name.n_unique() < name.len()).collect().item()
    return "account_name" if repeats else None


def _options(
    context: Context, customers: pl.LazyFrame, labelling: LabelRecord
) -> FitOptions:
    """What `[learning]` and `[economics]` say, and what the outcomes were made from."""
    from icp.learn import FitOptions

    settings = context.config.learning
    given: dict[str, Any] = dict(settings.options)
    policy = OutcomePolicy.model_validate(labelling.policy)
    given.setdefault("made_from", tuple(sorted(columns_read(policy))))
    if settings.accept:
        given["accept"] = tuple(answer.column for answer in settings.accept)
    if context.config.economics != EconomicsConfig():
        money = context.config.economics.economics(customers)
        given.setdefault("break_even", money.break_even)
    try:
        return FitOptions.model_validate(given)
    except ValidationError as error:
        reason = fault(error, FitOptions, action="correct it")
        raise ConfigError(f"icp.toml: learning.options.{reason}") from error


def _means(ref: str, found: ProfileRecord) -> bool:
    number = _NUMBER.fullmatch(ref)
    if number and int(number[1]) == found.number:
        return True
    return bool(_ID.fullmatch(ref)) and found.id.startswith(ref)


def _points(document: Profile) -> pl.DataFrame:
    rows = [
        (table.name, table.cell_name(code), points)
        for table in document.tables
        for code, points in enumerate(table.points)
    ]
    rows += [
        (pair.name, f"cell {i}", p)
        for pair in document.pairs
        for i, p in enumerate(pair.points)
    ]
    names = {"attribute": pl.String, "cell": pl.String, "points": pl.Int32}
    return pl.DataFrame([*rows, ("base", "", document.base)], names, orient="row")
