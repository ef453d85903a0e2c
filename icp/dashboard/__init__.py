"""The dashboard: what `icp dashboard` shows, for leaders, analysts and reps.

`app.py` is the entry that Streamlit runs; `routes.py` names the pages and `views/`
holds one module per page, to be read from top to bottom. `components.py` and `jobs.py`
hold what several pages draw; `outcomes.py` is a step with a room of its own. They ask
the workflow for everything, as the command line does: nothing here learns or scores.

Texts that come from customers are escaped before they reach Markdown. Long work runs in
a process of its own (`jobs.py`); a script run only reads and draws.
"""
