"""Adding, listing and finding proxies."""

from __future__ import annotations

from pathlib import Path

import pytest

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy import add_proxy, find_proxy, list_proxies, open_proxy, show_proxy
from tests.proxy.tiny import save_proxy


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_an_added_proxy_is_found_by_name(tmp_path: Path, home: Path) -> None:
    added = add_proxy(save_proxy(tmp_path / "p", good=["great"]))
    assert added.name == "tiny"
    assert added.folder == find_proxy("tiny")
    assert "tiny" in [proxy.name for proxy in list_proxies()]
    assert open_proxy("tiny").label(["great"], ["x"])[0] > 0.5
    assert show_proxy("tiny").card["licence"] == "Apache-2.0"
    assert sorted(path.name for path in (home / "proxies").iterdir()) == ["tiny"]


def test_a_path_is_as_good_as_a_name(tmp_path: Path) -> None:
    folder = save_proxy(tmp_path / "p")
    assert open_proxy(str(folder)).name == "tiny"


def test_a_name_that_is_taken_needs_replace(tmp_path: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    with pytest.raises(ProxyError, match="already"):
        add_proxy(tmp_path / "p")
    save_proxy(tmp_path / "q", good=["new"])
    add_proxy(tmp_path / "q", "tiny", replace=True)
    assert open_proxy("tiny").label(["new"], ["x"])[0] > 0.5


@pytest.mark.parametrize("name", ["kestrel", "../up", "", ".hidden", "a/b", "a b"])
def test_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    folder = save_proxy(tmp_path / "p", name=name or "..")
    with pytest.raises(ProxyError):
        add_proxy(folder, name or None)


def test_a_broken_proxy_is_not_added(tmp_path: Path, home: Path) -> None:
    folder = save_proxy(tmp_path / "p")
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ProxyError, match=r"model\.onnx"):
        add_proxy(folder)
    assert not (home / "proxies").exists()


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    with pytest.raises(ProxyError) as caught:
        find_proxy("tinny")
    assert "tiny" in str(caught.value.hint)
