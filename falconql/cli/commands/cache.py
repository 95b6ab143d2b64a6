"""``falconql cache``: what is kept of the proxies' answers, and deleting it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from falconql.cli.terminal import say
from falconql.errors import ConfigError, ProxyError
from falconql.visible import in_one_line, json_text, visible

if TYPE_CHECKING:
    from falconql.runtime.cache.store import Content

_AGE = re.compile(r"(\d{1,5})([dw])")
_UNITS = ("B", "kB", "MB", "GB", "TB")


@click.group("cache")
def command() -> None:
    """Show or delete the answers of proxies that are kept on disk."""


@command.command("info")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def info_command(format_: str) -> None:
    """Show where the cache is, how large, and how many answers it has of which proxy."""
    from falconql.caching import cache_folder, limit_bytes
    from falconql.runtime.cache.store import LIMIT_BYTES

    limit = limit_bytes() or LIMIT_BYTES
    folder = cache_folder(True)
    assert folder is not None
    found = _contents(folder)
    on = cache_folder() is not None
    total = {"entries": sum(one.entries for one in found), "bytes": sum(one.bytes for one in found)}
    if format_ == "json":
        proxies = [
            {"name": one.name, "fingerprint": one.fingerprint, "entries": one.entries, "bytes": one.bytes}
            for one in found
        ]
        shown = {"path": str(folder), "on": on, "limit_bytes": limit, **total, "proxies": proxies}
        click.echo(json_text(shown))
        return
    click.echo(f"{visible(str(folder))}{'' if on else '  (turned off by FALCONQL_CACHE)'}")
    click.echo(f"{total['entries']:,} answers, {_size(total['bytes'])} of {_size(limit)}")
    for one in found:
        answers = f"  {one.name}  {one.fingerprint[:8]}  {one.entries:,} answers, {_size(one.bytes)}"
        click.echo(visible(in_one_line(answers)))


@command.command("clear")
@click.option("--proxy", metavar="NAME", help="Only answers of this proxy.")
@click.option("--older-than", metavar="AGE", help="Only answers that are older, for example 30d or 8w.")
def clear_command(proxy: str | None, older_than: str | None) -> None:
    """Delete answers, all of them by default. They are computed again when they are needed."""
    from falconql.caching import cache_folder
    from falconql.runtime.cache.store import clear

    before = None if older_than is None else int(time.time()) // 86_400 - _days(older_than)
    folder = cache_folder(True)
    assert folder is not None
    found = _contents(folder)
    chosen = found if proxy is None else _of_proxy(found, proxy)
    with _usable(folder):
        for content in chosen:
            clear(content, before_day=before)
    left = {content.folder: content.entries for content in _contents(folder)}
    deleted = sum(content.entries - left.get(content.folder, 0) for content in chosen)
    say(f"{deleted:,} answer{'' if deleted == 1 else 's'} deleted")


def _contents(folder: Path) -> list[Content]:
    from falconql.runtime.cache import contents

    with _usable(folder):
        return contents(folder)


def _of_proxy(found: list[Content], name: str) -> list[Content]:
    """Return what is kept of a proxy: of all of that name, and of the one that is registered under it."""
    from falconql.runtime.proxy import open_proxy

    try:
        fingerprint = open_proxy(name).fingerprint
    except ProxyError:
        fingerprint = None
    chosen = [content for content in found if content.name == name or content.fingerprint == fingerprint]
    if not chosen and fingerprint is None:
        names = ", ".join(sorted({content.name for content in found})) or "none"
        raise ConfigError(f"the cache has no answers of a proxy {name!r}", hint=f"it has answers of: {names}")
    return chosen


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(f"the cache in {folder} cannot be used: {error.strerror or error}") from error


def _days(age: str) -> int:
    match = _AGE.fullmatch(age.strip().lower())
    if match is None:
        raise click.BadParameter(f"{age} is no age; write for example 30d or 8w", param_hint="--older-than")
    return int(match[1]) * (7 if match[2] == "w" else 1)


def _size(size: float) -> str:
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit returns")
