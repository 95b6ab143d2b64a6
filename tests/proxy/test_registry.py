"""Adding, listing and finding proxies."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy import add_proxy, find_proxy, list_proxies, open_proxy, registry, show_proxy
from tests.cli.shell import falconql
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


def test_a_proxy_is_called_as_it_was_registered(tmp_path: Path) -> None:
    folder = save_proxy(tmp_path / "p", good=["great"])
    add_proxy(folder, "other")
    assert show_proxy("other").name == open_proxy("other").name == "other"
    assert show_proxy("other").card == {**show_proxy(str(folder)).card, "name": "other"}
    assert open_proxy("other").label(["great"], ["x"])[0] > 0.5
    # Under its own name it stays what it was, to the letter.
    assert open_proxy(add_proxy(folder).name).fingerprint == open_proxy(str(folder)).fingerprint


def test_half_a_character_in_a_manifest_stays(tmp_path: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p", description="\ud800 \u00e9"), "other")
    assert show_proxy("other").card["description"] == "\ud800 \u00e9"


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ({"training": "falconql train"}, {"training": "falconql train", "name": "tiny"}),
        ({"training": "falconql train", "name": "first"}, {"training": "falconql train", "name": "first"}),
        ({"proxy": "kestrel 1"}, {"proxy": "kestrel 1"}),
        ("an encoder", "an encoder"),
    ],
)
def test_a_renamed_proxy_knows_under_which_name_it_was_trained(tmp_path: Path, last: object, kept: object) -> None:
    add_proxy(save_proxy(tmp_path / "p", lineage=["first", last]), "other")
    assert show_proxy("other").card["lineage"] == ["first", kept]


def test_a_path_is_as_good_as_a_name(tmp_path: Path) -> None:
    folder = save_proxy(tmp_path / "p")
    assert open_proxy(str(folder)).name == "tiny"


def test_a_home_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: str) -> str:
        raise RuntimeError(f"could not determine the home directory for {path!r}")

    monkeypatch.delenv("FALCONQL_HOME")
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: unknown("~"))
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_, **__: unknown("~"))
    for words in (("run", "-e", 'where label("good?")', "--from", "-"), ("proxies", "list"), ("cache", "info")):
        done = falconql(*words, stdin="text\nx\n")
        assert (done.status, done.out) == (3, "")
        assert "HOME is not set" in done.err
        assert "set FALCONQL_HOME" in done.err


def test_a_folder_of_proxies_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    done = falconql("run", "-e", 'where label("good?")', "--from", "-", stdin="text\nx\n")
    assert (done.status, "set FALCONQL_HOME" in done.err) == (3, True)


def test_a_name_that_is_taken_needs_replace(tmp_path: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    with pytest.raises(ProxyError, match="already"):
        add_proxy(tmp_path / "p")
    save_proxy(tmp_path / "q", good=["new"])
    add_proxy(tmp_path / "q", "tiny", replace=True)
    assert open_proxy("tiny").label(["new"], ["x"])[0] > 0.5


def test_of_two_at_once_the_second_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = save_proxy(tmp_path / "p"), save_proxy(tmp_path / "q", good=["new"])
    tried = registry._try_out

    def meanwhile(copy: Path, source: Path) -> None:
        monkeypatch.setattr(registry, "_try_out", tried)
        add_proxy(second, "both")
        tried(copy, source)

    monkeypatch.setattr(registry, "_try_out", meanwhile)
    with pytest.raises(ProxyError, match="there is a proxy 'both' already"):
        add_proxy(first, "both")
    assert open_proxy("both").label(["new"], ["x"])[0] > 0.5
    assert [path.name for path in registry.user_folder().iterdir()] == ["both"]


def test_what_a_killed_process_left_goes_with_time(tmp_path: Path) -> None:
    folder = registry.user_folder()
    for name, age in ((".adding-old", 2 * registry.LEFT_SECONDS), (".adding-now", 0), (".removing-old", 1e6)):
        (folder / name / "new").mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)
    add_proxy(save_proxy(tmp_path / "p"), "mine")
    assert sorted(path.name for path in folder.iterdir()) == [".adding-now", "mine"]


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
    assert list((home / "proxies").iterdir()) == []


@pytest.mark.parametrize(("wanted", "hint"), [("Tinny", "did you mean 'tiny'?"), ("gpt", "the proxies are: ")])
def test_an_unknown_name_gets_a_hint(tmp_path: Path, wanted: str, hint: str) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    with pytest.raises(ProxyError, match=f"there is no proxy '{wanted}'") as caught:
        find_proxy(wanted)
    assert hint in str(caught.value.hint)
    assert "tiny" in str(caught.value.hint)


@pytest.mark.parametrize("wanted", ["", "~nobody-of-that-name", "a\0b", "no/such/folder"])
def test_what_cannot_be_a_path_is_no_proxy(wanted: str) -> None:
    with pytest.raises(ProxyError, match="there is no proxy"):
        find_proxy(wanted)


def test_weights_beside_the_model_are_found_out_before_it_is_registered(tmp_path: Path, home: Path) -> None:
    folder = save_proxy(tmp_path / "p")
    model = onnx.load(folder / "model.onnx")
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    with pytest.raises(ProxyError) as caught:
        add_proxy(folder)
    assert str(folder / "model.onnx") in str(caught.value)
    assert "the model must be one file" in str(caught.value.hint)
    assert list((home / "proxies").iterdir()) == []


def test_a_model_for_one_text_at_a_time_is_not_added(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one core the windows of a long text are batches of one, so that only short texts tell."""
    monkeypatch.setattr("falconql.runtime.proxy.onnx.usable_cores", lambda: 1)
    folder = save_proxy(tmp_path / "p", max_tokens=512)
    model = onnx.load(folder / "model.onnx")
    (last,) = (node for node in model.graph.node if "logits" in node.output)
    last.output[0] = "any"
    model.graph.node.append(helper.make_node("Reshape", ["any", "of_one"], ["logits"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, -1, 3]), "of_one"))
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(ProxyError, match="gave logits of shape"):
        add_proxy(folder)
    assert not list(home.rglob("proxy.json"))


