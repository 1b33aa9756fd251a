"""midistems-graph: the editor, node library, graph files, models, store, installation.

Files, or nothing at all, open the editor; a word does its work, whose modules are imported when it is asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from midistems_graph import __version__
from midistems_graph.cli import codes
from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.run_graph import Parser, binding, count, size, window

WORDS = ("nodes", "graph", "sweep", "bake", "ablate", "models", "cache", "worker", "doctor")


def parser() -> argparse.ArgumentParser:
    """The command line of midistems-graph."""
    it = Parser(
        prog="midistems-graph",
        usage="midistems-graph [-h] [--version] [GRAPH] [SONG]\n       midistems-graph WORD ...",
        description="Open the editor on a graph file and a song, or look at node types, graph files, models and the "
        "store. Graphs are run without a window by run-graph.",
        epilog=codes.as_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    it.add_argument("--version", action="version", version=f"midistems-graph {__version__}")
    words = it.add_subparsers(dest="word", metavar="WORD", prog="midistems-graph")

    nodes = words.add_parser("nodes", help="list the node types, or show the help of one")
    nodes.add_argument("type", nargs="?", metavar="TYPE", help="such as separate.hpss")
    nodes.add_argument("--json", action="store_true", help="as JSON")

    graph = words.add_parser("graph", help="check, convert, compare and draw graph files")
    verbs = graph.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="say all that is wrong with a graph, and what is hardly meant so")
    check.add_argument("file", metavar="GRAPH")
    convert = verbs.add_parser("convert", help="write a graph as another file (.json or .mgraph), losing nothing")
    convert.add_argument("file", metavar="A")
    convert.add_argument("target", metavar="B", type=Path)
    diff = verbs.add_parser("diff", help="say what changed from one graph to another")
    diff.add_argument("file", metavar="A")
    diff.add_argument("other", metavar="B")
    show = verbs.add_parser("show", help="draw a graph")
    show.add_argument("file", metavar="GRAPH")
    show.add_argument("--format", choices=("text", "svg", "dot", "mermaid"), default="text")
    show.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of stdout")

    export = verbs.add_parser("export", help="write a graph as a Python script, which may be edited, run, and named "
        "wherever a graph file is named")  # fmt: skip
    export.add_argument("file", metavar="GRAPH")
    export.add_argument("--python", action="store_true", required=True, help="as Python, the only notation so far")
    export.add_argument("-o", "--output", type=Path, metavar="FILE", help="write there instead of stdout")
    foreign = verbs.add_parser("import", help="make a graph of an ensemble preset of audio-separator, or of a "
        "workflow of pymss or ComfyUI")  # fmt: skip
    foreign.add_argument("file", metavar="FILE", type=Path)
    foreign.add_argument("--preset", default="", metavar="NAME", help="which one, where the file holds several")
    foreign.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the graph file to write")
    made = verbs.add_parser("from", help="give back the graph that made an output, from the receipt beside it")
    made.add_argument("file", metavar="OUTPUT")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="a graph file to write instead of stdout")
    _add_searches(words)

    models = words.add_parser("models", help="trained networks: list, get, add, inspect, export, quantise, remove, "
        "verify")  # fmt: skip
    tasks = models.add_subparsers(dest="verb", metavar="VERB")
    models.set_defaults(json=False)
    listing = tasks.add_parser("list", help="those that are here and those that can be had (also without any VERB)")
    listing.add_argument("--json", action="store_true", help="as JSON")
    get = tasks.add_parser("get", help="get one of the catalogue; its licence and size are shown first")
    get.add_argument("name", metavar="NAME")
    get.add_argument("--from", type=Path, dest="given", metavar="FILE", help="the file, or the folder of the files, "
        "that would be downloaded otherwise")  # fmt: skip
    get.add_argument("--accept-licence", action="store_true", help="consent to a licence that forbids commercial use, "
        "or of which that is not known")  # fmt: skip
    add = tasks.add_parser("add", help="take in ONNX files of yours, or what other programs have downloaded")
    add.add_argument("files", nargs="*", type=Path, metavar="FILE")
    add.add_argument("--from-uvr", type=Path, metavar="FOLDER", help="all models in a folder of Ultimate Vocal "
        "Remover, audio-separator, MSST or the like")  # fmt: skip
    add.add_argument("--name", default="", help="what a single file is to be called")
    add.add_argument("--copy", action="store_true", help="copy the files instead of linking to where they are")
    inspect = tasks.add_parser("inspect", help="say what an ONNX file is and why, and draft its manifest")
    inspect.add_argument("file", type=Path, metavar="FILE")
    inspect.add_argument("--json", action="store_true", help="as JSON")
    export = tasks.add_parser("export", help="convert checkpoints of PyTorch; needs the extra export")
    export.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the checkpoints of one model, or a Python "
        "file that builds a network, with its manifest beside it")  # fmt: skip
    export.add_argument("--config", type=Path, metavar="FILE", help="the network's configuration (default: the .yaml "
        "of its name beside it)")  # fmt: skip
    export.add_argument("--name", default="", help="what the model is to be called")
    quantise = tasks.add_parser("quantise", help="make smaller versions, and measure on a song what they cost")
    quantise.add_argument("name", metavar="NAME")
    quantise.add_argument("--to", action="append", choices=("int8", "fp16"), dest="kinds", help="only this (default: "
        "both)")  # fmt: skip
    quantise.add_argument("--song", default="demo", metavar="FILE", help="what to measure on (default: demo)")
    tool = tasks.add_parser("register-tool", help="let another separation program take part, by a name")
    tool.add_argument("name", metavar="NAME")
    tool.add_argument("--stems", required=True, metavar="A,B", help="what it gives, such as vocals,instrumental")
    tool.add_argument(
        "--tool-version", default="", metavar="TEXT", help="its version: another one makes its stems again"
    )
    tool.add_argument("command", nargs="+", metavar="-- COMMAND", help="its command line; {input} stands for the song, "
        "{output} for the folder of its stems")  # fmt: skip
    remove = tasks.add_parser("remove", help="delete one; files that it links to stay")
    remove.add_argument("name", metavar="NAME")
    verify = tasks.add_parser("verify", help="read every file and compare its SHA-256")
    verify.add_argument("names", nargs="*", metavar="NAME", help="only these")

    cache = words.add_parser("cache", help="the store of intermediate results: size, limit, why, clear, verify")
    tasks = cache.add_subparsers(dest="verb", metavar="VERB")
    tasks.add_parser("size", help="say how full it is (also without any VERB)")
    limit = tasks.add_parser("limit", help="set how much of the disk it may take, from now on")
    limit.add_argument("size", type=size, metavar="SIZE", help="such as 20G or 1T")
    why = tasks.add_parser("why", help="say what the last results of a node were made from")
    why.add_argument("node", metavar="NODE")
    clear = tasks.add_parser("clear", help="delete all results, or those of one song")
    clear.add_argument("--song", type=Path, metavar="FILE")
    tasks.add_parser("verify", help="read every result and drop damaged ones")
    cache.set_defaults(cache_dir=None)
    for place in (cache, *tasks.choices.values()):  # before or after the verb; SUPPRESS: the inner one forgets no outer
        place.add_argument("--cache-dir", type=Path, metavar="FOLDER", default=argparse.SUPPRESS,
                           help="another store than the default one")  # fmt: skip

    worker = words.add_parser("worker", help="serve a Dask cluster with this machine, one song at a time")
    worker.add_argument("address", metavar="ADDRESS", help="of the scheduler, such as tls://host:8786")
    worker.add_argument("--jobs", type=count, default=0, metavar="N", help="threads (default: all cores)")
    worker.add_argument("--memory", type=size, default=0, metavar="SIZE", help="limit of memory, such as 8G; a "
        "song that wants more is tried again (default: of this machine's, the share of its threads)")  # fmt: skip
    worker.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="the store of intermediate results")
    worker.add_argument(
        "--name", default="", help="what this worker is called in messages (default: the machine's name)"
    )
    words.add_parser("doctor", help="say what is installed where")
    return it


def _add_searches(words: argparse._SubParsersAction[Parser]) -> None:
    """The words that try a graph in many variants."""
    sweep = words.add_parser("sweep", help="vary knobs, score every point, show what quality costs")
    ablate = words.add_parser("ablate", help="switch every node off in turn, show what it contributes")
    for search, folder in ((sweep, "sweep"), (ablate, "ablation")):
        add = search.add_argument
        add("graph", metavar="GRAPH", help="a graph file or a preset's name")
        add("songs", nargs="+", metavar="SONG", help="a sound file, a folder, a quoted pattern, or demo")
        add("--score", action="append", required=True, metavar="FIGURE", help="what counts: si_sdr, node.figure or "
            "node.row.figure, with :min where low is good; the first one decides")  # fmt: skip
        add("-o", "--output", type=Path, default=Path(folder), metavar="FOLDER",
            help=f"where table, page and journal go; the same search goes on there (default: {folder})")  # fmt: skip
        add("--reference", type=Path, metavar="FOLDER", help="true stems to compare with")
        add("--input", action="append", default=[], metavar="NAME=FILE", help="bind another input")
        add("--set", action="append", default=[], metavar="NODE.KNOB=VALUE", dest="settings", help="set a knob")
        add("--window", type=window, metavar="START:END", help="only this stretch of every song")
        add("--jobs", type=count, default=0, metavar="N", help="threads (default: all cores)")
        add("--cache-dir", type=Path, metavar="FOLDER", help="the store of intermediate results")
        add("--no-cache", action="store_true", help="use a temporary store, which is deleted afterwards")
    add = sweep.add_argument
    add("--vary", action="append", required=True, metavar="NODE.KNOB=VALUES", help="a,b,c or low:high:count")
    add("--method", choices=("grid", "random", "optimise"), default="grid", help="grid: every combination; random: "
        "--points of them; optimise: --points one after another, each where the ones before promise most")  # fmt: skip
    add("--points", type=count, metavar="N", help="how many, with random and optimise")
    add("--seed", type=int, default=0, metavar="N", help="of chance (default: 0)")
    bake = words.add_parser("bake", help="write the graph of a sweep with its best settings")
    bake.add_argument("folder", type=Path, metavar="FOLDER", help="of the sweep")
    bake.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the graph file to write")
    bake.add_argument("--point", type=int, metavar="N", help="this point of the table instead")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or not (arguments[0].startswith("-") or arguments[0] in WORDS):
        return _opened(arguments)
    try:
        options = parser().parse_args(arguments)
        if "input" in options:
            options.input = dict(map(binding, options.input))
    except SystemExit as ended:  # --help and --version
        return int(ended.code or 0)
    except Refused as refused:
        return _refused(refused)
    try:
        from midistems_graph.cli.guard import guarded

        return guarded(lambda: _work(options), _refused)
    except KeyboardInterrupt:  # before the guard stood
        return Exit.CANCELLED


def _opened(files: Sequence[str]) -> int:
    from midistems_graph.cli.guard import guarded
    from midistems_graph.cli.window import open_editor

    return guarded(lambda: open_editor(files), _refused)


def _work(options: argparse.Namespace) -> Exit:
    match options.word:
        case "nodes":
            from midistems_graph.cli.nodes import print_nodes

            return print_nodes(options.type, options.json)
        case "graph":
            from midistems_graph.cli.graphs import work_on_graphs

            return work_on_graphs(options)
        case "sweep":
            from midistems_graph.cli.sweep import sweep

            return sweep(options)
        case "bake":
            from midistems_graph.cli.sweep import bake

            return bake(options)
        case "ablate":
            from midistems_graph.cli.ablate import ablate

            return ablate(options)
        case "models":
            from midistems_graph.cli.models import work_on_models

            return work_on_models(options)
        case "cache":
            from midistems_graph.cli.cache import work_on_store

            return work_on_store(options)
        case "worker":
            from midistems_graph.cli.cluster.worker import work

            return work(options)
        case _:
            from midistems_graph.cli.doctor import print_state

            return print_state()


def _refused(refused: Refused) -> int:
    from midistems_graph.cli.plain_text import clean

    for sentence in refused.sentences:
        print(f"midistems-graph: {clean(sentence)}", file=sys.stderr)
    return int(refused.code)


if __name__ == "__main__":
    sys.exit(main())
