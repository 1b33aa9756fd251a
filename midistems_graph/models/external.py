"""Separation programs that the user has registered: they run in their own environment, and their stems come back.

A registered program is a model of the library like any other, with the contract `external` and one file,
`command.json`: the words of its command line, in which `{input}` stands for the song's file and `{output}` for the
folder where it is to write. Only the user's own command line registers one. A graph can name it and nothing else; files
that are added, got or recognised never bring a command.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.files import SoundFileError, is_sound, open_sound
from midistems_graph.audio.resample import resample
from midistems_graph.audio.stem_names import canonical, in_file_name
from midistems_graph.audio.values import Audio, Stems
from midistems_graph.models.library import LibraryError, Model, ModelLibrary
from midistems_graph.models.manifest import Manifest, ManifestError, ModelFile
from midistems_graph.node.contract import NodeError, Run

CONTRACT = "external"
COMMAND = "command.json"
INPUT, OUTPUT = "{input}", "{output}"
POLL = 0.1
"""Seconds between two looks whether the run is to stop."""


def register(library: ModelLibrary, name: str, words: Sequence[str], stems: Sequence[str], version: str) -> Model:
    """Put a program into the library. Raises LibraryError for a command that could not work."""
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise LibraryError(f"there is no program {words[0] if words else ''!r} here; give its full path")
    for needed, meaning in ((INPUT, "the song's file"), (OUTPUT, "the folder for its stems")):
        if not any(needed in word for word in words):
            raise LibraryError(f"the command does not say where {meaning} goes; write {needed} in its place")
    names = tuple(map(canonical, stems))
    try:
        manifest = Manifest(
            name,
            CONTRACT,
            names,
            (ModelFile(COMMAND),),
            title=f"{Path(words[0]).name}, an external program",
            complete=False,
            parameters={"tool_version": version},
        )
    except ManifestError as error:
        raise LibraryError(str(error)) from None
    with library.workshop() as made:
        (made / COMMAND).write_text(json.dumps([str(Path(program).absolute()), *words[1:]], indent=1))
        return library.add(manifest, {COMMAND: made / COMMAND}, link=False)


def separate(model: Model, mixture: Audio, run: Run) -> Stems:
    """Have a registered program separate sound; returns its stems in the order in which they were registered.

    Raises
    ------
    NodeError
        When the program fails, or does not give the stems that it was registered with.
    Cancelled
        When the run is to stop; the program is ended.
    """
    if model.manifest.contract != CONTRACT:
        raise NodeError(f"the model {model.name!r} is no external program; use the node separate.network for it")
    words = _words(model)
    with tempfile.TemporaryDirectory(prefix="midistems-") as scratch:
        song, out = Path(scratch, "song.wav"), Path(scratch, "stems")
        out.mkdir()
        soundfile.write(song, mixture.samples.T, mixture.rate, subtype="FLOAT")
        _run([word.replace(INPUT, str(song)).replace(OUTPUT, str(out)) for word in words], model.name, scratch, run)
        files = _files(out, model)
        return Stems({stem: _read(path, mixture, run.warn) for stem, path in files.items()})


def _words(model: Model) -> list[str]:
    try:
        words = json.loads(model.files[0].read_bytes())
    except (OSError, ValueError):
        words = None
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise NodeError(f"the command of {model.name!r} is damaged; register it again")
    return words


def _run(words: Sequence[str], name: str, folder: str, run: Run) -> None:
    """Run a program to its end in a folder of its own; what it prints is kept for the case that it fails."""
    with Path(folder, "said").open("w+b") as said:
        try:
            child = subprocess.Popen(
                words,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NodeError(f"{name} cannot be started ({error.strerror}): {words[0]}; register it again") from None
        try:
            while not _is_over(child):
                run.check()
        except BaseException:
            _end(child)
            raise
        if child.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            raise NodeError(f"{name} ended with code {child.returncode}: {last[:300]}")


def _is_over(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(POLL)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a program and what it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def _files(folder: Path, model: Model) -> dict[str, Path]:
    """The file of each stem, by what its name speaks of."""
    there = [path for path in sorted(folder.rglob("*")) if is_sound(path)]
    found = {canonical(in_file_name(path.stem)): path for path in there}
    lost = [stem for stem in model.manifest.stems if stem not in found]
    if lost:
        has = ", ".join(path.name for path in there) or "no sound file"
        raise NodeError(
            f"{model.name} gave {has}, and none of that is {lost[0]!r}; register it with the stems that it really gives"
        )
    return {stem: found[stem] for stem in model.manifest.stems}


def _read(path: Path, mixture: Audio, warn: Callable[[str], None]) -> Audio:
    """A stem as long, as fast and as wide as the mixture; what had to be changed is said."""
    try:
        with open_sound(path) as file:
            audio = Audio.of(file.read(), file.rate)
    except SoundFileError as error:
        raise NodeError(str(error)) from None
    if audio.rate != mixture.rate:
        warn(f"{path.name} came back at {audio.rate} Hz and was resampled to {mixture.rate} Hz")
        audio = resample(audio, mixture.rate)
    samples = audio.samples
    if samples.shape[0] == 1 < mixture.channels:
        warn(f"{path.name} came back in mono")
        samples = np.repeat(samples, mixture.channels, axis=0)
    if samples.shape[0] != mixture.channels:
        raise NodeError(f"{path.name} has {samples.shape[0]} channels, and the song has {mixture.channels}")
    frames, came = mixture.span.frames, samples.shape[1]
    if came != frames:
        done = (
            f"{came - frames} samples too long and was cut" if came > frames else f"{frames - came} samples too short"
        )
        warn(f"{path.name} came back {done}")
        samples = np.pad(samples[:, :frames], ((0, 0), (0, max(0, frames - came))))
    return mixture.with_samples(samples)
