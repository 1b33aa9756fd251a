"""The demo song that ships with the project: four true stems, and their sum as the mixture.

The stems are Ogg Vorbis files, so the mixture is the sum of the decoded files: what a separator is
asked for is exactly what is in the mixture.
"""

from __future__ import annotations

from pathlib import Path

import blake3
import numpy as np
import platformdirs
import soundfile

from midistems_graph.audio.writing import SoundWriter

NAMES = ("vocals", "drums", "bass", "other")


def demo_folder() -> Path:
    """The folder of the demo song, in an installed package or in a checkout.

    Raises FileNotFoundError if the song is in neither place.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "presets" / "demo", package.parent / "graphs" / "demo"):
        if (folder / f"{NAMES[0]}.ogg").is_file():
            return folder
    raise FileNotFoundError("the demo song is not installed; install midistems-graph again, or run it from a checkout")


def demo_stems() -> dict[str, Path]:
    """The files of the true stems by name: vocals, drums, bass, other."""
    folder = demo_folder()
    return {name: folder / f"{name}.ogg" for name in NAMES}


def write_demo_mixture(path: Path) -> None:
    """Write the sum of the stems as a WAV file of 32-bit floats, unless it is there already.

    The file appears complete or not at all; a hidden note beside it says which stems it was made of and
    what it holds, so that it need not be decoded again. Raises CannotWrite, or OSError where only the note cannot be
    written.
    """
    note, stems = path.with_name(f".{path.name}.note"), list(demo_stems().values())
    if path.is_file() and note.is_file() and note.read_text() == _digest([*stems, path]):
        return
    decoded = [soundfile.read(stem, dtype="float32") for stem in stems]
    mixture = np.sum([samples for samples, _ in decoded], axis=0).T
    with SoundWriter(path, rate=decoded[0][1], channels=len(mixture), frames=mixture.shape[1]) as writer:
        writer.write(mixture)
    note.write_text(_digest([*stems, path]))


def demo_path() -> Path:
    """Where the mixture lies once it was asked for."""
    return platformdirs.user_cache_path("midistems-graph") / "demo" / "Demo.wav"


def demo_mixture() -> Path:
    """The mixture as a file of the user's cache, made when it is first asked for. Raises OSError or CannotWrite."""
    path = demo_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_demo_mixture(path)
    return path


def _digest(files: list[Path]) -> str:
    return blake3.blake3(b"".join(blake3.blake3(file.read_bytes()).digest() for file in files)).hexdigest()
