"""`midistems-graph models`: the model library: list, get, remove, verify."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from midistems_graph.cli import tables
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.plain_text import clean, in_bytes
from midistems_graph.models import downloads
from midistems_graph.models.catalogue import Entry, NotListed, catalogue, listed
from midistems_graph.models.library import LibraryError, Model, ModelLibrary, ModelMissing
from midistems_graph.models.obtain import CannotObtain, obtain


def work_on_models(options: argparse.Namespace) -> Exit:
    """Do what the second word says; raises Refused."""
    library = ModelLibrary.default()
    try:
        match options.verb:
            case "get":
                return _get(library, options)
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
            rows.append(_row(entry.name, "can be had", entry.stems, entry.nbytes, _short(entry), entry.title))
    head = ("model", "state", "stems", "size", "licence", "title")
    tables.print_rows(head, rows, tables.stdout(), right=(3,))
    return Exit.DONE


def _row(name: str, state: str, stems: tuple[str, ...], nbytes: int, licence: str, title: str) -> tuple[str, ...]:
    return name, state, ", ".join(stems), in_bytes(nbytes), licence or "not stated", title


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
        "state": "can be had",
        "title": entry.title,
        "contract": entry.contract,
    }
    facts |= {"stems": entry.stems, "licence": entry.licence, "commercial": entry.commercial, "source": entry.source}
    facts |= {"bytes": entry.nbytes, "notes": entry.notes, "package": entry.package}
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
    if entry.commercial != "yes" and not options.accept_licence:
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
