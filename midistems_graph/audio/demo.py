"""The demo song that ships with the project: four true stems, and their sum as the mixture.

The stems are Ogg Vorbis files, so the mixture is the sum of the decoded files: what a separator is
asked for is exactly what is in the mixture.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

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

    The file appears complete or not at all. Raises OSError if the folder cannot be written to.
    """
    decoded = [soundfile.read(stem, dtype="float32") for stem in demo_stems().values()]
    mixture = np.sum([samples for samples, _ in decoded], axis=0)
    rate = decoded[0][1]
    if _holds(path, mixture, rate):
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            soundfile.write(file, mixture, rate, format="WAV", subtype="FLOAT")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _holds(path: Path, samples: np.ndarray[tuple[int, int], np.dtype[np.float32]], rate: int) -> bool:
    try:
        there, its_rate = soundfile.read(path, dtype="float32")
    except (soundfile.LibsndfileError, OSError):
        return False
    return bool(its_rate == rate and np.array_equal(there, samples))
