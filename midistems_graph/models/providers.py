"""What networks can be computed on: the processor always, other devices where ONNX Runtime offers them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "tensorrt": "TensorrtExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "coreml": "CoreMLExecutionProvider",
        "directml": "DmlExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
        "cpu": "CPUExecutionProvider",
    }
)
"""What we call them, and what ONNX Runtime does."""

BY_ITSELF = ("cuda", "coreml", "directml", "cpu")
"""What `auto` takes, the first that is there. TensorRT and OpenVINO compile a network for minutes: only on request."""

ON_THE_PROCESSOR = ("openvino", "cpu")
"""Those that keep the cores busy, which with others are free for something else."""

_BEYOND_THE_PROCESSOR = ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-silicon")


def available() -> tuple[str, ...]:
    """What the installed ONNX Runtime offers here, in our words."""
    if sys.platform != "darwin" and not runtimes():
        return ("cpu",)  # known without loading it, which takes a while
    import onnxruntime

    there = set(onnxruntime.get_available_providers())
    return tuple(name for name, theirs in PROVIDERS.items() if theirs in there)


def chosen(choice: str) -> str:
    """What a choice (`auto` or a provider) comes to here: the provider itself if it is there, else the processor."""
    there = available()
    wanted = BY_ITSELF if choice == "auto" else (choice, "cpu")
    return next(name for name in wanted if name in there)


def facts(choice: str) -> dict[str, str]:
    """What of this machine decides the samples that networks give: what computes, and a runtime beyond the usual."""
    return {"provider": chosen(choice), **runtimes()}


@cache
def runtimes() -> Mapping[str, str]:
    """The packages of ONNX Runtime for other devices that are installed, with their versions."""
    found = {}
    for package in _BEYOND_THE_PROCESSOR:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
