"""Which proxies there are: those that ship with the package and those a user added."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.manifest import FILE, Manifest, read_manifest
from falconql.runtime.proxy.onnx import OnnxProxy

SHIPPED = ("kestrel",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A proxy by name; ``shipped`` when it came with the package."""

    name: str
    folder: Path
    shipped: bool


def user_folder() -> Path:
    """Return where added proxies are kept: ``$FALCONQL_HOME/proxies`` or the user's data folder."""
    home = os.environ.get("FALCONQL_HOME")
    if home:
        return Path(home) / "proxies"
    import platformdirs

    return Path(platformdirs.user_data_dir("falconql", appauthor=False)) / "proxies"


def list_proxies() -> list[Registered]:
    """Return all proxies, the shipped ones first, then by name."""
    found = []
    package = Path(str(resources.files("falconql.runtime.proxy")))
    for name in SHIPPED:
        if (package / name / FILE).is_file():
            found.append(Registered(name, package / name, shipped=True))
    folder = user_folder()
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if (path / FILE).is_file() and _NAME.fullmatch(path.name):
                found.append(Registered(path.name, path, shipped=False))
    return found


def find_proxy(name_or_path: str) -> Path:
    """Return the folder of a proxy by registered name or path.

    Raises:
        ProxyError: there is none; the message lists those there are.
    """
    known = {proxy.name: proxy.folder for proxy in reversed(list_proxies())}
    if name_or_path in known:
        return known[name_or_path]
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return path
    listed = ", ".join(sorted(known)) or "none"
    hint = f"the proxies are: {listed}; add one with `falconql proxies add PATH`"
    raise ProxyError(f"there is no proxy {name_or_path!r}", hint=hint)


def open_proxy(name_or_path: str = "kestrel", *, threads: int | None = None) -> OnnxProxy:
    """Open a proxy by registered name or path.

    Raises:
        ProxyError: there is none of that name, or it breaks the contract.
    """
    return OnnxProxy(find_proxy(name_or_path), threads=threads)


def add_proxy(path: Path, name: str | None = None, *, replace: bool = False) -> Registered:
    """Check a proxy directory and copy it into the user's folder.

    The model is loaded once, so that what is registered works. The copy appears under its name only
    when it is complete.

    Raises:
        ProxyError: the directory breaks the contract, the name is taken or cannot be a name.
    """
    proxy = OnnxProxy(path)
    proxy.label(["a text"], ["Is this a text?"])
    chosen = name or proxy.manifest.name
    if not _NAME.fullmatch(chosen):
        raise ProxyError(f"{chosen!r} cannot be a proxy's name", hint="use letters, digits, '.', '_' and '-'")
    if chosen in SHIPPED:
        raise ProxyError(f"{chosen!r} is the name of a shipped proxy", hint="give another one with --name")
    target = user_folder() / chosen
    if target.exists() and not replace:
        raise ProxyError(f"there is a proxy {chosen!r} already", hint="give --name, or --replace to overwrite it")
    _copy(proxy.manifest, path, target)
    return Registered(chosen, target, shipped=False)


def _copy(manifest: Manifest, source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".adding-", dir=target.parent))
        try:
            for file in (manifest.model, manifest.tokenizer, FILE):
                shutil.copyfile(source / file, partial / file)
            if target.exists():
                shutil.rmtree(target)
            partial.chmod(0o755)
            partial.rename(target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise ProxyError(f"the proxy cannot be copied to {target}: {error.strerror or error}") from error


def show_proxy(name_or_path: str) -> Manifest:
    """Return the manifest of a proxy."""
    return read_manifest(find_proxy(name_or_path))
