"""One prospect: what to do about it, how well it fits, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import streamlit as st

from icp import charts
from icp.dashboard import components, session
from icp.dashboard.components import escaped, label, quiet
from icp.dashboard.views import prospects
from icp.errors import IcpError
from icp.qualify.verdict import PLAY_NAMES
from icp.scoring.words import title_of
from icp.words import amount, capital, chance, day, likely, percent, plural, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from icp.profile import AttributeTable, Profile
    from icp.qualify import Ground, Money, Question, Verdict
    from icp.scoring import Explanation, Score
    from icp.store.records import ScoreRun
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement


_PICK, _FILL = "Pick a company", "Fill in a form"
_HINT = "Leave a field empty if you do not know. It never counts against a company."
_NOTICE: Final = "advice-notice"


def draw() -> None:
    """Draw the page."""
    components.heading(
        "One prospect", "What to do about it, how well it fits, and why."
    )
    space = session.workspace()
    status = space.status()
    if status.active is None:
        components.empty(
            "No profile is in force", "Learn one and put it in force first.", "data"
        )
        return
    way = st.segmented_control(
        "How to choose a company",
        [_PICK, _FILL],
        default=_PICK,
        required=True,
        key="way",
        bind="query-params",
        label_visibility="collapsed",
    )
    if way == _FILL:
        _show_form(space)
    elif status.last_run is None and not st.query_params.get("account"):
        todo = "Score your prospects, or fill in the form above."
        components.empty("No prospects are scored yet", todo, "data")
    elif company := _pick(status.last_run):
        _show(space, *company)


def _pick(run: ScoreRun | None, /) -> tuple[str, str] | None:
    """Draw the fields; returns the id and name of what is picked, None for nothing.

    The account of the page's address counts whether or not it is among the prospects.
    """
    search, choice = st.columns([1, 2], vertical_alignment="bottom")
    text = search.text_input("Search companies", key="find")
    account = st.query_params.get("account")
    scored = session.scored(run.number) if run else None
    companies = _choices(scored, text or "", account)
    if not companies or (text and not _choices(scored, text, None)):
        st.info("No prospect has that name or id. Try fewer letters.")
    if not companies:
        return None
    account = choice.selectbox(
        "Company",
        list(companies),
        format_func=companies.__getitem__,
        key=f"pick-{text}",
        index=list(companies).index(account) if account in companies else 0,
    )
    st.query_params["account"] = account
    return account, companies[account]


def _choices(
    scored: pl.LazyFrame | None, text: str, account: str | None
) -> dict[str, str]:
    """Prospects by id, and the account of the address: a customer or not yet scored."""
    companies = {} if scored is None else prospects.choices(scored, text, account)
    if account and account not in companies:
        return {account: account, **companies}
    return companies


def _show_form(space: Workspace) -> None:
    values = _form(session.profile())
    if values is None:
        st.markdown(quiet(_HINT))
    else:
        _show(space, values, "This company")


_FORM = "form-values"
_FORM_COLUMNS = 3


def _form(profile: Profile, /) -> dict[str, object] | None:
    """A field per attribute; the values by column, None before the first time.

    A field left empty is unknown and not in the result.
    """
    by_column: dict[str, list[AttributeTable]] = {}
    for table in profile.tables:
        by_column.setdefault(table.column, []).append(table)
    with st.form("account-form"):
        entries = {}
        for place, (column, tables) in enumerate(by_column.items()):
            if place % _FORM_COLUMNS == 0:
                cells = st.columns(_FORM_COLUMNS)
            with cells[place % _FORM_COLUMNS]:
                entries[column] = _field(tables, key="field")
        if st.form_submit_button("Calculate the fit", type="primary"):
            st.session_state[_FORM] = {
                c: v for c, v in entries.items() if v not in (None, [])
            }
    values: dict[str, object] | None = st.session_state.get(_FORM)
    return values


def _field(tables: list[AttributeTable], /, *, key: str) -> object:
    """A field for the column of these tables; None where nothing is filled in."""
    table = tables[0]
    title = label(capital(title_of(table)))
    key = f"{key}-{table.column}"
    if table.kind.numeric:
        unit = f" ({label(table.unit)})" if table.unit else ""
        return st.number_input(f"{title}{unit}", value=None, key=key)
    if table.kind.per_value:
        options = [t.value for t in tables if t.value is not None]
        return st.multiselect(
            label(capital(table.column.replace("_", " "))), options, key=key
        )
    if table.kind.yes_no:
        answer = st.selectbox(
            title, ["yes", "no"], index=None, placeholder="Unknown", key=key
        )
        return None if answer is None else answer == "yes"
    levels = [level for level, code in table.levels if code > 1]
    return st.selectbox(title, levels, index=None, placeholder="Unknown", key=key)


def _show(space: Workspace, account: str | Mapping[str, object], name: str) -> None:
    judgement, profile = space.verdicts.judge(account), session.profile()
    if name == judgement.account_id:
        name = str(judgement.facts.get("account_name") or name)
    _advice(space, judgement, profile)
    _explanation(judgement.explanation, name, cuts=profile.calibration.grade_cuts)


#: Verdict -> its colour, and what a rep should do.
_VERDICTS: Final = {
    "pursue": ("green", "Worth your time. Go ahead."),
    "ask": ("blue", "One answer could change this. Ask before you invest more time."),
    "redirect": ("blue", "Someone else has to be involved. Ask for them."),
    "second_option": (
        "violet",
        "Stay in touch as second option, at your price, without a fight.",
    ),
    "not_now": (
        "orange",
        "The timing is wrong. Leave it until it is due for another look.",
    ),
    "walk_away": ("red", "Your time is worth more elsewhere. Leave on good terms."),
    "not_evaluable": ("gray", "No fit is given. Find out more, then look again."),
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
    "answer": "from an answer",
    "column": "from the data",
    "lost_reason": "from a lost deal",
    "rule": "from an active rule",
    "profile": "from the profile",
}


def _advice(space: Workspace, judgement: Judgement, profile: Profile, /) -> None:
    """What to do, why, and the forms to note what was done."""
    verdict, unit = judgement.verdict, components.currency(space)
    components.section("What to do")
    components.show_notice(_NOTICE)
    with st.container(border=True, key="advice"):
        colour, lead = _VERDICTS[verdict.verdict]
        st.subheader(f":{colour}[{escaped(verdict.title)}]", anchor=False)
        st.markdown(lead)
        _grounds(verdict)
        _money(verdict.money, unit)
        for note in judgement.notes:
            st.markdown(quiet(escaped(note)))
        _exception(space, verdict, judgement.account_id)
    _left(space, judgement)
    asking, leaving = st.columns(2, gap="large")
    with asking:
        _question(space, judgement, profile)
    with leaving:
        _way_out(space, judgement)
    with st.expander("What would change it", key="advice-changes", type="compact"):
        components.bullets(verdict.changes or ("Nothing known.",))
    _notes(space, judgement, profile)


def _grounds(verdict: Verdict) -> None:
    rows = pl.DataFrame(
        {
            "kind": [_KINDS[g.kind] for g in verdict.grounds],
            "reason": [_reason(g) for g in verdict.grounds],
            "evidence": [g.text or "–" for g in verdict.grounds],
            "source": [_source(g) for g in verdict.grounds],
        }
    )
    components.reading(rows, alt=f"{rows.height} grounds of the verdict, in order")


def _reason(ground: Ground) -> str:
    title = capital(ground.title)
    if ground.excepted_by:
        return f"{title} (exception approved by {ground.excepted_by})"
    return title


def _source(ground: Ground) -> str:
    source = _SOURCES.get(ground.source, ground.source)
    return f"{source}, {day(ground.on)}" if ground.on else source


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
            "Assumed probability": (
                likely(money.p_cured),
                f"of becoming best; pursuing pays above {percent(money.break_even)}",
            ),
            "Spend at most": (
                amount(money.most_to_spend or 0.0, unit),
                "from now on; what you have spent does not count",
            ),
        }
    )
    st.markdown(quiet(escaped(_stakes(money, unit))))
    if money.p is not None and money.pursue is not None and money.p != money.p_cured:
        st.markdown(
            escaped(
                f"As things stand the probability is {likely(money.p)} and pursuing is "
                f"worth {amount(money.pursue, unit)}; the rest depends on resolving "
                "what can be resolved."
            )
        )


def _stakes(money: Money, unit: str) -> str:
    stakes = money.stakes
    then = "stay the same" if money.steady else "change"
    return (
        f"A best customer is worth {amount(stakes.value, unit)}, a regrettable one "
        f"costs {amount(stakes.loss, unit)}, and pursuing costs "
        f"{amount(stakes.cost, unit)}. If the first two were off by half, the decision "
        f"would {then}."
    )


def _exception(space: Workspace, verdict: Verdict, account: str | None, /) -> None:
    """The form for an exception, where a rule or a policy excludes the account."""
    rules = {
        ground.code: capital(ground.title)
        for ground in verdict.grounds
        if ground.kind in {"policy", "disqualifier"} and not ground.excepted_by
    }
    if account is None or not rules:
        return
    with (
        st.expander("Pursue it despite a rule", key="advice-except", type="compact"),
        st.form(f"except-{account}", border=False),
    ):
        rule = st.selectbox(
            "Rule",
            list(rules),
            format_func=rules.__getitem__,
            key=f"except-rule-{account}",
        )
        reason = st.text_input("Reason, for the log", key=f"except-reason-{account}")
        approver = st.text_input(
            "Approver",
            key=f"except-approver-{account}",
            help="A second person who may decide on rules; a policy needs one.",
        )
        if st.form_submit_button("Make an exception"):
            _act(
                lambda: space.rules.allow_exception(
                    rule, account, reason=reason, approver=approver.strip() or None
                ),
                "Exception made for this account and logged.",
            )


def _left(space: Workspace, judgement: Judgement) -> None:
    left = judgement.left
    if left is None or judgement.account_id is None:
        return
    since = f"Left on {day(left.created_at)} by {left.author}"
    if left.exit.promised:
        since = f"{since}, who promised: {left.exit.promised}"
    if left.woke_at is not None:
        st.success(escaped(f"{since}. It is due for another look: {left.woke_why}"))
    else:
        wake, never = left.exit.wake_text, left.exit.never
        then = f"Look again when {wake}" if wake else f"Won't reopen: {never}"
        st.info(escaped(f"{since}. {then}"))
    if st.button("Reopen", key="advice-reopen"):
        account = judgement.account_id
        _act(
            lambda: space.deals.reopen(account, reason="reopened in the dashboard"),
            "Reopened.",
        )


def _question(space: Workspace, judgement: Judgement, profile: Profile) -> None:
    components.section("Next question")
    question = judgement.verdict.question
    if question is None:
        st.markdown("No question would change this. Decide now.")
        return
    st.markdown(f"**{escaped(question.text)}**")
    moves = question.moves(judgement.verdict.verdict)
    components.bullets(
        moves or ("It tells you the most, but no single answer decides.",)
    )
    account = judgement.account_id
    if account is None:
        return
    # Another account or question starts with empty fields.
    key = f"{account}-{question.code}"
    with st.form(f"answer-{key}", border=False):
        value = _answer_field(space, question, profile, key)
        evidence = st.text_input("Who told you", key=f"evidence-{key}")
        submit = st.form_submit_button("Save answer")
    if not submit:
        return
    if value is None or value == []:
        st.warning("Enter an answer first.")
        return
    _act(
        lambda: space.deals.answer(account, question.code, value, evidence=evidence),
        "Answer saved.",
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
    return _field(tables, key=f"field-{key}")


#: Verdicts on which an account is left.
_EXITS: Final = frozenset({"second_option", "not_now", "walk_away"})


def _way_out(space: Workspace, judgement: Judgement) -> None:
    components.section("What to say")
    verdict, account = judgement.verdict, judgement.account_id
    if verdict.step is None or verdict.reason is None:
        st.markdown("Go ahead. There is no reason to leave.")
        return
    st.markdown(f"**{capital(PLAY_NAMES[verdict.step.play])}**")
    st.code(verdict.step.say, language=None, wrap_lines=True)
    if account is None or _is_left(judgement):
        return
    reason, play = verdict.reason, verdict.step.play
    if space.rules.reasons()[reason].steps[-1].play != play and st.button(
        "Tried this, it did not help", key="advice-tried"
    ):
        _act(
            lambda: space.deals.attempt(account, reason, play),
            "Noted. The next step is shown now.",
        )
    if verdict.verdict in _EXITS:
        _leave(space, account)


def _leave(space: Workspace, account: str) -> None:
    with st.form(f"leave-{account}", border=False):
        promised = st.text_input(
            "What you promised", key=f"promised-{account}", placeholder="Nothing"
        )
        if st.form_submit_button("Log this exit"):
            _act(
                lambda: space.deals.leave(account, promised=promised),
                "Exit logged.",
            )


def _is_left(judgement: Judgement) -> bool:
    return judgement.left is not None and judgement.left.woke_at is None


def _notes(space: Workspace, judgement: Judgement, profile: Profile, /) -> None:
    """What was noted about a known account, with ways to correct it."""
    account = judgement.account_id
    answers = {k: s for k, s in judgement.signals.items() if s.source == "answer"}
    if account is None or not (answers or judgement.answers or judgement.attempts):
        return
    catalogue = space.rules.reasons()
    titles = {table.column: table.title for table in profile.tables}
    with st.expander("Notes so far", key="advice-noted", type="compact"):
        for column, value in judgement.answers.items():
            words = f"{titles.get(column, column)}: {_value(value)}"
            _line(words, "Remove", account, f"attribute:{column}", None)
        for code, signal in answers.items():
            answer = "yes" if signal.holds else "no"
            since = f" ({day(signal.on)})" if signal.on else ""
            words = f"{catalogue[code].title}: {answer}, {signal.evidence}{since}"
            button = "Mark as not true" if signal.holds else "Mark as true"
            _line(words, button, account, f"reason:{code}", not signal.holds)
        components.bullets(
            f"{catalogue[attempt.reason].title}: tried to {PLAY_NAMES[attempt.play]}, "
            f"it {'helped' if attempt.worked else 'did not help'}"
            for attempt in judgement.attempts
            if attempt.reason in catalogue.codes
        )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(map(str, value)) if isinstance(value, list) else f"{value}"


def _line(words: str, button: str, account: str, code: str, value: object) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(escaped(words))
        st.button(
            button, key=f"note-{code}", on_click=_correct, args=(account, code, value)
        )


def _correct(account: str, code: str, value: object) -> None:
    space = session.workspace()
    _record(
        lambda: space.deals.answer(account, code, value, evidence="corrected"),
        "Corrected.",
    )


def _record(act: Callable[[], object], words: str, /) -> None:
    """Do it, and keep what came of it for the next run to show."""
    try:
        act()
    except IcpError as error:
        components.notice(_NOTICE, "error", str(error))
    else:
        components.notice(_NOTICE, "success", words)


def _act(act: Callable[[], object], words: str) -> None:
    """Do it, and draw the page again with what came of it."""
    _record(act, words)
    st.rerun()


def _explanation(
    explanation: Explanation, name: str, /, *, cuts: tuple[int, int, int]
) -> None:
    """The fit of one account and why, the answer first."""
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
    components.section("Similar customers")
    components.bullets(str(nearest) for nearest in explanation.nearest)
    st.markdown(quiet("The most similar past customers:"))
    similar_customers(explanation)
    components.section(
        "Not known yet", "How far each answer could still move the points."
    )
    _unknown(explanation)


def _headline(score: Score) -> dict[str, tuple[str, str]]:
    fit = "–" if score.fit is None else f"{score.fit:.0f}"
    return {
        "Fit": (fit, "of 100"),
        "Grade": (score.grade or "–", "A is the highest, D the lowest"),
        "Chance of best": (
            likely(score.p_best),
            f"90% interval: {chance(score.p_low, score.p_high)}",
        ),
        "Known": (
            percent(score.known_fraction),
            "of the profile's information",
        ),
    }


def _reasons(explanation: Explanation) -> None:
    contributions = [c for c in explanation.contributions if c.known and c.points]
    sides = (
        ("Reasons for", [c for c in contributions if c.points > 0]),
        ("Reasons against", [c for c in contributions if c.points < 0]),
    )
    for column, (title, reasons) in zip(st.columns(2, gap="large"), sides, strict=True):
        with column:
            components.section(title)
            lines = [f"{c.title}: {c.text} ({signed(c.points)})" for c in reasons[:3]]
            components.bullets(lines or ["Nothing known."])


def similar_customers(explanation: Explanation, /) -> None:
    """The past customers that are most alike, with how they turned out."""
    similar = explanation.similar
    if similar is None or similar.is_empty():
        st.markdown("There are no past customers to compare with.")
        return
    components.reading(
        similar.select(
            pl.coalesce("account_name", "account_id").alias("company"),
            pl.col("outcome").fill_null("–").alias("outcome"),
            pl.col("similarity")
            .map_elements(percent, return_dtype=pl.String)
            .alias("similarity"),
            pl.col("shared").list.join("; ").alias("in common"),
            pl.col("different").list.join("; ").alias("different"),
        ),
        alt="The most similar past customers and how they turned out",
    )


def _unknown(explanation: Explanation) -> None:
    if not explanation.unknown:
        st.markdown("Everything the profile uses is known.")
        return
    unknowns = sorted(explanation.unknown, key=lambda c: c.lowest - c.highest)
    rows = pl.DataFrame(
        {
            "attribute": [c.title for c in unknowns],
            "at worst": [signed(c.lowest) for c in unknowns],
            "at best": [signed(c.highest) for c in unknowns],
        }
    )
    components.table(rows, alt=f"{plural(len(rows), 'attribute')} not known")


def oddities(explanation: Explanation, /) -> None:
    """What is unusual about the account among past customers, the oddest first."""
    if not explanation.unusual:
        st.markdown("Nothing about it is unusual.")
        return
    components.bullets(
        f"{c.title}: {c.value} ({c.text})" for c in explanation.unusual[:5]
    )
