"""The dashboard's entry: `streamlit run` this file, or `icp dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from icp.dashboard import components, session
from icp.dashboard.components import escaped, quiet
from icp.dashboard.routes import pages
from icp.errors import IcpError

_LOGO = Path(__file__).with_name("logo.svg")
_FAVICON = Path(__file__).with_name("favicon.svg")


def main() -> None:
    """Draw the frame of every page, then the page that was asked for."""
    # The word in the logo is for the dark menu; without the menu only the mark stays.
    st.logo(_LOGO, size="large", icon_image=_FAVICON)
    page = st.navigation(pages())
    # A Material icon as favicon would be fetched from a foreign host.
    title = f"{page.title} · icp"
    st.set_page_config(page_title=title, page_icon=_FAVICON, layout="wide")
    _about()
    with (
        st.container(horizontal=True, horizontal_alignment="center"),
        st.container(width=components.WIDTH, key="page"),
    ):
        try:
            session.refuse_open_door()
            if session.is_stranger():
                _door()
            else:
                page.run()
        except IcpError as error:
            components.problem(str(error))


def _door() -> None:
    """What somebody sees who has not signed in yet; nothing of the workspace."""
    components.heading("Sign in", "Sign in to see this workspace.")
    for name in session.providers():
        label = f"Sign in with {escaped(name)}" if name else "Sign in"
        args = (name,) if name else ()
        st.button(label, on_click=st.login, args=args, icon=":material/login:")


def _about() -> None:
    if session.is_stranger():
        return
    with st.sidebar:
        st.markdown(quiet(f"Workspace: {escaped(session.location().name)}"))
        if session.has_sign_in():
            st.markdown(quiet(escaped(session.person())))
            st.button("Sign out", on_click=st.logout, icon=":material/logout:")
        else:
            text = "No sign-in is set up, so only this machine can open these pages."
            st.markdown(quiet(text))


if __name__ == "__main__":
    main()
