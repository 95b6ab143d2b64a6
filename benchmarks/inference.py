"""What could make inference faster, each change alone against the shipped model as the runtime opens it.

    PYTHONPATH=. python benchmarks/inference.py [--only threads packing ...] [--pairs 512] [--repeat 5]

Real reviews with real instructions, short (16 tokens), middling (64) and long (240), tokenised in advance; all ways
of a table run in turn in this process; the figure is the median over turns of the seconds of the shipped way divided
by those of the changed one: above 1 it pays. Beside it stands how far label scores move (mean and largest), where
they can move.

    graph      ONNX Runtime's own optimisations off, basic, all; kernels not fused; float32; one scale per matrix
    threads    one session with two threads, two sessions with one each, threads that do not spin
    budget     padded tokens per batch
    packing    several texts in one sequence with a block-diagonal mask, instead of a batch of them
    first      what falconql.training.faster does: operators that are faster apart than fused, and the last layer for
               the first token alone, which is all that a label needs
    exit       labels read off after fewer layers: how many texts could leave early with the same answer
    bf16       torch in bfloat16, on the same batches
    openvino   the same integers in OpenVINO, which is to be installed for it
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from graphs import one_scale_per_matrix, output_of, part, with_mask_of_pairs
from numpy.typing import NDArray
from speed import INSTRUCTIONS, texts_of
from speed_ways import LABELS

from falconql.runtime.proxy import open_proxy
from falconql.runtime.proxy.batching import token_batches
from falconql.runtime.proxy.onnx import OnnxProxy, padded
from falconql.runtime.proxy.session import SLOW_FUSIONS, WANTED, usable_cores

LENGTHS = (16, 64, 240)
LAYERS = 6

Feed = dict[str, NDArray[Any]]
Run = Callable[[], list[NDArray[np.float32]]]


class Material:
    """Pairs of one length as the shipped proxy reads them."""

    def __init__(self, proxy: OnnxProxy, tokens: int, pairs: int) -> None:
        count = max(8, min(pairs, pairs * 64 // tokens))
        texts = texts_of(tokens, count, proxy.prompter.tokenizer, 3)
        asked = [(text, INSTRUCTIONS[LABELS][place % 8]) for place, text in enumerate(texts)]
        prompted = proxy.prompter.prompted(proxy.manifest.label_prompt, asked, range(count), words=False)
        self.tokens = tokens
        self.budget = proxy.token_budget
        self.windows = [window for one in prompted for window in one.windows]
        self.pad_id = proxy.prompter.pad_id

    def batches(self, budget: int | None = None) -> list[Feed]:
        lengths = [len(window.ids) for window in self.windows]
        return [
            padded([self.windows[i] for i in chosen], self.pad_id)
            for chosen in token_batches(lengths, budget or self.budget)
        ]

    def packed(self, most: int) -> list[Feed]:
        """Return sequences of several texts, of up to ``most`` tokens, in batches, with a mask that parts them."""
        sequences: list[list[int]] = []
        filled = most + 1
        for place in np.argsort([len(window.ids) for window in self.windows], kind="stable").tolist():
            length = len(self.windows[place].ids)
            if filled + length > most:
                sequences.append([])
                filled = 0
            sequences[-1].append(place)
            filled += length
        size = max(1, self.budget // most)
        return [self._sequences(sequences[begin : begin + size]) for begin in range(0, len(sequences), size)]

    def _sequences(self, chosen: Sequence[Sequence[int]]) -> Feed:
        width = max(sum(len(self.windows[place].ids) for place in places) for places in chosen)
        ids, types, positions = np.zeros((3, len(chosen), width), dtype=np.int64)
        of = np.full((len(chosen), width), -1)
        for row, places in enumerate(chosen):
            begin = 0
            for place in places:
                window = self.windows[place]
                end = begin + len(window.ids)
                ids[row, begin:end], types[row, begin:end] = window.ids, window.type_ids
                positions[row, begin:end], of[row, begin:end] = range(end - begin), place
                begin = end
        mask = (of[:, :, None] == of[:, None, :]).astype(np.int32)
        return {"input_ids": ids, "token_type_ids": types, "position_ids": positions, "attention_mask": mask}


def opened(
    model: onnx.ModelProto | Path, threads: int | None = None, level: str = "ENABLE_ALL", spin: bool = True
) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(
        source, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS
    )


def over(session: Any, batches: Sequence[Feed]) -> Run:
    names = [value.name for value in [*session.get_inputs(), *session.get_overridable_initializers()]]
    fed = [{name: batch[name] for name in names if name in batch} for batch in batches]
    return lambda: [session.run(["logits"], feed)[0] for feed in fed]


def compared(ways: dict[str, Run], repeat: int) -> dict[str, float]:
    """Return how many times faster than the first way each is, the median over turns."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeat + 1):
        for name in sorted(ways, reverse=bool(turn % 2)):
            started = time.perf_counter()
            ways[name]()
            if turn:
                taken[name].append(time.perf_counter() - started)
    first = next(iter(taken.values()))
    return {name: statistics.median(a / b for a, b in zip(first, own, strict=True)) for name, own in taken.items()}


