"""What to do about an account: verdict, money, next question, the way out in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp import charts
from icp.charts.figure import percent, signed
from icp.dashboard import components, session
from icp.dashboard.components import amount, chance, day, escaped, likely, quiet
from icp.errors import IcpError
from icp.qualify.verdict import PLAY_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.profile import Profile
    from icp.qualify import Ground, Money, Question, Verdict
    from icp.scoring import Explanation, Score
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement


# ---- An explanation on the screen: fit, reasons, waterfall, look-alikes, unknowns


def draw_explanation(
    explanation: Explanation, name: str, /, *, cuts: tuple[int, int, int]
) -> None:
    """Draw everything a rep needs about one account, the answer first."""
    score = explanation.score
    components.section(escaped(name))
    components.facts(_headline(score))
    if score.state == "not_evaluable":
        st.warning(escaped(f"No fit is given: {score.why_not}."))
    else:
        components.chart(charts.interval_strip(score, cuts=cuts), key="strip")
    _reasons(explanation)
    components.section("How the points add up")
    components.chart(charts.waterfall(explanation), key="waterfall")
    components.section("Whom it is like")
    components.bullets(str(nearest) for nearest in explanation.nearest)
    st.markdown(quiet("The most similar past customers:"))
    look_alikes(explanation)
    components.section(
        "What is not known yet", "By how much the answer could still move the points."
    )
    _unknown(explanation)


def _headline(score: Score) -> dict[str, tuple[str, str]]:
    fit = "–" if score.fit is None else f"{score.fit:.0f}"
    return {
        "Fit": (fit, "of 100"),
        "Grade": (score.grade or "–", "A is best, D is regrettable"),
        "Chance of best": (
            likely(score.p_best),
            f"90 % interval: {chance(score.p_low, score.p_high)}",
        ),
        "Known": (
            f"{100 * score.known_fraction:.0f} %",
            "of what the profile looks at",
        ),
    }


def _reasons(explanation: Explanation) -> None:
    moving = [c for c in explanation.contributions if c.known and c.points]
    sides = (
        ("Speaks for it", [c for c in moving if c.points > 0]),
        ("Speaks against it", [c for c in moving if c.points < 0]),
    )
    for column, (title, reasons) in zip(st.columns(2, gap="large"), sides, strict=True):
        with column:
            components.section(title)
            lines = [f"{c.title}: {c.text} ({signed(c.points)})" for c in reasons[:3]]
            components.bullets(lines or ["Nothing that is known."])


def look_alikes(explanation: Explanation, /) -> None:
    """The past customers that are most alike, with how they turned out."""
    similar = explanation.similar
    if similar is None or similar.is_empty():
        st.markdown("No past customers are at hand to compare with.")
        return
    components.reading(
        similar.select(
            pl.coalesce("account_name", "account_id").alias("company"),
            pl.col("outcome").fill_null("–").alias("turned out"),
            pl.format(
                "{} %", (100 * pl.col("similarity")).round(0).cast(pl.Int64)
            ).alias("alike"),
            pl.col("shared").list.join("; ").alias("in common"),
            pl.col("different").list.join("; ").alias("different"),
        ),
        alt="The most similar past customers and how they turned out",
    )


def _unknown(explanation: Explanation) -> None:
    if not explanation.unknown:
        st.markdown("Everything the profile looks at is known.")
        return
    widest = sorted(explanation.unknown, key=lambda c: c.lowest - c.highest)
    rows = pl.DataFrame(
        {
            "attribute": [c.title for c in widest],
            "at worst": [signed(c.lowest) for c in widest],
            "at best": [signed(c.highest) for c in widest],
        }
    )
    components.table(rows, alt=f"{len(rows)} attributes are not known")


def oddities(explanation: Explanation, /) -> None:
    """What makes the account unlike past customers, the oddest first."""
    if not explanation.unusual:
        st.markdown("Nothing about it is unusual.")
        return
    components.bullets(
        f"{c.title}: {c.value} ({c.text})" for c in explanation.unusual[:5]
    )


# ---- What people noted about an account, each with a way to take it back

SAID: Final = "advice-said"


def draw_notes(space: Workspace, judged: Judgement, profile: Profile, /) -> None:
    """Draw what was noted about a known account; nothing where nothing was."""
    account = judged.account_id
    told = {k: s for k, s in judged.signals.items() if s.source == "answer"}
    if account is None or not (told or judged.answers or judged.attempts):
        return
    listed = space.rules.reasons()
    titles = {table.column: table.title for table in profile.tables}
    with st.expander("What was noted", key="advice-noted", type="compact"):
        for column, value in judged.answers.items():
            words = f"{titles.get(column, column)}: {_value(value)}"
            _line(words, "Take back", account, f"attribute:{column}", None)
        for code, signal in told.items():
            said = "yes" if signal.holds else "no"
            since = f" ({day(signal.on)})" if signal.on else ""
            words = f"{listed[code].title}: {said}, {signal.evidence}{since}"
            turn = "It does not hold" if signal.holds else "It holds"
            _line(words, turn, account, f"reason:{code}", not signal.holds)
        components.bullets(
            f"{listed[tried.reason].title}: tried to {PLAY_NAMES[tried.play]}, it "
            f"{'helped' if tried.worked else 'did not help'}"
            for tried in judged.attempts
            if tried.reason in listed.codes
        )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def _line(words: str, turn: str, account: str, code: str, value: object) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(escaped(words))
        st.button(
            turn, key=f"noted-{code}", on_click=_note, args=(account, code, value)
        )


def _note(account: str, code: str, value: object) -> None:
    space = session.workspace()
    done(
        lambda: space.deals.answer(account, code, value, evidence="corrected"),
        "Corrected.",
    )


def done(act: Callable[[], object], words: str, /) -> None:
    """Do it, and keep what came of it for the next run to say."""
    try:
        act()
    except IcpError as error:
        components.say(SAID, "error", str(error))
    else:
        components.say(SAID, "success", words)


# ---- Pursuing one account although a rule or a policy says no


def draw_exceptions(space: Workspace, verdict: Verdict, account: str | None, /) -> None:
    """Draw the form for an exception; nothing where no rule speaks against a deal."""
    rules = {
        ground.code: components.capital(ground.title)
        for ground in verdict.grounds
        if ground.kind in {"policy", "disqualifier"} and not ground.excepted_by
    }
    if account is None or not rules:
        return
    with (
        st.expander("Pursue it all the same", key="advice-except", type="compact"),
        st.form(f"except-{account}", border=False),
    ):
        rule = st.selectbox(
            "Set aside",
            list(rules),
            format_func=rules.__getitem__,
            key=f"except-rule-{account}",
        )
        reason = st.text_input("Why, for the log", key=f"except-reason-{account}")
        approver = st.text_input(
            "Who allows it",
            key=f"except-approver-{account}",
            help="Somebody else who may judge rules; a policy needs one.",
        )
        if st.form_submit_button("Make an exception"):
            done(
                lambda: space.rules.allow_exception(
                    rule, account, reason=reason, approver=approver.strip() or None
                ),
                "Set aside for this account, and logged.",
            )
            st.rerun()


#: Verdict -> its colour, and what it asks of a rep.
_VERDICTS: Final = {
    "pursue": ("green", "Worth your time: go on."),
    "ask": ("blue", "One answer can turn this: ask before you put more time in."),
    "redirect": ("blue", "Somebody else has to be at the table: ask for them."),
    "second_option": ("violet", "Keep a foot in the door, at your price, no fight."),
    "not_now": ("orange", "The moment is wrong: leave it so that it wakes by itself."),
    "walk_away": ("red", "Your time is worth more elsewhere: leave, and leave well."),
    "not_evaluable": ("gray", "No guess is made: find out more, then look again."),
}
#: Verdicts on which an account is left.
_EXITS: Final = frozenset({"second_option", "not_now", "walk_away"})
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
    verdict, unit = judged.verdict, components.currency(space)
    components.section("What to do")
    components.said(SAID)
    with st.container(border=True, key="advice"):
        colour, lead = _VERDICTS[verdict.verdict]
        st.subheader(f":{colour}[{escaped(verdict.title)}]", anchor=False)
        st.markdown(lead)
        _grounds(verdict)
        _money(verdict.money, unit)
        for note in judged.notes:
            st.markdown(quiet(escaped(note)))
        draw_exceptions(space, verdict, judged.account_id)
    _left(space, judged)
    asking, leaving = st.columns(2, gap="large")
    with asking:
        _question(space, judged, profile)
    with leaving:
        _way_out(space, judged)
    with st.expander("What would change it", key="advice-changes", type="compact"):
        components.bullets(verdict.changes or ("Nothing that we know of.",))
    draw_notes(space, judged, profile)


def _grounds(verdict: Verdict) -> None:
    rows = pl.DataFrame(
        {
            "kind": [_KINDS[g.kind] for g in verdict.grounds],
            "reason": [_reason(g) for g in verdict.grounds],
            "evidence": [g.text or "–" for g in verdict.grounds],
            "who says so": [_who(g) for g in verdict.grounds],
        }
    )
    components.reading(rows, alt=f"{rows.height} grounds of the verdict, in order")


def _reason(ground: Ground) -> str:
    title = components.capital(ground.title)
    if ground.excepted_by:
        return f"{title} (set aside, {ground.excepted_by} approved)"
    return title


def _who(ground: Ground) -> str:
    said = _SOURCES.get(ground.source, ground.source)
    return f"{said}, {day(ground.on)}" if ground.on else said


def _money(money: Money, unit: str) -> None:
    if money.pursue_cured is None or money.p_cured is None:
        st.markdown("Without a fit there is no expected value.")
        return
    components.facts(
        {
            "Pursuing is worth": (
                amount(money.pursue_cured, unit),
                "on average; walking away is worth 0",
            ),
            "Chance we reckon with": (
                likely(money.p_cured),
                f"of a best customer; pursuing pays above {percent(money.break_even)}",
            ),
            "Spend at most": (
                amount(money.most_to_spend or 0.0, unit),
                "from here on; what is spent already does not count",
            ),
        }
    )
    st.markdown(quiet(escaped(_stakes(money, unit))))
    if money.p is not None and money.pursue is not None and money.p != money.p_cured:
        st.markdown(
            escaped(
                f"As things are the chance is {likely(money.p)}, worth "
                f"{amount(money.pursue, unit)}; the rest depends on curing what can "
                "be cured."
            )
        )


def _stakes(money: Money, unit: str) -> str:
    stakes = money.stakes
    then = "stay the same" if money.steady else "change"
    return (
        f"A best customer is worth {amount(stakes.value, unit)}, a regrettable one "
        f"costs {amount(stakes.loss, unit)}, pursuing costs "
        f"{amount(stakes.cost, unit)}. Were the first two off by half, the decision "
        f"would {then}."
    )


# ----------------------------------------------------------------------- questions


def _question(space: Workspace, judged: Judgement, profile: Profile) -> None:
    components.section("Next question")
    question = judged.verdict.question
    if question is None:
        st.markdown("No question would change this; decide now.")
        return
    st.markdown(f"**{escaped(question.text)}**")
    moves = question.moves(judged.verdict.verdict)
    components.bullets(moves or ("It tells most, but no answer alone decides.",))
    account = judged.account_id
    if account is None:
        return
    # Another account or question starts with empty fields.
    key = f"{account}-{question.code}"
    with st.form(f"answer-{key}", border=False):
        value = _answer_field(space, question, profile, key)
        evidence = st.text_input("Who said so", key=f"evidence-{key}")
        sent = st.form_submit_button("Note the answer")
    if not sent:
        return
    if value is None or value == []:
        st.warning("Fill in the answer first.")
        return
    _done(
        lambda: space.deals.answer(account, question.code, value, evidence=evidence),
        "The answer is noted.",
    )


def _answer_field(
    space: Workspace, question: Question, profile: Profile, key: str
) -> object:
    name = question.code.partition(":")[2]
    if question.kind == "reason":
        answer = st.radio(
            f"{escaped(space.rules.reasons()[name].title)}?",
            ["Yes", "No"],
            index=None,
            horizontal=True,
            key=f"holds-{key}",
        )
        return None if answer is None else answer == "Yes"
    column = next(t.column for t in profile.tables if t.name == name)
    tables = [t for t in profile.tables if t.column == column]
    return components.field(tables, key=f"field-{key}")


# -------------------------------------------------------------------------- way out


def _way_out(space: Workspace, judged: Judgement) -> None:
    components.section("What to say")
    verdict, account = judged.verdict, judged.account_id
    if verdict.step is None or verdict.reason is None:
        st.markdown("Go on; there is nothing to leave.")
        return
    st.markdown(f"**{components.capital(PLAY_NAMES[verdict.step.play])}**")
    st.code(verdict.step.say, language=None, wrap_lines=True)
    if account is None or _asleep(judged):
        return
    reason, play = verdict.reason, verdict.step.play
    if space.rules.reasons()[reason].steps[-1].play != play and st.button(
        "Tried it, it did not help", key="advice-tried"
    ):
        _done(
            lambda: space.deals.attempt(account, reason, play),
            "Noted; the next step comes into play.",
        )
    if verdict.verdict in _EXITS:
        _leave(space, account)


def _leave(space: Workspace, account: str) -> None:
    with st.form(f"leave-{account}", border=False):
        promised = st.text_input(
            "What you promised", key=f"promised-{account}", placeholder="Nothing"
        )
        if st.form_submit_button("Log this exit"):
            _done(
                lambda: space.deals.leave(account, promised=promised),
                "The exit is logged.",
            )


def _asleep(judged: Judgement) -> bool:
    return judged.left is not None and judged.left.woke_at is None


def _left(space: Workspace, judged: Judgement) -> None:
    kept = judged.left
    if kept is None or judged.account_id is None:
        return
    since = f"Left on {day(kept.created_at)} by {kept.author}"
    if kept.exit.promised:
        since = f"{since}, who promised: {kept.exit.promised}"
    if kept.woke_at is not None:
        st.success(escaped(f"{since}. It woke: {kept.woke_why}"))
    else:
        wakes = kept.exit.wake_text
        then = f"It wakes when {wakes}" if wakes else f"Stays shut: {kept.exit.never}"
        st.info(escaped(f"{since}. {then}"))
    if st.button("Take it up again", key="advice-take-up"):
        account = judged.account_id
        _done(
            lambda: space.deals.reopen(account, reason="taken up in the dashboard"),
            "Taken up again.",
        )


def _done(act: Callable[[], object], words: str) -> None:
    """Do it, and draw the page again with what came of it."""
    done(act, words)
    st.rerun()
