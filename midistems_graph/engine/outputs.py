"""The output folder of a run: files appear whole or not at all, and nobody's work is overwritten.

    folder = OutputFolder(Path("out"), inputs=[song_file])   # one per run of the program, for all its threads
    song = folder.song("Demo", song_digest)
    if song.current("save", key) is None:
        writer = song.writer("save", key)
        with writer.output("vocals", "wav") as file:
            ...                                              # writes `file.path`, hidden beside the final one
        writer.done()
    song.finish(graph=..., graph_hash=..., inputs=..., scores=..., libraries=...)

What becomes of a file that already has the wanted name:

    the same content                       stays: `up to date`
    ours (same song and stem, of this node
      or of one that the run has no more)
      and unchanged since, by the receipt  `replaced`
    anything else                          stays; the new one is `name (2).wav`: `numbered`

That is `auto`. Of files with another content `keep` keeps all and drops the new one, `number` numbers the new one,
`replace` replaces them, `fail` refuses. Two outputs of one run never share a file under any of them. A file that was
numbered is found again by the next run, through the receipt, so that nothing multiplies.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from midistems_graph.audio.files import file_digest
from midistems_graph.audio.writing import CannotWrite as CannotWrite
from midistems_graph.audio.writing import sync
from midistems_graph.engine.naming import FOLDER, check_template, folded, number_of, numbered, path_for
from midistems_graph.engine.naming import OutputRefused as OutputRefused
from midistems_graph.engine.receipt import RECEIPT, Entry, Receipt
from midistems_graph.engine.receipt_book import LOCK, LOG, MADE, Book
from midistems_graph.engine.unfinished import Unfinished, make, real, refusals, refusals_inside
from midistems_graph.node.contract import OutputFile

OnExist = Literal["auto", "keep", "number", "replace", "fail"]
OUR_OWN = (RECEIPT, LOCK, MADE, LOG)
"""Names in an output folder that no output gets."""

Status = Literal["written", "up to date", "kept", "numbered", "replaced"]


@dataclass(frozen=True)
class Output:
    """What became of one output: `path` is the file that is there now, `digest` the blake3 of its content.

    `figures` is what the writer measured, now or when it wrote the file.
    """

    song: str
    node: str
    stem: str
    path: Path
    status: Status
    digest: str
    figures: Mapping[str, float] = field(default_factory=dict, hash=False)


class OutputFolder:
    """The folder that a run writes into, and nothing beyond it.

    template    name template of the command line; it wins over those of the graph
    inputs      files and folders bound to the run: none of them may be written
    receipt     whether a receipt is kept there; without one no earlier file counts as ours, so none is replaced

    Leaves no trace until the first output. Raises CannotWrite if the folder cannot be made or written and
    OutputRefused for a template that leads out of it, or if it lies in an input folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        template: str | None = None,
        on_exist: OnExist = "auto",
        inputs: Collection[Path] = (),
        receipt: bool = True,
    ) -> None:
        self.folder = folder
        self.template = template or ""
        self.on_exist = on_exist
        check_template(self.template)
        self._inputs = tuple(inputs)
        self.receipt = RECEIPT if receipt else ""
        self._unkept = Receipt()
        self._open: Receipt | None = None
        self._lock = threading.RLock()
        self._claims: set[str] = set()
        self.claim(())
        with refusals(folder):
            self._root = real(folder)
            self._book = Book(self._root)
            self._refuse_input(self._root, str(folder))
        self._unfinished = Unfinished(self._lock)
        with self._unfinished.file(self._root, "probe", shown=folder):
            pass

    def song(self, name: str, digest: str, nodes: Collection[str] = (), place: str = "") -> SongOutputs:
        """The outputs of one song; `digest` tells it from others of the same name, `nodes` are those of the run.

        `place` is what `{folder}` stands for in templates, with `/`.
        """
        return SongOutputs(self, name, digest, nodes, place)

    def settle(self) -> None:
        """Make the receipt one file again, at the end of a run of many songs. Raises CannotWrite."""
        if self.receipt:
            with self._lock, refusals(self.folder / RECEIPT):
                self._book.settle()

    def claim(self, paths: Collection[str]) -> None:
        """Only these, relative ones, are files of this run so far: other processes that work on it wrote them."""
        with self._lock:
            self._claims = {folded(PurePosixPath(name)) for name in (*OUR_OWN, *paths)}

    @contextmanager
    def at_once(self, problems: list[str]) -> Iterator[None]:
        """Within, the receipt is read once and written once, whatever happens to it; other threads wait.

        Raises CannotWrite.
        """
        with self._lock, refusals(self.folder / RECEIPT):
            make(self._root)
            with self._receipt(problems) as receipt:
                self._open = receipt
                try:
                    yield
                finally:
                    self._open = None

    @contextmanager
    def _receipt(self, problems: list[str]) -> Iterator[Receipt]:
        """The folder's receipt, to be changed, or one that is forgotten with the run."""
        if self._open is not None:
            yield self._open
        elif self.receipt:
            with self._book.updated(problems) as receipt:
                yield receipt
        else:
            yield self._unkept

    @contextmanager
    def _part(self, wanted: PurePosixPath, extension: str) -> Iterator[Path]:
        """A hidden file beside one to come. Raises OutputRefused if that leads out of the folder or is an input."""
        target, shown = self._root / wanted, self.folder / wanted
        with refusals(shown):
            if not real(target.parent).is_relative_to(self._root):
                raise OutputRefused(
                    f"{wanted} would leave {self.folder} through a link; choose another name or folder."
                )
            self._refuse_input(target, str(shown))
        with self._unfinished.file(target.parent, extension, shown) as part:
            yield part

    def _refuse_input(self, target: Path, shown: str) -> None:
        if self._is_input(target):
            raise OutputRefused(f"{shown} is an input of this run, or in one; choose another name or folder.")

    def _is_input(self, target: Path) -> bool:
        where = real(target)
        for bound in self._inputs:
            with suppress(FileNotFoundError):
                if target.samefile(bound):
                    return True
            if bound.is_dir() and where.is_relative_to(real(bound)):
                return True
        return False

    def _place(
        self, part: Path, wanted: PurePosixPath, entry: Entry, extension: str, song: SongOutputs
    ) -> tuple[PurePosixPath, Status]:
        """Give a finished file its name and its entry in the receipt."""
        problems = song.problems
        with self._lock, self._receipt(problems) as receipt:
            own = self._own(receipt, wanted, entry, extension, song.nodes)
            path, status = self._choose(receipt, wanted, entry, extension, own)
            if status == "kept":
                problems.append(f"{path} exists with another content and was kept; the new one was dropped.")
                return path, status
            if status == "numbered" and folded(wanted) in self._claims:
                problems.append(f"Two outputs of this run are called {wanted}; the second one is {path}.")
            elif status == "numbered":
                problems.append(f"{wanted} is another song's or node's, or was changed, and stays; the new: {path}.")
            if status != "up to date":
                part.replace(self._root / path)
                sync(self._root / path.parent)
            receipt.outputs[str(path)] = entry
            self._claims.add(folded(path))
            return path, status

    def _choose(
        self, receipt: Receipt, wanted: PurePosixPath, entry: Entry, extension: str, own: list[PurePosixPath]
    ) -> tuple[PurePosixPath, Status]:
        """The first that fits: this output's own files of earlier runs, the wanted name, that name numbered."""
        for path in own:
            if self._holds(path, entry.digest, entry.bytes):
                return path, "up to date"
            old = receipt.outputs[str(path)]
            unchanged = self._holds(path, old.digest, old.bytes)
            if not unchanged:
                del receipt.outputs[str(path)]  # gone, or no longer what we wrote
            if os.path.lexists(self._root / path) and (status := self._instead(path, unchanged, mine=True)):
                return path, status
        for path in numbered(wanted, extension):
            if folded(path) in self._claims:
                continue
            if not os.path.lexists(self._root / path):
                return path, "written" if path == wanted else "numbered"
            if self._holds(path, entry.digest, entry.bytes):
                return path, "up to date"
            if status := self._instead(path, unchanged=False, mine=path == wanted):
                return path, status
        raise AssertionError("numbers do not end")

    def _own(
        self, receipt: Receipt, wanted: PurePosixPath, entry: Entry, extension: str, nodes: Collection[str]
    ) -> list[PurePosixPath]:
        """What earlier runs left of this song and stem under the wanted name, numbered or not: this node's first.

        Then what was left by nodes that the graph has no more, or calls otherwise now.
        """
        paths = {}
        for text, old in receipt.outputs.items():
            mine = old.node == entry.node
            if (old.song, old.stem) == (entry.song, entry.stem) and (mine or old.node not in nodes):
                path = PurePosixPath(text)
                number = number_of(path, wanted, extension)
                if number and folded(path) not in self._claims:
                    paths[path] = (not mine, number)
        return sorted(paths, key=paths.__getitem__)

    def _instead(self, path: PurePosixPath, unchanged: bool, mine: bool) -> Status | None:
        """What the policy says about a file with another content; None: leave it and try the next name.

        unchanged    it is ours and has the content that we gave it
        mine         it has the name that was asked for, or once was ours
        """
        if self.on_exist == "fail":
            raise OutputRefused(f"{self.folder / path} exists with another content, and existing files are to stay.")
        target = self._root / path
        if target.is_symlink() or not target.is_file() or self._is_input(target):
            return None
        if self.on_exist == "keep":
            return "kept"
        replaces = unchanged if self.on_exist == "auto" else mine and self.on_exist == "replace"
        return "replaced" if replaces else None

    def _holds(self, path: PurePosixPath, digest: str, nbytes: int) -> bool:
        """Whether a plain file inside the folder has this content."""
        target = self._root / path
        try:
            inside = real(target.parent).is_relative_to(self._root)
            plain = inside and target.is_file() and not target.is_symlink()
            return plain and target.stat().st_size == nbytes and file_digest(target) == digest
        except OSError:
            return False


