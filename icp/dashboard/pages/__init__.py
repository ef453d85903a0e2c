"""One module per page, each with a `draw`; `routes.py` names and orders them."""
