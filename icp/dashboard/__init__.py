"""The dashboard: what `icp dashboard` shows, for leaders, analysts and reps.

`app.py` is the entry that Streamlit runs; `routes.py` names the pages and `views/`
holds one module per page. The other modules are parts of pages, each about one thing:
the list of prospects, an explanation, the outcomes, background jobs. They ask the
workflow for everything, as the command line does: nothing here learns or scores.

Texts that come from customers are escaped (`text.py`) before they reach Markdown. Long
work runs in a process of its own (`jobs.py`); a script run only reads and draws.
"""
