"""Which proxies there are: those that ship with the package and those a user added."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path

from falconql.runtime.errors import ProxyError
from falconql.runtime.folders import own_folder
from falconql.runtime.proxy.manifest import FILE, Manifest, read_manifest
from falconql.runtime.proxy.onnx import OnnxProxy

SHIPPED = ("kestrel",)
RESERVED = "llm"
LEFT_SECONDS = 24 * 3600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A proxy by name; ``shipped`` when it came with the package."""

    name: str
    folder: Path
    shipped: bool


def user_folder() -> Path:
    """Return where added proxies are kept: ``$FALCONQL_HOME/proxies`` or the user's data folder.

    Raises:
        FalconQLError: the user's data folder is not known.
    """
    home = os.environ.get("FALCONQL_HOME")
    return Path(home) / "proxies" if home else own_folder("data") / "proxies"


def list_proxies() -> list[Registered]:
    """Return all proxies, the shipped ones first, then by name. None is opened.

    Raises:
        ProxyError: the user's folder cannot be read.
        FalconQLError: it is not known.
    """
    package = Path(str(resources.files("falconql.runtime.proxy")))
    shipped = [Registered(name, package / name, shipped=True) for name in SHIPPED if (package / name / FILE).is_file()]
    folder = user_folder()
    try:
        added = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and (path / FILE).is_file())
    except (FileNotFoundError, NotADirectoryError):
        added = []
    except OSError as error:
        raise ProxyError(
            f"the folder of added proxies, {folder}, cannot be read: {error.strerror or error}",
            hint="set FALCONQL_HOME to a folder of your own",
        ) from error
    return shipped + [Registered(path.name, path, shipped=False) for path in added if path.name not in SHIPPED]


def find_proxy(name_or_path: str) -> Path:
    """Return the folder of a proxy by registered name or path. A name goes before a path.

    Raises:
        ProxyError: there is none; the message lists those there are.
    """
    known = {proxy.name: proxy.folder for proxy in list_proxies()}
    if name_or_path in known:
        return known[name_or_path]
    path = Path(os.path.expanduser(name_or_path))
    if name_or_path and path.is_dir():
        return path
    raise ProxyError(f"there is no proxy {name_or_path!r}", hint=_hint(name_or_path, known))


def _hint(wanted: str, known: dict[str, Path]) -> str:
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(wanted.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_lower[near[0]]!r}?"
    listed = ", ".join(sorted(known)) or "none"
    return f"the proxies are: {listed}; add one with `falconql proxies add PATH`, or name a folder"


def open_proxy(name_or_path: str = "kestrel", *, threads: int | None = None) -> OnnxProxy:
    """Open a proxy by registered name or path.

    Raises:
        ProxyError: there is none of that name, or it breaks the contract.
    """
    return OnnxProxy(find_proxy(name_or_path), threads=threads)


def check_name(name: str) -> None:
    """Make sure that a proxy can be kept under a name.

    Raises:
        ProxyError: it cannot.
    """
    if not _NAME.fullmatch(name):
        hint = "give one of letters, digits, '.', '_' and '-' with --name"
        raise ProxyError(f"{name!r} cannot be a proxy's name", hint=hint)
    if name == RESERVED:
        raise ProxyError(f"{name!r} stands for a language model", hint="give another name with --name")
    if name in SHIPPED:
        raise ProxyError(f"{name!r} is the name of a shipped proxy", hint="give another one with --name")


def check_free(name: str, *, replace: bool = False) -> Path:
    """Return where a proxy of this name goes.

    Raises:
        ProxyError: the name cannot be one, or is taken and the proxy not to be replaced.
    """
    check_name(name)
    target = user_folder() / name
    if target.exists() and not replace:
        raise ProxyError(f"there is a proxy {name!r} already", hint="give --name, or --replace to overwrite it")
    return target


def add_proxy(path: Path, name: str | None = None, *, replace: bool = False) -> Registered:
    """Copy a proxy directory into the user's folder and check the copy by running it.

    The copy says of itself that it is called as it is registered. It appears under that name only when it is complete
    and has answered, and one that it replaces stays until then.

    Raises:
        ProxyError: the directory breaks the contract, or the name is taken or cannot be a name.
    """
    manifest = read_manifest(Path(path))
    chosen = name or manifest.name
    target = check_free(chosen, replace=replace)
    try:
        _install(OnnxProxy(Path(path)), target, chosen, replace=replace)
    except OSError as error:
        raise ProxyError(f"the proxy cannot be copied to {target}: {error.strerror or error}") from error
    return Registered(chosen, target, shipped=False)


def remove_proxy(name: str) -> Path:
    """Delete a proxy of the user's, and return where it was.

    Raises:
        ProxyError: it ships with the package, there is none of that name, or it cannot be deleted.
    """
    if name in SHIPPED:
        raise ProxyError(f"{name!r} ships with FalconQL and stays")
    folder = user_folder() / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        near = get_close_matches(name, [proxy.name for proxy in list_proxies() if not proxy.shipped], n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`falconql proxies list` shows those there are"
        raise ProxyError(f"there is no proxy {name!r} of your own", hint=hint)
    try:
        # Gone under its name at once, whatever happens while its files are deleted.
        with tempfile.TemporaryDirectory(prefix=".removing-", dir=folder.parent) as workplace:
            folder.rename(Path(workplace) / "old")
    except OSError as error:
        raise ProxyError(f"{folder} cannot be deleted: {error.strerror or error}") from error
    return folder


def _install(source: OnnxProxy, target: Path, name: str, *, replace: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target.parent)
    # Beside the target, so that renaming stays within a file system; hidden, so that nothing lists it.
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=target.parent) as workplace:
        copy = Path(workplace) / "new"
        copy.mkdir()
        for file in source.manifest.files:
            shutil.copyfile(source.folder / file, copy / file)
        if name != source.name:
            _rename(copy / FILE, name)
        _try_out(copy, source.folder)
        if replace and target.exists():
            target.rename(Path(workplace) / "old")
        try:
            copy.rename(target)
        except OSError:
            # Another process was faster: a folder with something in it is not replaced.
            check_free(name, replace=replace)
            raise


def _sweep(folder: Path) -> None:
    """Delete what killed processes left half done, if it is older than anything that still goes on."""
    for left in (*folder.glob(".adding-*"), *folder.glob(".removing-*")):
        try:
            if time.time() - left.stat().st_mtime > LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue


def _rename(manifest: Path, name: str) -> None:
    said = json.loads(manifest.read_text(encoding="utf-8"))
    last = (said.get("lineage") or [None])[-1]
    if isinstance(last, dict) and "training" in last:
        # What a proxy learned is kept under the name of its training.
        last.setdefault("name", said["name"])
    # Escaped: JSON can hold halves of characters, which UTF-8 cannot.
    manifest.write_text(json.dumps(said | {"name": name}, indent=2) + "\n", encoding="utf-8")


def _try_out(copy: Path, source: Path) -> None:
    """Ask a label and spans of a text that takes several windows, and of two that share a batch."""
    proxy = OnnxProxy(copy)
    texts = ["word " * proxy.manifest.max_tokens, "word", "word"]
    try:
        proxy.label(texts, ["Is this a text?"] * len(texts))
        proxy.spans(texts, ["word"] * len(texts))
    except ProxyError as error:
        message = error.message.replace(str(copy), str(source))
        raise ProxyError(message, hint=error.hint) from error


def show_proxy(name_or_path: str) -> Manifest:
    """Return the manifest of a proxy.

    Raises:
        ProxyError: there is none of that name, or its manifest is broken.
    """
    return read_manifest(find_proxy(name_or_path))
