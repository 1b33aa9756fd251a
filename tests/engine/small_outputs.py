"""What tests of output folders write and look at."""

from __future__ import annotations

from pathlib import Path

from midistems_graph.engine.outputs import Output, SongOutputs
from midistems_graph.engine.receipt import RECEIPT


def save(song: SongOutputs, content: str, stem: str = "vocals", node: str = "save", key: str = "k") -> Output:
    """One writer with one output; its Output."""
    writer = song.writer(node, key)
    with writer.output(stem, "wav") as file:
        file.path.write_text(content)
    writer.done()
    return song.outputs[-1]


def files(out: Path) -> dict[str, str]:
    """What lies in the folder beside the receipt, hidden files included."""
    found = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()}
    return {name: text for name, text in found.items() if name != RECEIPT}
