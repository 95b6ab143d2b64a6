"""A step of fine-tuning in bf16 and in float32 on this processor: seconds of processor time, one thread.

    python benchmarks/precision.py [--rows 32] [--tokens 64] [--repeat 3]

What ``falconql.training.precision`` decides by: where the processor has no instructions for bf16, it is emulated.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch

from falconql.runtime.proxy import find_proxy
from falconql.training.precision import has_bf16
from falconql.training.pretrain import fast_on_cpu
from falconql.training.trainable import trainable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = trainable(find_proxy("kestrel"), seed=0)
    fast_on_cpu(model)
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    ids = torch.randint(5, 30_000, (options.rows, options.tokens))

    def step(*, bf16: bool) -> float:
        begun = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = model(ids, torch.ones_like(ids), torch.zeros_like(ids)).logits
        optimiser.zero_grad()
        logits.float().pow(2).mean().backward()
        optimiser.step()
        return time.process_time() - begun

    taken: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(options.repeat + 1):
        for bf16, seconds in taken.items():
            one = step(bf16=bf16)
            if turn:  # the first one makes the kernels
                seconds.append(one)
    for bf16, name in ((True, "bf16"), (False, "float32")):
        print(f"{name:8} {median(taken[bf16]):8.2f} s   {'in use' if has_bf16('cpu') is bf16 else ''}".rstrip())


if __name__ == "__main__":
    main()
