"""The built package in a fresh environment, away from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.package


def call(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, with nothing of the checkout in sight, and return its output."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution, and the wheel from that."""
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_every_tracked_file_of_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = call("git", "ls-files", "falconql", "grammar", "runtime", cwd=ROOT).split()
    links = {"falconql/grammar", "falconql/runtime"}
    moved = {name if name.startswith("falconql/") else f"falconql/{name}" for name in tracked if name not in links}
    assert packed == moved


def test_a_query_runs_where_only_the_wheel_is_installed(wheel: Path, tmp_path: Path) -> None:
    call(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{wheel}[cpu]", cwd=tmp_path)
    where = call(python, "-c", "import falconql; print(falconql.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path / "env")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    falconql = tmp_path / "env" / "bin" / "falconql"
    rows = call(falconql, "run", "examples/laptops.fql", "--format", "csv", cwd=tmp_path).splitlines()
    assert rows[0] == "id,brand,prices,body"
    assert len(rows) > 5
    installed = call(python, "-m", "pip", "list", "--format", "freeze", cwd=tmp_path)
    assert "torch" not in installed
