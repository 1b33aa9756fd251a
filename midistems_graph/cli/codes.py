"""Exit codes: the one table that the programs, their help and their documentation share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from types import MappingProxyType

from midistems_graph.rules.problems import MissingModel, Problem


class Exit(IntEnum):
    """How a program ended."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    GRAPH = 3
    INPUT = 4
    NODE = 5
    OUTPUT = 6
    VERIFY = 7
    MODEL = 8
    SOME = 9
    WINDOW = 10
    CLUSTER = 11
    CANCELLED = 130


MEANINGS: Mapping[Exit, str] = MappingProxyType(
    {
        Exit.DONE: "everything was done",
        Exit.FAULT: "a fault of the program; the sentence names a log file with the details",
        Exit.USAGE: "the command line is wrong",
        Exit.GRAPH: "the graph cannot be read or is not sound",
        Exit.INPUT: "a song or another input cannot be read",
        Exit.NODE: "a node failed",
        Exit.OUTPUT: "an output cannot be written",
        Exit.VERIFY: "a check or a verification failed",
        Exit.MODEL: "a model is missing",
        Exit.SOME: "some songs of a batch failed, the others are done",
        Exit.WINDOW: "the editor cannot open a window",
        Exit.CLUSTER: "the cluster cannot be reached, is lost, or lacks what the run needs",
        Exit.CANCELLED: "stopped by Ctrl-C or SIGTERM",
    }
)

SEVERITY = (
    Exit.CANCELLED,
    Exit.FAULT,
    Exit.CLUSTER,
    Exit.SOME,
    Exit.OUTPUT,
    Exit.USAGE,
    Exit.WINDOW,
    Exit.GRAPH,
    Exit.INPUT,
    Exit.MODEL,
    Exit.NODE,
    Exit.VERIFY,
    Exit.DONE,
)
"""Where several apply, the first of these counts. SOME only arises where at least one song was done."""


class Refused(Exception):
    """The work ends here, with an exit code and sentences for the user."""

    def __init__(self, code: Exit, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.code = code
        self.sentences = sentences


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that counts; DONE if there are none."""
    return min(codes, key=SEVERITY.index, default=Exit.DONE)


def of_batch(codes: Iterable[Exit]) -> Exit:
    """The code of many songs: SOME when they differ in whether they were done, else the worst of theirs."""
    of_songs = set(codes)
    return worst(of_songs | {Exit.SOME} if Exit.DONE in of_songs and len(of_songs) > 1 else of_songs)


def of_graph(broken: Iterable[Problem]) -> Exit:
    """The code of a graph with errors: one that lacks nothing but models is sound."""
    return Exit.MODEL if all(isinstance(problem, MissingModel) for problem in broken) else Exit.GRAPH


def as_text() -> str:
    """The table as lines for `--help`."""
    lines = [f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items()]
    return "\n".join(["exit codes:", *lines])


def as_markdown() -> str:
    """The table as it stands in the documentation."""
    lines = [f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["| code | meaning |", "|---:|---|", *lines])
