"""`midistems-graph models export`: a model from checkpoints of PyTorch, and how well it agrees with them."""

from __future__ import annotations

from pathlib import Path

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes
from midistems_graph.models.library import ModelLibrary
from midistems_graph.models.manifest import ManifestError
from midistems_graph.models.recognise import model_name
from midistems_graph.models.sessions import NetworkError


def export_model(library: ModelLibrary, paths: list[Path], config: Path | None, name: str) -> Exit:
    """Convert, then print what was stored and its agreement; raises Refused and LibraryError."""
    try:
        from midistems_graph.models.export.base import CannotExport
        from midistems_graph.models.export.convert import export
    except ImportError as error:
        raise Refused(
            Exit.NODE,
            f"converting needs the package {error.name}, in an environment of its own: pip install "
            "'midistems-graph[export]' there, and run this line again",
        ) from None
    try:
        made = export(paths, config, name or model_name(paths[0]), library)
    except (CannotExport, ManifestError, NetworkError) as error:
        raise Refused(Exit.INPUT, str(error)) from None
    model = made.model
    print(clean(f"{model.name} is in the library: {model.folder} ({made.title}, {in_bytes(model.nbytes)})"))
    rows = []
    for each in made.agreements:
        original = "-" if each.original is None else f"{each.original:.1f} dB"
        rows.append((each.stem, f"{each.network:.1f} dB", original))
    head = ("difference in", "same tensors in PyTorch", "the original as a whole")
    tables.print_rows(head, rows, tables.stdout(), right=(1, 2))
    return Exit.DONE
