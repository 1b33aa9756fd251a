"""Networks that are loaded: ONNX Runtime sessions, shared by all that run the same file, bounded in memory.

One network runs at a time and has all cores, or the device: two at once would take twice the memory and be no faster.
What comes before and after it, transforms and adding up, goes on meanwhile for other segments.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from midistems_graph.audio.values import Float32
from midistems_graph.models.providers import PROVIDERS, chosen
from midistems_graph.node.contract import NodeError

Check = Callable[[], None]
"""Raises Cancelled when the run is to stop."""

Dim = int | str
"""A length, or the name of one that the network leaves open."""

KEPT_BYTES = 1 << 30
"""Sessions whose files have more bytes in all than this are let go, those longest unused first."""

MOST_BYTES = 4 << 30
"""A network whose inputs or outputs would take more than this is refused."""

SETTINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "cuda": MappingProxyType({"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}),
        "openvino": MappingProxyType({"precision": "ACCURACY"}),
    }
)
"""What a provider is told. Unless told otherwise CUDA rounds factors to 10 bits, and OpenVINO to 7 where a processor is
made for that, so that stems would hang on the device. CUDA would also try all ways to convolve and take the fastest
of that moment: that takes a second or two, networks are no faster for it, and samples would hang on chance."""

POLL = 0.05
"""Seconds between two looks whether the run is to stop."""


class NetworkError(NodeError):
    """A network cannot be used: one sentence that names it and the remedy."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a network: its name, its shape, and its type as ONNX Runtime writes it."""

    name: str
    shape: tuple[Dim, ...]
    type: str

    def __str__(self) -> str:
        return f"{self.name} [{', '.join(map(str, self.shape))}]"


class Session:
    """A loaded network. `provider` is the one that is really in use."""

    def __init__(self, path: Path, provider: str = "cpu", threads: int = 0, turn: threading.Lock | None = None) -> None:
        """Load a file; raises NetworkError. `threads` 0 are all cores; whoever has the `turn` runs."""
        self.path = path
        self._turn = turn or threading.Lock()
        self._session = _loaded(path, provider, threads)
        theirs = self._session.get_providers()[0]
        self.provider = next((ours for ours, name in PROVIDERS.items() if name == theirs), theirs)
        self.inputs = tuple(map(_tensor, self._session.get_inputs()))
        self.outputs = tuple(map(_tensor, self._session.get_outputs()))
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._caller = ThreadPoolExecutor(1, thread_name_prefix="network")

    def run(self, arrays: Sequence[npt.NDArray[Any]], check: Check) -> list[Float32]:
        """The outputs for inputs in the network's own order, once no other network runs; ends soon when `check` raises
        Cancelled.

        Raises NetworkError, and MemoryError when there is not enough memory.
        """
        self._check(arrays)
        given = zip(self.inputs, arrays, strict=True)
        feeds = {tensor.name: np.ascontiguousarray(a, _TYPES.get(tensor.type, np.float32)) for tensor, a in given}
        while not self._turn.acquire(timeout=POLL):
            check()
        try:
            return self._run(feeds, check)
        finally:
            self._turn.release()

    def _run(self, feeds: Mapping[str, npt.NDArray[Any]], check: Check) -> list[Float32]:
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        future = self._caller.submit(self._session.run, None, feeds, options)
        try:
            while not _is_over(future, POLL):
                check()
        except BaseException:
            options.terminate = True
            future.exception()
            raise
        error = future.exception()
        if error is None:
            return [np.asarray(out, np.float32) for out in future.result()]
        if _is_about_memory(error):
            raise MemoryError
        raise NetworkError(f"the network {self.path.name} could not be run: {_reason(error)}")

    def _check(self, arrays: Sequence[npt.NDArray[Any]]) -> None:
        """Raise NetworkError when a network takes other inputs, before anything is allocated for it."""
        if len(arrays) != len(self.inputs):
            raise NetworkError(
                f"the network {self.path.name} takes {len(self.inputs)} inputs "
                f"({', '.join(map(str, self.inputs)) or 'none'}) where the model's contract gives {len(arrays)}"
            )
        for tensor, array in zip(self.inputs, arrays, strict=True):
            fits = len(tensor.shape) == array.ndim and all(
                isinstance(dim, str) or dim == n for dim, n in zip(tensor.shape, array.shape, strict=True)
            )
            if not fits:
                raise NetworkError(
                    f"the network {self.path.name} takes {tensor} where the model's contract gives "
                    f"[{', '.join(map(str, array.shape))}]; correct the contract or its parameters in the manifest"
                )


