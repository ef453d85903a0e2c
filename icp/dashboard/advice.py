"""What to do about an account: verdict, money, next question, the way out in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp.dashboard import components, form
from icp.dashboard.text import day, escaped, likely, quiet
from icp.errors import IcpError
from icp.qualify.plays import PLAY_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.profile import Profile
    from icp.qualify import Ground, Money, Question, Verdict
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement

__all__ = ["draw"]

_SAID: Final = "advice-said"
_COLOURS: Final = {
    "pursue": "green",
    "ask": "blue",
    "redirect": "blue",
    "second_option": "violet",
    "not_now": "orange",
    "walk_away": "red",
    "not_evaluable": "gray",
}
_KINDS: Final = {
    "policy": "policy",
    "disqualifier": "rule",
    "gate": "gate",
    "strong": "strong reason",
    "soft": "soft reason",
    "distances": "profile",
}
_SOURCES: Final = {
    "answer": "somebody asked",
    "column": "from the data",
    "lost_reason": "from a lost deal",
    "rule": "a rule in force",
    "profile": "from the profile",
}


def draw(space: Workspace, judged: Judgement, profile: Profile, /) -> None:
    """Draw what to do, why, and the forms to note what was done."""
    verdict, unit = judged.verdict, _currency(space)
    components.section("What to do")
    components.said(_SAID)
    with st.container(border=True, key="advice"):
        colour = _COLOURS[verdict.verdict]
        st.markdown(f"### :{colour}-badge[{escaped(verdict.title)}]")
        _grounds(verdict)
        _money(verdict.money, unit)
        for note in judged.notes:
            st.markdown(quiet(escaped(note)))
    _left(space, judged)
    asking, leaving = st.columns(2, gap="large")
    with asking:
        _question(space, judged, profile)
    with leaving:
        _way_out(space, judged)
    with st.expander("What would change it", key="advice-changes", type="compact"):
        components.bullets(verdict.changes or ("Nothing that we know of.",))


def _grounds(verdict: Verdict) -> None:
    rows = pl.DataFrame(
        {
            "why": [_KINDS[g.kind] for g in verdict.grounds],
            "reason": [_reason(g) for g in verdict.grounds],
            "evidence": [g.text or "–" for g in verdict.grounds],
            "who says so": [_who(g) for g in verdict.grounds],
        }
    )
    components.reading(rows, alt=f"{rows.height} grounds of the verdict, in order")


def _reason(ground: Ground) -> str:
    if ground.excepted_by:
        return f"{ground.title} (set aside, {ground.excepted_by} approved)"
    return ground.title


def _who(ground: Ground) -> str:
    said = _SOURCES.get(ground.source, ground.source)
    return f"{said}, {ground.on:%Y-%m-%d}" if ground.on else said


def _money(money: Money, unit: str) -> None:
    if money.pursue_cured is None or money.p_cured is None:
        st.markdown("Without a fit there is no expected value.")
        return
    stakes = money.stakes
    components.facts(
        {
            "Pursuing is worth": (_amount(money.pursue_cured, unit), "walking away: 0"),
            "Chance of best": (
                likely(money.p_cured),
                f"pursuing pays above {money.break_even:.0%}",
            ),
            "Spend at most": (
                _amount(money.most_to_spend or 0.0, unit),
                "from here on; what is spent already does not count",
            ),
        }
    )
    sure = "stays the same" if money.steady else "changes"
    st.markdown(
        quiet(
            escaped(
                f"A best customer is worth {_amount(stakes.value, unit)}, a "
                f"regrettable one costs {_amount(stakes.loss, unit)}, pursuing costs "
                f"{_amount(stakes.cost, unit)}. With the first two off by half the "
                f"decision {sure}."
            )
        )
    )
    if money.p is not None and money.pursue is not None and money.p != money.p_cured:
        st.markdown(
            escaped(
                f"As things are the chance is {likely(money.p)}, worth "
                f"{_amount(money.pursue, unit)}; the rest depends on curing what can "
                "be cured."
            )
        )


def _amount(money: float, unit: str) -> str:
    return f"{money:,.0f} {unit}".rstrip()


def _currency(space: Workspace) -> str:
    outcome = space.config.outcome
    return outcome.currency if outcome else ""


# ----------------------------------------------------------------------- questions


def _question(space: Workspace, judged: Judgement, profile: Profile) -> None:
    components.section("Next question")
    question = judged.verdict.question
    if question is None:
        st.markdown("No question would change this; decide now.")
        return
    st.markdown(f"**{escaped(question.text)}**")
    moves = question.moves(judged.verdict.verdict)
    components.bullets(moves or ("No answer by itself changes the verdict.",))
    if judged.account_id is None:
        return
    with st.form("advice-answer", border=False):
        value = _answer_field(question, profile)
        evidence = st.text_input("Who said so", key="advice-evidence")
        if st.form_submit_button("Note the answer") and value is not None:
            account, code = judged.account_id, question.code
            _done(
                lambda: space.note_answer(account, code, value, evidence=evidence),
                "The answer is noted.",
            )


def _answer_field(question: Question, profile: Profile) -> object:
    if question.kind == "reason":
        answer = st.radio(
            "Does it hold?",
            ["Yes", "No"],
            index=None,
            horizontal=True,
            key="advice-yes",
        )
        return None if answer is None else answer == "Yes"
    name = question.code.partition(":")[2]
    column = next(t.column for t in profile.tables if t.name == name)
    return form.field([t for t in profile.tables if t.column == column], key="advice")


# -------------------------------------------------------------------------- way out


def _way_out(space: Workspace, judged: Judgement) -> None:
    components.section("In words")
    verdict, account = judged.verdict, judged.account_id
    if verdict.step is None or verdict.reason is None:
        st.markdown("Go on; there is nothing to leave.")
        return
    st.markdown(f"**{components.capital(PLAY_NAMES[verdict.step.play])}**")
    st.code(verdict.step.say, language=None, wrap_lines=True)
    if account is None:
        return
    reason, play = verdict.reason, verdict.step.play
    if st.button("Tried it, it did not help", key="advice-tried"):
        _done(
            lambda: space.note_attempt(account, reason, play),
            "Noted; the next step comes into play.",
        )
    with st.form("advice-leave", border=False):
        promised = st.text_input("What you promised", key="advice-promised")
        if st.form_submit_button("Log this exit"):
            _done(
                lambda: space.leave(account, promised=promised),
                "The exit is logged; the account wakes by itself.",
            )


def _left(space: Workspace, judged: Judgement) -> None:
    kept = judged.left
    if kept is None or judged.account_id is None:
        return
    since = f"Left on {day(kept.created_at)} by {kept.author}"
    if kept.woke_at is not None:
        st.success(escaped(f"{since}; woke: {kept.woke_why}"))
    else:
        wakes = kept.exit.wake_text or f"never: {kept.exit.never}"
        st.info(escaped(f"{since}; wakes when {wakes}"))
    if st.button("Take it up again", key="advice-take-up"):
        account = judged.account_id
        _done(
            lambda: space.take_up(account, reason="taken up in the dashboard"),
            "Taken up again.",
        )


def _done(act: Callable[[], object], words: str) -> None:
    """Do it, keep what came of it for the next run, and draw the page again."""
    try:
        act()
    except IcpError as error:
        components.say(_SAID, "error", str(error))
    else:
        components.say(_SAID, "success", words)
    st.rerun()