class SongOutputs:
    """The outputs of one song.

    nodes       addresses of the nodes of this run, whose files no other of its nodes takes
    outputs     what became of each, in the order in which they were finished
    problems    sentences about what did not go as plainly as asked: kept, numbered, a damaged receipt
    """

    def __init__(self, folder: OutputFolder, name: str, digest: str, nodes: Collection[str], place: str) -> None:
        self.name, self.digest, self.nodes, self.place = name, digest, nodes, place
        self.outputs: list[Output] = []
        self.problems: list[str] = []
        self._folder = folder
        self._left: dict[str, str] = {}  # relative path -> digest of what is there through this run

    def current(self, node: str, key: str, template: str = "") -> list[Output] | None:
        """The files of a writer that had written everything under this key, if all are there unchanged; else None.

        `template` is what the node asks for.
        They are then outputs of this run (`up to date`), which no other output of it may take. Writes nothing.
        """
        folder = self._folder
        with folder._lock:
            receipt = folder._book.read()[0] if folder.receipt else folder._unkept
            whose = (self.digest, self.name, node, key, self._called(template))
            found = {
                path: entry
                for path, entry in receipt.outputs.items()
                if entry.key and (entry.song, entry.song_name, entry.node, entry.key, entry.template) == whose
            }
            if not found or not all(folder._holds(PurePosixPath(p), e.digest, e.bytes) for p, e in found.items()):
                return None
            return [self._add(PurePosixPath(path), "up to date", entry) for path, entry in sorted(found.items())]

    def held_bytes(self) -> int:
        """How much the files of this song take that are there by the receipt."""
        folder = self._folder
        with folder._lock:
            receipt = folder._book.read()[0] if folder.receipt else folder._unkept
        return sum(entry.bytes for entry in receipt.outputs.values() if entry.song == self.digest)

    def writer(self, node: str, key: str, template: str = "") -> NodeOutputs:
        """Where a node that writes puts its files. `template` is what the node asks for; the folder's own wins."""
        return NodeOutputs(self._folder, self, node, key, self._folder.template or template)

    def finish(
        self,
        *,
        graph: Mapping[str, Any],
        graph_hash: str,
        inputs: Mapping[str, str],
        scores: Mapping[str, Any],
        libraries: Mapping[str, str],
        trace: Mapping[str, Any] | None = None,
    ) -> None:
        """Put the song into the receipt: the graph, the digests of its inputs, scores, versions, and what the run held.

        Raises CannotWrite.
        """
        root = self._folder._root
        with self._folder._lock, refusals(self._folder.folder / RECEIPT):
            make(root)
            with self._folder._receipt(self.problems) as receipt:
                self._amend(receipt, self._left, graph=graph_hash)
                receipt.add_song(
                    self.digest,
                    self.name,
                    graph=graph,
                    graph_hash=graph_hash,
                    inputs=inputs,
                    scores=scores,
                    libraries=libraries,
                    trace=trace,
                )

    def _called(self, template: str) -> str:
        """What an entry keeps of the template: that of the command line, and which folder it stands for here."""
        chosen = self._folder.template or (template if FOLDER in template else "")
        return chosen.replace(FOLDER, self.place)

    def _amend(self, receipt: Receipt, left: Mapping[str, str], *, key: str = "", graph: str = "") -> None:
        """Add key or graph to the entries of files that are still as this run left them."""
        for path, digest in left.items():
            entry = receipt.outputs.get(path)
            if entry and (entry.song, entry.digest) == (self.digest, digest):
                receipt.outputs[path] = replace(entry, key=key or entry.key, graph=graph or entry.graph)

    def _add(self, path: PurePosixPath, status: Status, entry: Entry) -> Output:
        target = self._folder.folder / path
        digest = file_digest(target) if status == "kept" else entry.digest
        figures = {} if status == "kept" else entry.figures
        output = Output(self.name, entry.node, entry.stem, target, status, digest, figures)
        with self._folder._lock:
            if status != "kept":
                self._folder._claims.add(folded(path))
                self._left[str(path)] = digest
            if output not in self.outputs:
                self.outputs.append(output)
        return output