def test_what_a_stranger_wrote_drives_no_terminal(tmp_path: Path) -> None:
    odd: dict[str, Any] = {"description": "a\x1b]0;b\x07", "metrics": {"c\x1b[2J": ["\x1b[1m"]}, "version": "1\x1b[2J"}
    add_proxy(save_proxy(tmp_path / "p", **odd))
    for done in (falconql("proxies", "show", "tiny"), falconql("proxies", "list")):
        assert done.status == 0
        assert not {"\x1b", "\x07"} & set(done.out)
        assert "\u241b" in done.out


@pytest.mark.parametrize("command", [["export", "nobody/nothing"], ["half", "tiny"]])
@pytest.mark.parametrize(("name", "said"), [("a b", "cannot be a proxy's name"), ("tiny", "'tiny' already")])
def test_a_name_is_looked_at_before_the_work_is_done(tmp_path: Path, command: list[str], name: str, said: str) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    done = falconql("proxies", *command, "--name", name)
    assert (done.status, said in done.err) == (3, True), done.err


def test_a_replacement_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p", good=["old"]))
    broken = save_proxy(tmp_path / "q")
    (broken / "tokenizer.json").write_text("{}")
    with pytest.raises(ProxyError, match=r"tokenizer\.json"):
        add_proxy(broken, "tiny", replace=True)
    assert open_proxy("tiny").label(["old"], ["x"])[0] > 0.5


def test_without_a_home_there_are_the_shipped_ones(home: Path) -> None:
    assert all(proxy.shipped for proxy in list_proxies())
    home.mkdir()
    (home / "proxies").write_text("a file")
    assert all(proxy.shipped for proxy in list_proxies())
    with pytest.raises(ProxyError, match="cannot be copied"):
        add_proxy(save_proxy(home / "p"))


def test_one_that_cannot_be_used_does_not_hide_the_others(home: Path) -> None:
    (home / "proxies" / "old").mkdir(parents=True)
    (home / "proxies" / "old" / "proxy.json").write_text('{"format": 99}')
    done = falconql("proxies", "list")
    assert done.status == 0
    assert done.out.startswith("kestrel  ")
    assert "warning: old cannot be used" in done.err


def test_a_proxy_of_ones_own_can_be_removed(tmp_path: Path, home: Path) -> None:
    add_proxy(save_proxy(tmp_path / "p"))
    done = falconql("proxies", "remove", "tiny")
    assert done.status == 0
    assert str(home / "proxies" / "tiny") in done.err
    assert list((home / "proxies").iterdir()) == []
    for name, said in (("tiny", "there is no proxy 'tiny'"), ("kestrel", "ships with"), ("../p", "there is no proxy")):
        failed = falconql("proxies", "remove", name)
        assert failed.status == 3
        assert said in failed.err
    assert (tmp_path / "p").is_dir()
