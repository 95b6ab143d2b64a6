"""Models of others as proxies: a small RoBERTa as Cuckoo's, and what cannot be one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from falconql.cli.main import main
from tests.proxy.tiny import byte_level

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def write_roberta(folder: Path, names: dict[int, str], *, safe: bool = True) -> Path:
    tokenizer = byte_level()
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size() + 2,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        pad_token_id=1,
        num_labels=len(names),
        id2label=names,
    )
    torch.manual_seed(3)
    model = transformers.RobertaForTokenClassification(config)
    if safe:
        model.save_pretrained(folder)
    else:
        folder.mkdir()
        config.save_pretrained(folder)
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_input_names=["input_ids", "attention_mask"]
    ).save_pretrained(folder)
    return folder


def test_a_model_with_cuckoos_classes_becomes_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    source = write_roberta(tmp_path / "model", {0: "B", 1: "I", 2: "O"})
    done = CliRunner().invoke(main, ["proxies", "export", str(source), "--name", "cuckoo"])
    assert done.exit_code == 0, done.output
    from falconql import proxy

    opened = proxy("cuckoo")
    texts = ["Anna lives in Rome", "It rains " * 100]
    assert opened.label(texts, "Who?").shape == (2,)
    assert len(opened.spans(texts, "Who?")) == 2
    again = CliRunner().invoke(main, ["proxies", "export", str(source), "--name", "cuckoo", "--int8", "--replace"])
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("names", "safe", "arguments", "message"),
    [
        ({0: "B-PER", 1: "I-PER", 2: "B-LOC", 3: "O"}, True, [], "cannot follow instructions"),
        ({0: "B", 1: "O"}, True, [], "needs B, I and O"),
        ({0: "B", 1: "I", 2: "O"}, False, [], "safetensors"),
        ({0: "B", 1: "I", 2: "O"}, True, ["--template", "none"], "take cuckoo, pair or a TOML file"),
    ],
)
def test_what_cannot_be_one_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: dict[int, str],
    safe: bool,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    source = write_roberta(tmp_path / "model", names, safe=safe)
    done = CliRunner().invoke(main, ["proxies", "export", str(source), "--name", "mine", *arguments])
    assert message in _said(done)
    assert not (tmp_path / "home").exists() or not list((tmp_path / "home").rglob("proxy.json"))


def write_deberta(folder: Path, **settings: Any) -> Path:
    """Its tokenizer gives types of tokens, which the model does not look at."""
    tokenizer = byte_level()
    config = transformers.DebertaV2Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        relative_attention=True,
        position_buckets=16,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        type_vocab_size=0,
        pad_token_id=1,
        num_labels=3,
        id2label={0: "O", 1: "B", 2: "I"},
        **settings,
    )
    transformers.DebertaV2ForTokenClassification(config).save_pretrained(folder)
    names = ["input_ids", "token_type_ids", "attention_mask"]
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=names).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("form", [[], ["--int8"]])
def test_a_model_that_takes_no_types_becomes_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    words = ["proxies", "export", str(write_deberta(tmp_path / "m")), "--name", "deberta", *form]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, _said(done)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"max_position_embeddings": 12}, "`max_tokens` must be a whole number from 16"), ({}, "cannot be made a proxy")],
)
def test_a_model_that_cannot_be_run_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, int], message: str
) -> None:
    monkeypatch.setenv("FALCONQL_HOME", str(tmp_path / "home"))
    source = write_roberta(tmp_path / "model", {0: "B", 1: "I", 2: "O"})
    if settings:
        source = write_deberta(tmp_path / "small", **settings)
    else:
        larger = byte_level()
        larger.add_tokens([f"more{number}" for number in range(9)] + ["Ada", "It"])
        larger.save(str(source / "tokenizer.json"))
    done = CliRunner().invoke(main, ["proxies", "export", str(source), "--name", "mine"])
    assert done.exit_code != 0
    assert message in _said(done)
    assert "ProxyError" in repr(type(done.exception)) or "error:" in done.output


def _said(done: Any) -> str:
    return f"{done.output}{done.exception}"


def test_a_template_file_is_read(tmp_path: Path) -> None:
    from falconql.training.huggingface import ForeignModelError, read_template

    path = tmp_path / "mine.toml"
    path.write_text('[mine]\nreadout = "any_span"\nlabel = {kind = "single", template = "{instruction} {text}"}\n')
    with pytest.raises(ForeignModelError, match="needs label, span and readout"):
        read_template(str(path))
    path.write_text(path.read_text() + 'span = {kind = "single", template = "{text} {instruction}"}\n')
    assert read_template(str(path)).span["template"] == "{text} {instruction}"


@pytest.mark.parametrize(
    ("label", "readout", "message"),
    [
        ('{kind = "single", template = "{json} {text} {instruction}"}', "any_span", None),
        ('{kind = "single", template = "{text} {}"}', "any_span", "`prompts.label` must be a template"),
        ('{kind = "single", template = 2020-01-01}', "any_span", "must be a text that is not empty, found .2020-01-01"),
        ('{template = "{text} {instruction}"}', "any_span", "the field `prompts.label.kind` is missing"),
        ('{kind = "single", template = "{text} {instruction}"}', "best", "`label.readout` must be"),
    ],
)
def test_a_template_that_is_none_is_said(tmp_path: Path, label: str, readout: str, message: str | None) -> None:
    from falconql.runtime.errors import ProxyError
    from falconql.training.huggingface import export_classifier, read_template

    path = tmp_path / "mine.toml"
    span = 'span = {kind = "single", template = "{text} {instruction}"}'
    path.write_text(f'[mine]\nreadout = "{readout}"\nlabel = {label}\n{span}\n')
    if message is not None:
        with pytest.raises(ProxyError, match=message) as caught:
            read_template(str(path))
        assert "mine.toml" in str(caught.value)
        return
    source = write_roberta(tmp_path / "model", {0: "B", 1: "I", 2: "O"})
    export_classifier(str(source), tmp_path / "out", name="mine", template=read_template(str(path)))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a=" + b"[" * 20_000])
def test_a_template_file_that_is_none_is_said(tmp_path: Path, content: bytes) -> None:
    from falconql.training.huggingface import ForeignModelError, read_template

    (tmp_path / "mine.toml").write_bytes(content)
    with pytest.raises(ForeignModelError, match="is no template file"):
        read_template(str(tmp_path / "mine.toml"))
