"""What others have put where the work folder belongs is neither deleted nor written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from falconql.runtime.commit import WorkFolder
from falconql.runtime.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def used(output: str = "out.csv") -> None:
    with WorkFolder(output) as work:
        work.discard()


def refused(said: str) -> None:
    with pytest.raises(
        DataError, match=rf"\.out\.csv\.falconql.* {said}; FalconQL keeps its work on out\.csv"
    ) as raised:
        used()
    assert raised.value.hint == "move it away, or name another output"


def test_a_link_is_no_work_folder(folder: Path) -> None:
    (folder / "precious" / "sub").mkdir(parents=True)
    (folder / "precious" / "a.txt").write_text("x")
    os.symlink("precious", ".out.csv.falconql")
    refused("is a link")
    assert (folder / "precious" / "a.txt").read_text() == "x"
    assert sorted(path.name for path in (folder / "precious").iterdir()) == ["a.txt", "sub"]


def test_a_file_is_no_work_folder(folder: Path) -> None:
    (folder / ".out.csv.falconql").write_text("x")
    refused("is no folder")
    assert (folder / ".out.csv.falconql").read_text() == "x"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives folders away")
def test_the_folder_of_another_user_is_left_alone(folder: Path) -> None:
    (folder / ".out.csv.falconql").mkdir()
    os.chown(".out.csv.falconql", 12345, 12345)
    refused("belongs to another user")


def test_a_lock_is_not_followed(folder: Path) -> None:
    (folder / ".out.csv.falconql").mkdir()
    (folder / "victim").write_text("x")
    os.symlink("../victim", ".out.csv.falconql/lock")
    refused("is a link")
    assert (folder / "victim").read_text() == "x"


def test_nothing_is_written_through_a_link(folder: Path) -> None:
    (folder / "victim").write_text("x")
    with WorkFolder("out.csv") as work:
        os.symlink("../victim", work.path / "manifest.json.partial")
        work._put("manifest.json", b"{}")
        assert not (work.path / "manifest.json").is_symlink()
    assert (folder / "victim").read_text() == "x"


def test_what_falconql_has_not_made_is_kept(folder: Path) -> None:
    work = folder / ".out.csv.falconql"
    (work / "sub").mkdir(parents=True)
    for name in ("sub/a.txt", "notes.txt", "chunk-list"):
        (work / name).write_text("x")
    for name in ("chunk-000001.arrows", "chunk-000001.arrows.partial", ".out.csv.7-ab.partial", "falconql-x.partial"):
        (work / name).write_text("")
    (work / ".out.8-ab.partial" / "a=1").mkdir(parents=True)
    used()
    assert sorted(path.name for path in work.iterdir()) == ["chunk-list", "notes.txt", "sub"]
    assert (work / "sub" / "a.txt").exists()


def test_outputs_with_long_names_have_work_folders_of_their_own(folder: Path) -> None:
    for name in ("n" * 240, "長" * 80):
        one, other = (WorkFolder(f"{name}{end}") for end in ("1.csv", "2.csv"))
        with one, other:
            assert one.path != other.path
        assert WorkFolder(f"{name}1.csv").path == one.path
    assert WorkFolder("n" * 96 + ".csv").path.name == "." + "n" * 96 + ".csv.falconql"
