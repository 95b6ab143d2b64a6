"""A tiny tokenizer and, for tests that have torch, a tiny encoder made from a config."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = "ada grace alan edsger barbara donald paris oslo lima cairo quito bonn visited left liked saw a person the is"


@cache
def made_tokenizer() -> Tokenizer:
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*PIECES, *WORDS.split(), *letters[1:], *(f"##{letter}" for letter in letters), *"0123456789?.:,—🙂'"]
    tokenizer = Tokenizer(WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def write_base(folder: Path) -> Path:
    """Write a tiny encoder with its tokenizer, as a folder to start training from."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=made_tokenizer().get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    made_tokenizer().save(str(folder / "tokenizer.json"))
    return folder
