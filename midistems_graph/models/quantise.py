"""Smaller versions of a model, by ONNX Runtime's own tools: weights of 8 bits, or numbers of 16.

int8    weights as whole numbers of 8 bits, where there is such an operator (convolutions, products of matrices);
        what flows is quantised as it comes. A quarter of the size; whether it is faster hangs on the processor
fp16    weights and what flows as half-precision numbers: half the size, meant for graphics cards

Neither is free: measure what is lost on a song.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from midistems_graph.models.library import Model, ModelLibrary

if TYPE_CHECKING:
    from onnx import ModelProto


class CannotQuantise(Exception):
    """The model cannot be made smaller; the sentence says why."""


def quantise(model: Model, kind: str, library: ModelLibrary) -> Model:
    """Add a smaller version of a model to the library, called after both: `spleeter-2stems-int8`.

    Raises
    ------
    CannotQuantise
        Without the package onnx, or for a network that the tools cannot convert.
    LibraryError
        When the library cannot be written.
    """
    if find_spec("onnx") is None:
        raise CannotQuantise("quantising needs the package onnx: pip install 'midistems-graph[models]'")
    with library.workshop() as made:
        files = {}
        for each, path in zip(model.manifest.files, model.files, strict=True):
            files[each.file] = made / each.file
            try:
                with redirect_stdout(io.StringIO()):  # the tools print what they do not know
                    KINDS[kind](path, files[each.file])
            except Exception as error:  # whatever the tools raise for a network that they do not know
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                raise CannotQuantise(f"{path.name} cannot be made {kind}: {reason}") from None
        manifest = replace(
            model.manifest,
            name=f"{model.name}-{kind}",
            title=f"{model.manifest.title or model.name}, {kind}",
            files=tuple(replace(each, sha256="") for each in model.manifest.files),
            notes=f"Made of {model.name} by ONNX Runtime. {model.manifest.notes}".strip(),
        )
        return library.add(manifest, files, link=False)


def _int8(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # Behind ONNX Runtime's own operators, such as fused attention, the tools know no types: all are floats.
    # Convolutions on the processor take no signed weights.
    extra = {"DefaultTensorType": onnx.TensorProto.FLOAT}
    quantize_dynamic(_read(source), target, weight_type=QuantType.QUInt8, extra_options=extra)


def _fp16(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    onnx.save(convert_float_to_float16(_read(source), keep_io_types=True), target)


def _read(source: Path) -> ModelProto:
    """A network without what its exporter noted of inner tensors: where it knew no type it wrote that there is none,
    and what the tools make of that cannot be loaded."""
    import onnx

    network = onnx.load(source)
    del network.graph.value_info[:]
    return network


KINDS: Mapping[str, Callable[[Path, Path], None]] = {"int8": _int8, "fp16": _fp16}
"""How each kind is made: (an ONNX file, a new one)."""