def _is_over(future: Any, seconds: float) -> bool:
    try:
        future.exception(seconds)
    except TimeoutError:
        return False
    return True


@dataclass(frozen=True)
class _Key:
    path: Path
    digest: str
    provider: str
    threads: int


class Sessions:
    """Loaded networks by file; those longest unused are let go when their files have too many bytes.

    `loading` is how many seconds loading has taken so far.
    """

    loading = 0.0

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._kept: OrderedDict[_Key, Session] = OrderedDict()

    def get(self, path: Path, digest: str, *, provider: str = "auto", threads: int = 0) -> Session:
        """The network in a file of that content, loaded at most once. Raises NetworkError."""
        key = _Key(path.resolve(), digest, chosen(provider), threads)
        with self._lock:
            session = self._kept.get(key)
            if session is None:
                began = time.perf_counter()
                session = self._kept[key] = Session(key.path, key.provider, threads, self._turn)
                self.loading += time.perf_counter() - began
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(map(_bytes, self._kept)) > self._limit:
                self._kept.popitem(last=False)
            return session

    def __len__(self) -> int:
        return len(self._kept)

    def release(self) -> None:
        """Let all networks go."""
        with self._lock:
            self._kept.clear()


@cache
def shared_sessions() -> Sessions:
    """Those of this process."""
    return Sessions()


def _bytes(key: _Key) -> int:
    with contextlib.suppress(OSError):
        return key.path.stat().st_size
    return 0


_TYPES = {"tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(int64)": np.int64}


def _loaded(path: Path, provider: str, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Planned memory is kept beside the arena: 3.3 GB for a segment of HTDemucs where 1.9 do, at the same speed. Without
    # the arena it is 2.0 GB, but Spleeter takes twice the time.
    options.enable_mem_pattern = False
    # Threads that spin while they wait take a fifth more of the processor, and a third more time on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = [(PROVIDERS[name], dict(SETTINGS.get(name, {}))) for name in dict.fromkeys((provider, "cpu"))]
    if provider in ("cuda", "tensorrt"):
        _load_libraries_of_nvidia()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # whatever its libraries raise for a file that somebody gave us
        raise NetworkError(f"the network {path.name} cannot be loaded: {_reason(error)}") from None


@cache
def _load_libraries_of_nvidia() -> None:
    """Those that pip installs beside ONNX Runtime are found only when they are asked for; what is missing it prints."""
    import onnxruntime

    if hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()


def _tensor(theirs: Any) -> Tensor:
    shape = tuple(dim if isinstance(dim, int) else str(dim or "?") for dim in theirs.shape)
    known = [dim for dim in shape if isinstance(dim, int)]
    if float(np.prod([float(dim) for dim in known])) * 4 > MOST_BYTES or any(dim < 0 for dim in known):
        raise NetworkError(
            f"the network asks for {theirs.name} [{', '.join(map(str, shape))}], more than "
            f"{MOST_BYTES >> 30} GB for one tensor; it is damaged, or not meant for this program"
        )
    return Tensor(theirs.name, shape, theirs.type)


_REASONS = (
    ("INVALID_PROTOBUF", "it is damaged or no ONNX file; get it again"),
    ("No graph was found", "it is empty or no ONNX file; get it again"),
    ("External data path", "its weights lie outside its own folder, which is not allowed"),
    ("external data", "the file of its weights is missing or damaged; get it again"),
    ("NO_SUCHFILE", "the file is not there; get the model again"),
)


def _reason(error: BaseException) -> str:
    """What an exception of ONNX Runtime comes to, in one sentence."""
    text = " ".join(str(error).split())
    for sign, words in _REASONS:
        if sign in text:
            return words
    for sign in ("No Op registered for", "Opset"):
        if sign in text:
            return f"ONNX Runtime does not know a part of it ({text[text.index(sign) :][:120]}); update onnxruntime"
    return text.split(" : ", 3)[-1][:200] or type(error).__name__


def _is_about_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(s in str(error) for s in ("Failed to allocate memory", "bad_alloc"))
