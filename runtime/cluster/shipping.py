"""A proxy on its way to other machines: its files as data, and a folder where it arrives.

A machine keeps what has arrived in its temporary folder, by content, for all processes of the same user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.base import Proxy
from falconql.runtime.proxy.onnx import OnnxProxy


@dataclass(frozen=True, slots=True)
class Shipped:
    """A proxy that can be sent: the files of its folder, or itself if it is made of something else."""

    files: Mapping[str, bytes]
    proxy: Proxy | None = None


def ship(proxy: Proxy) -> Shipped:
    """Return a proxy as it can be sent.

    Raises:
        ProxyError: a file of it cannot be read.
    """
    if not isinstance(proxy, OnnxProxy):
        return Shipped({}, proxy)
    try:
        return Shipped({file: (proxy.folder / file).read_bytes() for file in proxy.manifest.files})
    except OSError as error:
        raise ProxyError(f"the proxy in {proxy.folder} cannot be read: {error.strerror or error}") from error


def arrive(shipped: Shipped, threads: int) -> Proxy:
    """Open a proxy that was sent.

    Args:
        shipped: what was sent.
        threads: threads for inference.

    Raises:
        ProxyError: its files cannot be written here, or it breaks the contract.
    """
    if shipped.proxy is not None:
        return shipped.proxy
    try:
        return OnnxProxy(_folder(shipped.files), threads=threads)
    except OSError as error:
        raise ProxyError(
            f"the proxy cannot be unpacked in {tempfile.gettempdir()}: {error.strerror or error}",
            hint="set TMPDIR to a folder with more space on every machine",
        ) from error


def _folder(files: Mapping[str, bytes]) -> Path:
    """Return a folder with these files, made if there is none yet."""
    home = Path(tempfile.gettempdir()) / f"falconql-proxies-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    home.mkdir(mode=0o700, exist_ok=True)
    status = home.lstat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022 or home.is_symlink()):
        # Somebody else could put another model there.
        home = Path(tempfile.mkdtemp(prefix="falconql-"))
    folder = home / _digest(files)
    if _complete(folder, files):
        return folder
    workplace = Path(tempfile.mkdtemp(prefix=".arriving-", dir=home))
    for name, content in files.items():
        (workplace / name).parent.mkdir(parents=True, exist_ok=True)
        (workplace / name).write_bytes(content)
    try:
        workplace.rename(folder)
    except OSError:
        if not _complete(folder, files):
            return workplace
        shutil.rmtree(workplace, ignore_errors=True)  # another process was faster
    return folder


def _complete(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        return all((folder / name).read_bytes() == content for name, content in files.items())
    except OSError:
        return False


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()
