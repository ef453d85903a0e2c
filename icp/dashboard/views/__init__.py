"""One module per page, each with a `draw`; `routes.py` names and orders them.

The folder is not called `pages`: Streamlit would offer every file in it as a page of
its own until the first session has set up the navigation.
"""