class NodeOutputs:
    """The files of one writer for one song. Call `done` when the node has written them all."""

    def __init__(self, folder: OutputFolder, song: SongOutputs, node: str, key: str, template: str) -> None:
        self._folder, self._song, self._node, self._key, self._template = folder, song, node, key, template
        self._outputs: list[tuple[PurePosixPath, Output]] = []

    @contextmanager
    def output(self, stem: str, extension: str) -> Iterator[OutputFile]:
        """A file to write, hidden beside the final one, which becomes that file when the block ends well.

        However else the block ends, nothing is left of
        the file and of folders made for it.

        Raises OutputRefused if the name may not be used, and CannotWrite if the disk or the folder refuses.
        """
        song = self._song
        values = {"song": song.name, "stem": stem, "node": self._node, "folder": song.place}
        wanted = path_for(self._template, values, extension)
        shown = self._folder.folder / wanted
        with self._folder._part(wanted, extension) as part:
            file = OutputFile(part, receipt=self._folder.receipt)
            with refusals_inside(part, shown):
                yield file
            with refusals(shown):
                sync(part)
                entry = Entry(
                    song=song.digest,
                    song_name=song.name,
                    node=self._node,
                    stem=stem,
                    digest=file_digest(part),
                    bytes=part.stat().st_size,
                    template=song._called(self._template),
                    figures={name: float(value) for name, value in file.figures.items()},
                )
                path, status = self._folder._place(part, wanted, entry, extension, song)
                self._outputs.append((path, song._add(path, status, entry)))
                file.placed = self._folder._root / path

    def take(self, made: Path, wanted: PurePosixPath, entry: Entry) -> Output:
        """A finished file that another process wrote beside its own receipt, which says `entry` of it.

        It is moved to its name here. Raises OutputRefused and CannotWrite.
        """
        folder, extension = self._folder, wanted.suffix or ".x"
        with folder._part(wanted, extension) as part, refusals(folder.folder / wanted):
            made.replace(part)
            bare = replace(entry, key="", graph="")
            path, status = folder._place(part, wanted, bare, extension, self._song)
            self._outputs.append((path, self._song._add(path, status, bare)))
        return self._outputs[-1][1]

    def done(self) -> None:
        """Note in the receipt that everything was written, so that `current` finds it. Raises CannotWrite.

        Not noted if a file was dropped in favour of an older one.
        """
        if not self._outputs or any(output.status == "kept" for _, output in self._outputs):
            return
        left = {str(path): output.digest for path, output in self._outputs}
        folder, song = self._folder, self._song
        with folder._lock, refusals(folder.folder / RECEIPT), folder._receipt(song.problems) as receipt:
            song._amend(receipt, left, key=self._key)
