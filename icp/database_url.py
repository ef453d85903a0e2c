"""Addresses of databases, as people write them."""

from __future__ import annotations

import sqlalchemy as sa

#: What an address without a driver means; each comes with an extra of ours or Python.
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def database_url(text: str, /) -> sa.URL:
    """The address with the driver that we install; a driver that is named is kept.

    Raises ValueError, without the address, where it is none: it may hold a password.

    >>> database_url("postgres://ann@host/crm").render_as_string()
    'postgresql+psycopg://ann@host/crm'
    >>> database_url("crm.db")
    Traceback (most recent call last):
    ValueError: no database address; write it as dialect://user:password@host/database
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        message = (
            "no database address; write it as dialect://user:password@host/database"
        )
        raise ValueError(message) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
