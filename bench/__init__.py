"""Measurements: `python -m bench.FOLDER.SCRIPT`, from the top of the checkout.

`speed`, `quality` (beside peers, on open data), `honesty` (what the guide promises),
`segments`, `rules`, `guides` (figures that a page of docs/ quotes), `house` (the code
itself). `sets` makes labelled customers of the open data; `results` holds what the
scripts wrote.
"""
