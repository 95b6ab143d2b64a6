"""One model in ONNX Runtime: options set on purpose, its inputs and outputs checked.

Knows arrays and the contract of ``model.onnx``; nothing of texts, prompts or thresholds.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from falconql.runtime.errors import ProxyError
from falconql.runtime.proxy.contents import NoModel, tensor_elsewhere

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "logits"
# An input that a model may have, and that may be left out: from how many tokens on it gives no logits.
WANTED = "tokens_wanted"
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
# On a processor the fused operator is not vectorised: it takes several times as long as its parts (ONNX Runtime 1.32).
SLOW_FUSIONS = ["SkipLayerNormFusion"]
INSTALL_HINT = 'install it with `pip install "falconql[cpu]"`, or `pip install "falconql[gpu]"` for CUDA'
_ONE_FILE = "export the proxy again; the model must be one file, with its weights inside"
_FATAL = 4
# The first process that loaded a model: this one, or one that this was forked from.
_loaded_in: list[int] = []

Arrays = Mapping[str, NDArray[np.int64]]


class Session:
    """A loaded model.

    Args:
        path: the ONNX file.
        threads: threads within an operator; one operator runs at a time.
        cuda: run on the first GPU, inputs and outputs bound to its memory.

    Raises:
        ProxyError: ONNX Runtime is missing, cannot load the file, or the model has other inputs or outputs.
    """

    def __init__(self, path: Path, threads: int, *, cuda: bool = False) -> None:
        self.path = path
        runtime = _onnxruntime()
        _check_contents(path)
        try:
            self._session = runtime.InferenceSession(
                str(path),
                _options(runtime, threads),
                providers=[CUDA, CPU] if cuda else [CPU],
                disabled_optimizers=[] if cuda else SLOW_FUSIONS,
                # Falling back prints on standard output, where the data goes.
                enable_fallback=0,
            )
        except Exception as error:  # the bindings' own exceptions share no public base class
            raise ProxyError(
                f"{path} is not a model that ONNX Runtime can load: {_first_line(error)}", hint=_ONE_FILE
            ) from error
        try:
            self.inputs = _checked_inputs(self._session, path)
        except UnicodeDecodeError as error:
            raise ProxyError(f"{path} has names of inputs or outputs that are not UTF-8", hint=_ONE_FILE) from error
        self.cuda = CUDA in self._session.get_providers()
        self.can_stop = WANTED in {value.name for value in self._session.get_overridable_initializers()}

    def run(self, arrays: Arrays, *, tokens: int | None = None) -> NDArray[np.float32]:
        """Return the logits, shape (batch, tokens, 3).

        Args:
            arrays: the inputs, each of shape (batch, tokens).
            tokens: how many of the first tokens are enough; a model that cannot stop there gives all.

        Raises:
            ProxyError: the model fails, or gives another shape.
        """
        fed = {name: arrays[name] for name in self.inputs}
        rows, width = arrays["input_ids"].shape
        if tokens is not None and tokens < width and self.can_stop:
            width = tokens
            fed[WANTED] = np.array([tokens], dtype=np.int64)
        try:
            logits = self._on_device(fed) if self.cuda else self._session.run([OUTPUT], fed)[0]
        except Exception as error:  # the bindings' own exceptions share no public base class
            raise ProxyError(f"{self.path} failed: {_first_line(error)}") from error
        shape = (rows, width, 3)
        if logits.shape != shape:
            raise ProxyError(f"{self.path} gave logits of shape {logits.shape}, not [batch, tokens, 3] = {shape}")
        return np.asarray(logits, dtype=np.float32)

    def _on_device(self, arrays: Arrays, device: str = "cuda") -> Any:
        """Run with inputs copied to the device once and the output allocated there."""
        values = _onnxruntime().OrtValue
        binding = self._session.io_binding()
        for name, array in arrays.items():
            # Where a slice ends is read by the processor.
            where = "cpu" if name == WANTED else device
            binding.bind_ortvalue_input(name, values.ortvalue_from_numpy(array, where, 0))
        binding.bind_output(OUTPUT, device, 0)
        self._session.run_with_iobinding(binding)
        return binding.copy_outputs_to_cpu()[0]


def cuda_is_offered() -> bool:
    """Return whether the installed ONNX Runtime was built for CUDA and the driver has a device for it."""
    return CUDA in _onnxruntime().get_available_providers() and _cuda_devices() > 0


def _cuda_devices() -> int:
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        count = ctypes.c_int(0)
        found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except (OSError, AttributeError):
        return 0
    return count.value if found else 0


def _options(runtime: Any, threads: int) -> Any:
    options = runtime.SessionOptions()
    _loaded_in.append(os.getpid())
    # A pool of threads hangs in a process that was forked after another pool was used: seen with 1.32.
    options.intra_op_num_threads = threads if _loaded_in[0] == os.getpid() else 1
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    # Every batch has a shape of its own: plans of memory by shape would only pile up.
    options.enable_mem_pattern = False
    # What goes wrong comes back as an exception; the log would repeat it on standard error.
    options.log_severity_level = _FATAL
    # Whatever its name ends in: the other format is not looked into before it is loaded.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    return options


def _check_contents(path: Path) -> None:
    try:
        tensor = tensor_elsewhere(path)
    except NoModel as error:
        raise ProxyError(f"{path} is not an ONNX model: {error}", hint=_ONE_FILE) from None
    except OSError as error:
        raise ProxyError(f"{path} cannot be read: {error.strerror or error}") from error
    if tensor is not None:
        raise ProxyError(f"{path} keeps the values of `{tensor}` in another file", hint=_ONE_FILE)


def _checked_inputs(session: Any, path: Path) -> tuple[str, ...]:
    inputs = tuple(i.name for i in session.get_inputs())
    if not {"input_ids", "attention_mask"} <= set(inputs) <= set(INPUTS):
        wanted = "input_ids, attention_mask and optionally token_type_ids"
        raise ProxyError(f"{path}: the inputs must be {wanted}, found {', '.join(inputs)}")
    for value in session.get_inputs():
        # A number stands for a size that cannot be another one.
        if value.type != "tensor(int64)" or len(value.shape) != 2 or any(isinstance(size, int) for size in value.shape):
            raise ProxyError(
                f"{path}: the input {value.name} must be int64 of shape [batch, tokens], any number of each, "
                f"found {value.type} of {value.shape}",
                hint="export it with free axes (`dynamic_axes`)",
            )
    outputs = {o.name: o.shape for o in session.get_outputs()}
    shape = outputs.get(OUTPUT)
    if shape is None or len(shape) != 3 or (isinstance(shape[2], int) and shape[2] != 3):
        found = ", ".join(f"{name} {shape}" for name, shape in outputs.items())
        raise ProxyError(f"{path}: the output must be `{OUTPUT}` of shape [batch, tokens, 3], found {found}")
    return inputs


def usable_cores() -> int:
    """Return how many physical cores this process may keep busy.

    Two hardware threads of a core share its arithmetic units, which is all that inference needs; and
    a container may be given less time than it sees processors.
    """
    cores = _physical(_allowed())
    quota = _quota(Path("/sys/fs/cgroup/cpu.max"))
    return max(1, cores if quota is None else min(cores, quota))


def _allowed() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _physical(processors: set[int], root: Path = Path("/sys/devices/system/cpu")) -> int:
    cores = set()
    for processor in processors:
        try:
            core = (root / f"cpu{processor}" / "topology" / "thread_siblings_list").read_text().strip()
        except OSError:
            core = str(processor)
        cores.add(core)
    return len(cores)


def _quota(path: Path) -> int | None:
    """Return the whole processors that a control group grants, rounded up; None without a limit."""
    try:
        granted, _, period = path.read_text().partition(" ")
        return -(-int(granted) // int(period))
    except (OSError, ValueError):
        return None


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ProxyError("ONNX Runtime is not installed, so no proxy can run", hint=INSTALL_HINT) from error
    return onnxruntime


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