def moved(ways: dict[str, Run], name: str) -> str:
    """Return how far the label scores of a way are from the first one's: mean and largest."""
    one, other = (np.concatenate([batch[:, 0] for batch in way()]) for way in (next(iter(ways.values())), ways[name]))
    if one.shape != other.shape:
        return ""
    scores = [1 / (1 + np.exp(rows[:, 2] - rows[:, 0])) for rows in (one, other)]
    away = np.abs(scores[0] - scores[1])
    return f"{away.mean():.4f}, {away.max():.4f}"


class Ablations:
    """The tables, each a method that yields its ways for one length; the first way is the shipped one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.proxy = open_proxy("kestrel")
        assert isinstance(self.proxy, OnnxProxy)
        self.path = self.proxy.folder / self.proxy.manifest.model
        self.material = {tokens: Material(self.proxy, tokens, options.pairs) for tokens in options.lengths}
        self.shipped = opened(self.path)

    def graph(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        from falconql.training.exporter import fuse, write_onnx
        from falconql.training.trainable import trainable

        model = trainable(self.proxy.folder)
        example = {name: array[:2] for name, array in next(iter(self.material.values())).batches()[0].items()}
        write_onnx(model, folder / "plain.onnx", example)
        fuse(folder / "plain.onnx", folder / "fused.onnx", heads=12, hidden=384)
        sessions = {
            "shipped: int8, fused, all optimisations": self.shipped,
            "int8, optimisations off": opened(self.path, level="DISABLE_ALL"),
            "int8, basic optimisations": opened(self.path, level="ENABLE_BASIC"),
            "int8, one scale per matrix": opened(one_scale_per_matrix(self.path)),
            "float32, fused": opened(folder / "fused.onnx"),
            "float32, not fused, optimisations off": opened(folder / "plain.onnx", level="DISABLE_ALL"),
            "float32, left to ONNX Runtime": opened(folder / "plain.onnx"),
        }
        return lambda material: {name: over(each, material.batches()) for name, each in sessions.items()}

    def threads(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        cores = usable_cores()
        singles = [opened(self.path, 1) for _ in range(cores)]
        patient = opened(self.path, spin=False)
        pool = ThreadPoolExecutor(cores)

        def several(batches: Sequence[Feed]) -> Run:
            # A session for each thread takes every so-manieth batch; answers come back in the order of the batches.
            shares = [[over(each, [batch]) for batch in batches[place::cores]] for place, each in enumerate(singles)]

            def run() -> list[NDArray[np.float32]]:
                found = list(pool.map(lambda share: [one() for one in share], shares))
                return [rows for place in range(len(batches)) for rows in found[place % cores][place // cores]]

            return run

        return lambda material: {
            f"shipped: one session, {cores} threads": over(self.shipped, material.batches()),
            f"{cores} sessions, one thread each": several(material.batches()),
            f"{cores} sessions, half the budget": several(material.batches(material.budget // cores)),
            "threads that do not spin": over(patient, material.batches()),
            "one thread": over(singles[0], material.batches()),
        }

    def budget(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        def runs(material: Material) -> dict[str, Run]:
            sizes = dict.fromkeys((material.budget, 512, 1024, 2048, 4096, 8192, 16384))
            return {f"{size:,} tokens": over(self.shipped, material.batches(size)) for size in sizes}

        return runs

    def packing(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        session = opened(with_mask_of_pairs(self.path))
        return lambda material: {
            "shipped: padded batches": over(self.shipped, material.batches()),
            **{f"sequences of {most}": over(session, material.packed(most)) for most in (128, 256, 512)},
        }

    def first(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        from falconql.training.faster import with_tokens_wanted, without_slow_fusions

        model = onnx.load(self.path)
        with_tokens_wanted(model)
        session = opened(model)
        without_slow_fusions(model)
        apart = opened(model)

        def stopping(batches: Sequence[Feed]) -> list[Feed]:
            return [{**batch, WANTED: np.array([1])} for batch in batches]

        return lambda material: {
            "shipped: all tokens": over(self.shipped, material.batches()),
            "biases in the products, no slow fusions": over(apart, material.batches()),
            "first token of the last layer": over(session, stopping(material.batches())),
            "both": over(apart, stopping(material.batches())),
        }

    def bf16(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        import torch

        from falconql.training.pretrain import fast_on_cpu
        from falconql.training.trainable import trainable

        torch.set_num_threads(usable_cores())
        exact = trainable(self.proxy.folder).eval()
        fast_on_cpu(exact)
        half = trainable(self.proxy.folder).eval().to(torch.bfloat16)
        fast_on_cpu(half)

        def run(model: Any, batches: Sequence[Feed]) -> Run:
            fed = [{name: torch.from_numpy(array) for name, array in batch.items()} for batch in batches]

            def work() -> list[NDArray[np.float32]]:
                with torch.inference_mode():
                    return [model(**feed).logits.float().numpy() for feed in fed]

            return work

        return lambda material: {
            "shipped: int8": over(self.shipped, material.batches()),
            "torch, bfloat16": run(half, material.batches()),
            "torch, float32": run(exact, material.batches()),
        }

    def openvino(self, folder: Path) -> Callable[[Material], dict[str, Run]]:
        import graphs_openvino

        cores = usable_cores()
        single = opened(self.path, 1)
        stopping = {"first_only": True}
        others = {
            f"OpenVINO, {cores} threads": graphs_openvino.opened(self.path, cores, first_only=False),
            f"OpenVINO, first token, {cores} threads": graphs_openvino.opened(self.path, cores, **stopping),
            "OpenVINO, first token, one thread": graphs_openvino.opened(self.path, 1, **stopping),
        }

        def runs(material: Material) -> dict[str, Run]:
            batches = material.batches()
            first = [{**batch, WANTED: np.array([1])} for batch in batches]
            return {
                f"shipped: all tokens, {cores} threads": over(self.shipped, batches),
                f"first token, {cores} threads": over(self.shipped, first),
                "first token, one thread": over(single, first),
                **{name: lambda run=run: [run(batch) for batch in batches] for name, run in others.items()},
            }

        return runs


def table(options: argparse.Namespace, ablations: Ablations, name: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        make = getattr(ablations, name)(Path(folder))
        columns = {tokens: make(material) for tokens, material in ablations.material.items()}
        speeds = {tokens: compared(ways, options.repeat) for tokens, ways in columns.items()}
        yield f"\n| {name} | {' | '.join(f'{tokens} tokens' for tokens in columns)} | scores move |"
        yield "|---|" + "---|" * (len(columns) + 1)
        middle = list(columns.values())[len(columns) // 2]
        for place, way in enumerate(middle):
            away = moved(middle, way) if place else ""
            yield f"| {way} | {' | '.join(f'{speeds[tokens][way]:.2f}' for tokens in columns)} | {away} |"


def early_exit(options: argparse.Namespace, ablations: Ablations) -> Iterator[str]:
    """Say, for each layer, how many texts could stop there.

    A linear probe on the first token guesses the final margin (least squares, on half of the pairs). On the other half,
    the texts whose guess is farther from 0 than a limit leave; the limit is the lowest at which 99 % of them agree with
    the end.
    """
    yield "\n| after layer | agree, all leaving | leave with 99 % agreement | layers saved |"
    yield "|---|---|---|---|"
    model = onnx.load(ablations.path)
    batches = [batch for material in ablations.material.values() for batch in material.batches()]
    final = np.concatenate([rows[:, 0, 0] - rows[:, 0, 2] for rows in over(ablations.shipped, batches)()])
    order = np.random.default_rng(0).permutation(len(final))
    learn, held = order[: len(order) // 2], order[len(order) // 2 :]
    for layer in range(1, LAYERS):
        session = opened(part(model, 0, layer - 1, head=False))
        names = [value.name for value in session.get_inputs()]
        states = np.concatenate(
            [session.run([output_of(layer - 1)], {n: batch[n] for n in names})[0][:, 0] for batch in batches]
        )
        states = np.hstack([states, np.ones((len(states), 1), dtype=np.float32)])
        ridge = states[learn].T @ states[learn] + 1.0 * np.eye(states.shape[1])
        guessed = states[held] @ np.linalg.solve(ridge, states[learn].T @ final[learn])
        right = (guessed > 0) == (final[held] > 0)
        sure = np.argsort(-np.abs(guessed))
        agreed = np.cumsum(right[sure]) / np.arange(1, len(sure) + 1)
        leave = float(np.max(np.flatnonzero(agreed >= 0.99) + 1, initial=0) / len(sure))
        yield f"| {layer} | {right.mean():.3f} | {leave:.2f} | {leave * (LAYERS - layer) / LAYERS:.0%} |"


TABLES = ("graph", "threads", "budget", "packing", "first", "exit", "bf16", "openvino")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES[:-1])
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    parser.add_argument("--pairs", type=int, default=512, help="of text and instruction, where texts are short")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    ablations = Ablations(options)
    print(f"{usable_cores()} threads, ONNX Runtime {onnxruntime.__version__}, medians of {options.repeat} turns")
    for name in options.only:
        lines = early_exit(options, ablations) if name == "exit" else table(options, ablations, name)
        for line in lines:
            print(line, flush=True)


if __name__ == "__main__":
    main()
