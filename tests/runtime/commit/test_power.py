"""A power cut at any moment: what was not flushed is gone, files and names alike."""

from __future__ import annotations

import os
import stat
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from falconql.runtime.commit import rows
from falconql.runtime.io import open_sink, open_source
from tests.runtime.commit.test_commit import ROWS, made, write
from tests.runtime.io.reading import table_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
Image = dict[str, bytes]


class Disk:
    """What would be there after a power cut, in the worst case: of files and folders what was flushed.

    Attributes:
        images: that, after each flush.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.images: list[Image] = []
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._contents: dict[int, bytes] = {}
        self._fsync, self._replace = os.fsync, os.replace
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "replace", self.replace)

    def fsync(self, file: int) -> None:
        self._fsync(file)
        status, place = os.fstat(file), Path(f"/proc/self/fd/{file}")
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(place) as entries:
                self._names[status.st_ino] = {e.name: (e.inode(), e.is_dir(follow_symlinks=False)) for e in entries}
        else:
            self._contents[status.st_ino] = place.read_bytes()
        self.images.append(dict(self._walk("", self.root.stat().st_ino)))

    def replace(self, old: Any, new: Any) -> None:
        flushed = self._contents.get(os.stat(old).st_ino)
        assert flushed == Path(old).read_bytes(), f"{new} may be there before its content"
        self._replace(old, new)

    def _walk(self, path: str, folder: int) -> Any:
        for name, (inode, is_folder) in self._names.get(folder, {}).items():
            if is_folder:
                yield from self._walk(f"{path}{name}/", inode)
            else:
                yield f"{path}{name}", self._contents.get(inode, b"")


def restored(image: Image, folder: Path) -> None:
    for name, content in image.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_after_a_power_cut_a_run_goes_on_and_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "EVERY_SHARE", 0.0)
    corpus = made(tmp_path / "corpus.parquet")
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    with pytest.MonkeyPatch.context() as patched:
        disk = Disk(Path.cwd(), patched)
        write(corpus)
    expected = Path("out.csv").read_bytes()
    assert disk.images[-1]["out.csv"] == expected
    assert len(disk.images) > 20
    asked = []
    for number, image in enumerate(disk.images):
        folder = tmp_path / str(number)
        folder.mkdir()
        restored(image, folder)
        monkeypatch.chdir(folder)
        if (found := image.get("out.csv")) is not None:
            assert found == expected
        asked.append(len(write(corpus).asked))
        assert Path("out.csv").read_bytes() == expected
        assert [path.name for path in folder.iterdir()] == ["out.csv"]
    # Four flushes make a commit: a file and its name, twice. What was committed is asked again by nobody.
    whole = asked[0]
    assert whole >= ROWS
    assert asked[4] < whole
    assert all(after <= before for before, after in pairwise(asked[:-3]))
    assert min(asked) == 0


def test_a_folder_of_partitions_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    table = pa.table({"a": range(6), "k": list("xyzxyz")})
    with pytest.MonkeyPatch.context() as patched:
        disk = Disk(Path.cwd(), patched)
        sink = open_sink("out", table.schema, partition_by=["k"])
        sink.write(table.to_batches()[0])
        sink.commit()
    seen = 0
    for number, image in enumerate(disk.images):
        if not any(name.startswith("out/") for name in image):
            continue
        folder = tmp_path / str(number)
        restored(image, folder)
        assert sorted(table_of(open_source(str(folder / "out")))["a"].to_pylist()) == list(range(6))
        seen += 1
    assert seen
