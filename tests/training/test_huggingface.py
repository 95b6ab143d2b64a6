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
