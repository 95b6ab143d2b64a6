"""What is packaged, what is public, and what is not loaded until it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import falconql

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = {"onnxruntime", "torch", "transformers", "pandas", "polars", "openai", "ray", "duckdb"}


def folders(top: Path, name: str) -> set[str]:
    """Return the packages below a folder, links left out."""
    found = {name} if (top / "__init__.py").is_file() else set()
    for path in top.iterdir():
        if path.is_dir() and not path.is_symlink():
            found |= folders(path, f"{name}.{path.name}")
    return found


def test_every_package_is_listed() -> None:
    setuptools = PYPROJECT["tool"]["setuptools"]
    expected = set()
    for name, folder in setuptools["package-dir"].items():
        expected |= folders(ROOT / folder, name)
    assert set(setuptools["packages"]) == expected
    assert setuptools["packages"] == sorted(setuptools["packages"])


@pytest.mark.parametrize(("link", "target"), [("grammar", "../grammar"), ("runtime", "../runtime")])
def test_links_are_relative(link: str, target: str) -> None:
    assert (ROOT / "falconql" / link).readlink() == Path(target)


def test_public_names_exist_and_are_sorted() -> None:
    assert falconql.__all__ == sorted(falconql.__all__)
    for name in falconql.__all__:
        assert getattr(falconql, name) is not None
    assert set(dir(falconql)) >= set(falconql.__all__)


def test_no_public_name_hides_a_module() -> None:
    modules = {path.stem for path in (ROOT / "falconql").iterdir()} - {"__init__", "__pycache__"}
    assert modules.isdisjoint(falconql.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'qery'"):
        falconql.qery  # noqa: B018


def loaded(code: str, *arguments: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after some code."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    script = f"import contextlib, io, sys\nsys.argv = ['falconql', *{arguments!r}]\n{code}\n{report}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


MAIN = """
from falconql.cli.entry import start
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    start()
"""


def test_import_loads_nothing_heavy() -> None:
    modules = loaded("import falconql")
    assert modules.isdisjoint(HEAVY | {"lark", "pyarrow", "numpy", "rich", "click"})


@pytest.mark.parametrize(
    ("arguments", "light"),
    [
        (("--version",), {"lark", "pyarrow", "numpy", "rich"}),
        (("--help",), {"lark", "pyarrow", "numpy", "rich"}),
        (("run", "--help"), {"lark", "pyarrow", "numpy", "rich"}),
        (("check", "-e", 'where label("Is it good?")'), {"pyarrow", "rich"}),
        (("check", "examples/laptops.fql"), {"rich", "tokenizers"}),
        (("fmt", "examples/laptops.fql"), {"pyarrow", "rich", "tokenizers"}),
        (("explain", "examples/laptops.fql"), set()),
    ],
)
def test_commands_load_no_more_than_they_need(arguments: tuple[str, ...], light: set[str]) -> None:
    modules = loaded(MAIN, *arguments)
    assert "falconql" in modules
    assert modules.isdisjoint(HEAVY | light)


def test_the_runtime_loads_no_compiler() -> None:
    code = "import falconql.runtime.executor, falconql.runtime.io, falconql.runtime.proxy"
    done = loaded(code)
    assert done.isdisjoint(HEAVY | {"lark", "click", "rich"})
    names = "import sys; print([m for m in sys.modules if m.startswith('falconql.') and 'runtime' not in m])"
    shown = subprocess.run([sys.executable, "-c", f"{code}; {names}"], capture_output=True, text=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"
