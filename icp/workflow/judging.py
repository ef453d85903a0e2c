"""Verdicts on the workspace's accounts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from icp.errors import (
    ConfigError,
    NotFoundError,
    PolicyError,
)
from icp.outcomes import Economics
from icp.qualify import (
    VERDICT_COLUMNS,
    Attempt,
    KnownAbout,
    Signal,
    UsualTerms,
    decide,
    default_catalogue,
    matched,
    observed,
    read_catalogue,
    terms_of,
    usual,
    verdicts,
)
from icp.qualify.signals import LOST_REASON, standing
from icp.workflow import imports, labels, learning, scoring
from icp.workflow.rules import rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from icp.disqualifiers import Override
    from icp.profile import Profile
    from icp.qualify import Catalogue, Verdict
    from icp.scoring import Explanation
    from icp.store.deals import KeptExit
    from icp.workflow.context import Context


#: A workspace's own reasons, beside `icp.toml`.
REASONS: Final = "reasons.toml"
_EVEN: Final = Economics(V=1.0, L=1.0)
_EVENLY: Final = (
    "no money is given: a best and a regrettable customer weigh the same; set "
    "[economics] in icp.toml"
)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Everything about one account: why it fits, what to do, what was done."""

    #: None where the values came from a form.
    account_id: str | None
    #: Its columns, with what people found out.
    facts: dict[str, Any]
    #: What people found out: column -> value.
    answers: dict[str, Any]
    explanation: Explanation
    verdict: Verdict
    #: The signal that counts for each reason.
    signals: dict[str, Signal]
    attempts: tuple[Attempt, ...]
    #: How it was left, where it was.
    left: KeptExit | None
    #: What a person should know about the figures.
    notes: tuple[str, ...]


def catalogue(context: Context, /) -> Catalogue:
    """The reasons, with what the workspace's `reasons.toml` says instead."""
    file = Path(context.path) / REASONS
    if not file.is_file():
        return default_catalogue()
    try:
        return read_catalogue(file.read_text("utf-8-sig"), file=REASONS)
    except UnicodeDecodeError as error:
        message = f"{REASONS}: cannot be read as UTF-8 text; save it as UTF-8"
        raise ConfigError(message) from error


def economics(context: Context, /) -> tuple[Economics, tuple[str, ...]]:
    """V, L and C, and what a person should know about them."""
    try:
        labelled = labels.labelled(context)
        return context.config.economics.economics(labelled), ()
    except (NotFoundError, PolicyError):
        return _EVEN, (_EVENLY,)


def judge(
    context: Context,
    asked: str | Mapping[str, object],
    ref: str | int | None,
    /,
    *,
    invested: float = 0.0,
) -> Judgement:
    """Decide about one account, called by id or name, or given as values."""
    row = scoring.account(context, asked) if isinstance(asked, str) else dict(asked)
    account = str(row["account_id"]) if isinstance(asked, str) else None
    answers = _answers(context, account)
    facts = {**row, **answers}
    explanation = scoring.check(context, facts, ref)
    document, listed = learning.profile(context, ref), catalogue(context)
    today, exported = today_of(context), exported_on(context)
    deals = context.store.deals
    said = told(context, listed, account).get(account, []) if account else []
    signals = (*said, *observed(facts, listed, on=exported))
    tried = deals.attempts(account).get(account, []) if account else []
    money, notes = economics(context)
    verdict = decide(
        explanation.score,
        economics=money,
        signals=signals,
        disqualifiers=rules(context),
        facts=facts,
        profile=document,
        catalogue=listed,
        attempts=tried,
        exceptions=_exceptions(context, account),
        terms=terms_of(
            facts,
            explanation.score.nearest_best,
            _usual(context, document),
            on=exported,
        ),
        invested=invested,
        today=today,
    )
    left = deals.exits(account, only_open=True) if account else []
    return Judgement(
        account_id=account,
        facts=facts,
        answers=answers,
        explanation=explanation,
        verdict=verdict,
        signals=standing(signals, listed, today=today),
        attempts=tuple(tried),
        left=left[0] if left else None,
        notes=notes,
    )


def with_verdicts(context: Context, scored: pl.LazyFrame, /, ref: Any) -> pl.LazyFrame:
    """A scored list with its verdict columns; those it may have had are made anew."""
    document = learning.profile(context, ref)
    return verdicts(
        scored.drop(VERDICT_COLUMNS, strict=False),
        document,
        economics=economics(context)[0],
        catalogue=catalogue(context),
        disqualifiers=rules(context),
        known=_known(context),
        usual=_usual(context, document),
        on=exported_on(context),
        today=today_of(context),
    )


def lost_reasons(context: Context, /) -> pl.DataFrame:
    """What each lost reason in the data is taken for, those of most accounts first.

    `lost_reason`, `accounts`, `taken_for` (null where nothing is alike), `entry` (of
    the dictionary), `alike` (0 to 100).
    """
    import polars as pl

    listed = catalogue(context)
    frames = [imports.present(context, p) for p in ("customers", "prospects")]
    texts = [
        frame.select(pl.col(LOST_REASON).cast(pl.String)).drop_nulls().collect()
        for frame in frames
        if frame is not None and LOST_REASON in frame.collect_schema()
    ]
    counted = (
        pl.concat([pl.DataFrame(schema={LOST_REASON: pl.String}), *texts])
        .group_by(LOST_REASON)
        .len("accounts")
        .sort("accounts", LOST_REASON, descending=[True, False])
    )
    found = [matched(text, listed) for text in counted[LOST_REASON]]
    return counted.rename({LOST_REASON: "lost_reason"}).with_columns(
        taken_for=pl.Series([m.reason for m in found], dtype=pl.String),
        entry=pl.Series([m.entry for m in found], dtype=pl.String),
        alike=pl.Series([m.alike for m in found], dtype=pl.Float64),
    )


# ----------------------------------------------------------------------- reading


def today_of(context: Context, /) -> date:
    """The day it is."""
    return context.store.database.clock().date()


def exported_on(context: Context, /) -> date | None:
    """The day of the newest import, of which its columns speak."""
    last = context.store.last_import()
    return last.created_at.date() if last else None


def told(
    context: Context, listed: Catalogue, account: str | None = None, /
) -> dict[str, list[Signal]]:
    """What people learnt, by account; a reason that is no longer listed is left out."""
    return {
        name: [signal for signal in signals if signal.reason in listed.codes]
        for name, signals in context.store.deals.signals(account).items()
    }


def _answers(context: Context, account: str | None) -> dict[str, Any]:
    if account is None:
        return {}
    return context.store.deals.answers(account).get(account, {})


def _exceptions(context: Context, account: str | None) -> list[Override]:
    return context.store.rules.exceptions(account) if account else []


def _usual(context: Context, document: Profile) -> UsualTerms:
    try:
        return usual(labels.labelled(context), document)
    except NotFoundError:
        return UsualTerms.unknown()


def _known(context: Context) -> KnownAbout:
    deals = context.store.deals
    excepted: dict[str, frozenset[str]] = {}
    for one in context.store.rules.exceptions():
        before = excepted.get(one.account_id, frozenset())
        excepted[one.account_id] = before | {one.rule}
    return KnownAbout(
        signals=told(context, catalogue(context)),
        attempts=deals.attempts(),
        excepted=excepted,
    )
