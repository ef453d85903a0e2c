"""What people noted about an account, each with a way to take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from icp.dashboard import components, session
from icp.dashboard.text import day, escaped
from icp.errors import IcpError
from icp.qualify.plays import PLAY_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from icp.profile import Profile
    from icp.workflow import Workspace
    from icp.workflow.judging import Judgement

__all__ = ["SAID", "done", "draw"]

SAID: Final = "advice-said"


def draw(space: Workspace, judged: Judgement, profile: Profile, /) -> None:
    """Draw what was noted about a known account; nothing where nothing was."""
    account = judged.account_id
    told = {k: s for k, s in judged.signals.items() if s.source == "answer"}
    if account is None or not (told or judged.answers or judged.attempts):
        return
    listed = space.reasons()
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
        lambda: space.note_answer(account, code, value, evidence="corrected"),
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
