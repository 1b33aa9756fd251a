"""`midistems-graph models`: the model library: list, get, add, inspect, remove, verify."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes
from midistems_graph.models import downloads
from midistems_graph.models.adopt import CHECKPOINTS, adopt, candidates, checkpoint
from midistems_graph.models.catalogue import Entry, NotListed, catalogue, listed
from midistems_graph.models.external import register
from midistems_graph.models.library import LibraryError, Model, ModelLibrary, ModelMissing
from midistems_graph.models.manifest import ManifestError, to_data
from midistems_graph.models.obtain import CannotObtain, obtain
from midistems_graph.models.recognise import draft, recognise
from midistems_graph.models.sessions import NetworkError


def work_on_models(options: argparse.Namespace) -> Exit:
    """Do what the second word says; raises Refused."""
    library = ModelLibrary.default()
    try:
        match options.verb:
            case "get":
                return _get(library, options)
            case "add":
                return _add(library, options)
            case "inspect":
                return _inspect(options.file, options.json)
            case "export":
                from midistems_graph.cli.export import export_model

                return export_model(library, options.files, options.config, options.name)
            case "quantise":
                from midistems_graph.cli.quantise import quantise_model

                return quantise_model(library, options.name, options.kinds or ["int8", "fp16"], options.song)
            case "register-tool":
                stems = [stem.strip() for stem in options.stems.split(",")]
                model = register(library, options.name, options.command, stems, options.tool_version)
                print(f"{clean(model.name)} is registered; a graph calls it by the node separate.external")
                return Exit.DONE
            case "remove":
                print(f"{clean(library.remove(options.name))} was removed")
                return Exit.DONE
            case "verify":
                return _verify(library, options.names)
            case _:
                return _list(library, options.json)
    except NotListed as error:
        raise Refused(Exit.USAGE, str(error)) from None
    except (ModelMissing, CannotObtain) as error:
        raise Refused(Exit.MODEL, str(error)) from None
    except LibraryError as error:
        raise Refused(Exit.OUTPUT, str(error)) from None


# list


def _list(library: ModelLibrary, as_json: bool) -> Exit:
    """The models that are here, then those that can be had."""
    here, broken = {}, {}
    for name in library:
        try:
            here[name] = library.find(name)
        except ModelMissing as error:
            broken[name] = str(error)
    if as_json:
        data = [_installed(model) for model in here.values()]
        data += [{"name": name, "state": "broken", "problem": problem} for name, problem in broken.items()]
        data += [_offered(entry) for name, entry in catalogue().items() if name not in here and name not in broken]
        print(json.dumps(data, indent=1))
        return Exit.DONE
    rows = [
        _row(m.name, "here", m.manifest.all_stems, m.nbytes, m.manifest.licence, m.manifest.title)
        for m in here.values()
    ]
    rows += [(name, "broken", "", "", "", problem) for name, problem in broken.items()]
    for entry in catalogue().values():
        if entry.name not in here and entry.name not in broken:
            rows.append(_row(entry.name, _state(entry), entry.stems, entry.nbytes, _short(entry), entry.title))
    head = ("model", "state", "stems", "size", "licence", "title")
    tables.print_rows(head, rows, tables.stdout(), right=(3,))
    return Exit.DONE


def _row(name: str, state: str, stems: tuple[str, ...], nbytes: int, licence: str, title: str) -> tuple[str, ...]:
    return name, state, ", ".join(stems), in_bytes(nbytes) if nbytes else "", licence or "not stated", title


def _state(entry: Entry) -> str:
    return "to convert" if entry.convert else "can be had"


def _short(entry: Entry) -> str:
    return f"{entry.licence}, not commercial" if entry.commercial == "no" else entry.licence


def _installed(model: Model) -> dict[str, Any]:
    it = model.manifest
    facts: dict[str, Any] = {
        "name": model.name,
        "state": "here",
        "title": it.title,
        "contract": it.contract,
        "stems": it.all_stems,
    }
    facts |= {"licence": it.licence, "source": it.source, "bytes": model.nbytes, "folder": str(model.folder)}
    files = [
        {"path": str(path.resolve()), "sha256": each.sha256} for path, each in zip(model.files, it.files, strict=True)
    ]
    return facts | {"files": files}


def _offered(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": entry.name,
        "state": _state(entry),
        "title": entry.title,
        "contract": entry.contract,
    }
    facts |= {"stems": entry.stems, "licence": entry.licence, "commercial": entry.commercial, "source": entry.source}
    facts |= {"bytes": entry.nbytes, "notes": entry.notes, "package": entry.package, "convert": entry.convert}
    scores = {"metric": entry.metric, "published": entry.published, "values": dict(entry.scores)}
    files = [
        {"address": file.address, "file": file.file, "bytes": file.bytes, "sha256": file.sha256} for file in entry.files
    ]
    return facts | {"scores": scores if entry.scores else None, "files": files}


# get


def _get(library: ModelLibrary, options: argparse.Namespace) -> Exit:
    entry = listed(options.name)
    people = tables.stderr()
    for line in _about(entry, options.given):
        people.print(clean(line))
    if options.given is None and entry.name in library and not library.damage(entry.name):
        print(f"{clean(entry.name)} is in the library already: {clean(library.folder / entry.name)}")
        return Exit.DONE
    if entry.commercial != "yes" and not entry.convert and not options.accept_licence:
        _ask(entry)
    with _shown(people) as progress:
        model = obtain(entry, library, given=options.given, progress=progress)
    print(f"{clean(model.name)} is in the library: {clean(model.folder)}")
    return Exit.DONE


def _about(entry: Entry, given: Path | None) -> Iterator[str]:
    """What it is, what it may be used for, how much comes from where; before anything does."""
    yield f"{entry.name}: {entry.title}"
    yield f"  stems    {', '.join(entry.stems)}"
    yield f"  licence  {entry.terms}"
    if entry.files:
        size = in_bytes(entry.nbytes)
        where = f"the Python package {entry.package}" if entry.package else entry.files[0].address
        yield f"  size     {size}, from {given}" if given else f"  size     {size} to download, from {where}"
    yield f"  source   {entry.source}"
    if entry.scores:
        scores = ", ".join(f"{stem} {value:.1f} dB" for stem, value in entry.scores.items())
        yield f"  scores   {scores} ({entry.metric}; says {entry.published})"
    if entry.notes:
        yield f"  note     {entry.notes}"


def _ask(entry: Entry) -> None:
    """Go on only with a yes; raises Refused."""
    if sys.stdin.isatty():
        print("Is that so for what you want to do with it? Type yes to go on: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() == "yes":
            return
        raise Refused(Exit.USAGE, f"{entry.name} was not downloaded")
    raise Refused(
        Exit.USAGE, f"the licence of {entry.name} needs your consent ({entry.terms}); give it with --accept-licence"
    )


@contextmanager
def _shown(console: Console) -> Iterator[downloads.Progress]:
    """Progress of a download on a terminal; elsewhere nothing."""
    if not console.is_terminal:
        yield lambda done, of: None
        return
    columns = TextColumn("downloading"), BarColumn(24), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("", total=None)
        yield lambda done, of: display.update(task, completed=done, total=of)


# add


def _add(library: ModelLibrary, options: argparse.Namespace) -> Exit:
    """Take in files, or all that a folder holds; says of each what it is."""
    chosen: list[Path] = list(options.files)
    if options.from_uvr is not None:
        if not options.from_uvr.is_dir():
            raise Refused(Exit.INPUT, f"--from-uvr: there is no folder {options.from_uvr}")
        chosen += candidates(options.from_uvr)
    if options.name and len(chosen) != 1:
        raise Refused(Exit.USAGE, "--name is for one file; give the others their names by themselves")
    if not chosen:
        raise Refused(Exit.USAGE if options.from_uvr is None else Exit.INPUT, "there is no file of a model to be added")
    done = [adopt(path, library, name=options.name, link=not options.copy) for path in chosen]
    for one in done:
        said = f"{one.state} as {one.model}" if one.model else one.state
        print(clean(f"{one.path.name}: {said}; {one.why}" if one.why else f"{one.path.name}: {said}"))
    if any(one.state in ("added", "here") for one in done):
        return Exit.DONE
    raise Refused(
        Exit.INPUT,
        "nothing was added; midistems-graph models inspect FILE drafts a manifest for what is unclear",
    )


# inspect


def _inspect(path: Path, as_json: bool) -> Exit:
    """What a file is and why; then a manifest, complete or as a draft, that can be written beside it."""
    if path.suffix.lower() in CHECKPOINTS:
        raise Refused(Exit.INPUT, f"{path.name} is no ONNX file: {checkpoint(path.name)}")
    try:
        found = recognise(path)
    except (NetworkError, ManifestError) as error:
        raise Refused(Exit.INPUT, str(error)) from None
    manifest = to_data(draft(found))
    if as_json:
        shapes = {side: [str(tensor) for tensor in getattr(found, side)] for side in ("inputs", "outputs")}
        facts = {"file": str(path), "ready": found.ready, "why": found.why, "gaps": found.gaps}
        print(json.dumps({**facts, **shapes, "manifest": manifest}, indent=1))
        return Exit.DONE
    print(f"# {clean(path.name)} {clean(found.shapes)}")
    print(f"# {clean(found.why)}")
    for gap in found.gaps:
        print(f"# still needed: {clean(gap)}")
    if not found.ready:
        print(f"# complete this, write it to {clean(path.with_suffix('.toml').name)} beside the file, and add the file")
    print(f"\n{tomli_w.dumps(manifest)}", end="")
    return Exit.DONE


# verify


def _verify(library: ModelLibrary, names: list[str]) -> Exit:
    """Reads every file; says what is lost or changed."""
    damaged = False
    chosen = names or list(library)
    for name in chosen:
        problems = library.damage(name)
        damaged |= bool(problems)
        for line in problems or [f"{name} is sound"]:
            print(clean(line))
    if not chosen:
        print(f"there are no models in {clean(library.folder)} yet")
    return Exit.VERIFY if damaged else Exit.DONE
