"""Addresses such as ``s3://bucket/key``: told from paths, and said without what is secret in them.

Everything that is shown, logged or written down is what ``shown`` returns. Opens nothing.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, unquote_plus

from falconql.runtime.errors import DataError

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
STORES = ("s3", "gs", "hf", "http", "https")
DATABASES = ("sqlite", "postgresql", "postgres")
KNOWN = (*STORES, *DATABASES)
# What may be said of the part after `?` of a database's address; anything else could be a secret.
_SAID = ("table", "if_exists", "schema")
_SECRETS_IN_ENVIRONMENT = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|ACCESS_KEY|CREDENTIAL", re.IGNORECASE)
_ODD_PORT = re.compile(r"^[^\[]*:(?!\d+$)")
_LEAST_SECRET = 6
HIDDEN = "***"


def scheme_of(location: object) -> str | None:
    """Return the scheme of an address in lower case; None for a path, and for ``file://``, which is one."""
    match = _SCHEME.match(location) if isinstance(location, str) else None
    scheme = match[1].lower() if match else None
    return None if scheme == "file" else scheme


def is_database(location: object) -> bool:
    """Return whether this is the address of a table in a database."""
    return scheme_of(location) in DATABASES


def check_scheme(location: str) -> str:
    """Return the scheme of an address that can be read.

    Raises:
        DataError: it is none of those known.
    """
    scheme = scheme_of(location)
    if scheme not in KNOWN:
        near = {"gcs": "gs", "s3a": "s3", "s3n": "s3"}.get(scheme or "")
        raise DataError(
            f"{shown(location)}: {scheme}:// addresses are not known",
            hint=f"write {near}://" if near else f"known are {', '.join(f'{one}://' for one in KNOWN)} and paths",
        )
    assert scheme is not None
    return scheme


def split(location: str) -> tuple[str, str, str, str]:
    """Return user information, host, path and query of an address, each as it is written and possibly empty.

    In ``s3://``, ``gs://`` and ``hf://`` a ``?`` is part of the path, where it may be a pattern.
    """
    scheme, _, rest = location.partition("://")
    query = ""
    if scheme.lower() not in ("s3", "gs", "hf"):
        rest, _, fragment = rest.partition("#")
        rest, _, query = rest.partition("?")
        query = "&".join(part for part in (query, fragment) if part)
    authority, slash, path = rest.partition("/")
    if scheme.lower() == "sqlite":
        return "", "", slash + path, query
    numbered = scheme.lower() in ("http", "https") and not _ODD_PORT.search(authority)
    if "@" not in authority and ":" in authority and "@" in location and not numbered:
        # A password with a slash or a question mark in it: nobody may see it only because it is written wrongly.
        hidden, at, rest = location.partition("://")[2].rpartition("@")
        host, slash, path = rest.partition("/")
        path, _, asked = path.partition("?")
        return (hidden, host, slash + path, asked) if at else (authority, "", "", query)
    user, at, host = authority.rpartition("@")
    if scheme.lower() == "hf":
        # `hf://datasets/owner/name@revision/path` has its `@` elsewhere.
        return (user, host, slash + path, query) if ":" in user else ("", authority, slash + path, query)
    return user if at else "", host, slash + path, query


def shown(location: object) -> str:
    """Return a location as it may be seen by anybody: without passwords, keys and signatures."""
    text = os.fspath(location) if isinstance(location, str | os.PathLike) else str(location)
    scheme = scheme_of(text)
    if scheme is None:
        return text
    user, host, path, query = split(text)
    name, colon, _ = user.partition(":")
    if scheme not in DATABASES and user:
        name = HIDDEN
    who = f"{name}{f':{HIDDEN}' if colon and name != HIDDEN else ''}@" if user else ""
    kept = [part for part in query.split("&") if part.partition("=")[0].lower() in _SAID] if query else []
    if scheme in ("http", "https") or scheme not in KNOWN:
        kept = []
    asked = "&".join([*kept, *(["…"] if query and len(kept) < len(query.split("&")) else [])])
    return f"{scheme}://{who}{host}{path}{f'?{asked}' if asked else ''}"


def has_secrets(location: object) -> bool:
    """Return whether an address holds something that ``shown`` leaves out or hides."""
    if scheme_of(location) is None:
        return False
    assert isinstance(location, str)
    user, _, _, query = split(location)
    return bool(user or query)


def may_stand_in_query(location: str) -> bool:
    """Return whether a query may name a location: no database, and nothing secret."""
    return not (is_database(location) or has_secrets(location))


def check_named_in_query(location: str) -> None:
    """Refuse an address that may not stand in a query: whoever writes one must not reach for what others protect.

    Raises:
        DataError: it is a table in a database, or it holds credentials.
    """
    if is_database(location):
        raise DataError(
            f"{shown(location)}: a query cannot name a database", hint="give its address with --from, or to the API"
        )
    if has_secrets(location):
        raise DataError(
            f"{shown(location)}: an address in a query cannot hold a user, a password or a part after `?`",
            hint="give such an address with --from, or to the API",
        )


def without_secrets(text: str, location: object = None) -> str:
    """Return a message of others without what is secret in an address or in the environment."""
    for secret in sorted(_secrets(location), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(location: object) -> set[str]:
    found: set[str] = set()
    if scheme_of(location) is not None:
        assert isinstance(location, str)
        user, _, _, query = split(location)
        password = user.partition(":")[2] if scheme_of(location) in DATABASES else user
        parts = [password, *([query] if query else []), *(password.split(":") if password else [])]
        for part in query.split("&"):
            name, _, value = part.partition("=")
            if name.lower() not in _SAID:
                parts.append(value)
        found.update(form for part in parts for form in (part, unquote(part), unquote_plus(part)) if form)
    for name, value in os.environ.items():
        if len(value) >= _LEAST_SECRET and _SECRETS_IN_ENVIRONMENT.search(name):
            found.add(value)
    return found
