"""Loudness and levels of what is listened to, measured on a thread of its own, so that nobody waits for them.

A figure is asked for as often as one likes; it is there when it is known. What cannot be measured yet, because it is
not computed, is tried again.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from midistems_graph.editor.audition.audible import NotAudible
from midistems_graph.editor.audition.offline import NotComputed, Region
from midistems_graph.editor.audition.takes import Take

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class Question:
    """What is to be measured: `lufs` (integrated loudness, without a gain of matching) or `db` (RMS) of a take on a
    region, in one version of the graph."""

    figure: Literal["lufs", "db"]
    take: Take
    region: Region
    version: int


class Figures:
    """Answers to questions. `measure` may take its time, and raises NotComputed and NotAudible."""

    def __init__(self, measure: Callable[[Question], float]) -> None:
        self._measure = measure
        self._known: dict[Question, float] = {}
        self._tried: dict[Question, float] = {}
        self._asked: list[Question] = []
        self._wake = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="figures", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Measure nothing more; what is being measured is let go."""
        self._ended = True
        self._wake.set()

    def get(self, question: Question) -> float | None:
        """The answer (NaN: it has none), or None while it is not known; then it is looked for."""
        if question in self._known:
            return self._known[question]
        if question not in self._asked:
            self._asked.append(question)
            self._wake.set()
        return None

    def answer_all(self) -> None:
        """Measure what was asked for, on this thread."""
        while self._asked and not self._ended:
            question = self._asked.pop(0)
            if time.monotonic() - self._tried.get(question, -math.inf) < _RETRY_SECONDS:
                continue
            try:
                self._known[question] = self._measure(question)
            except NotComputed:
                self._tried[question] = time.monotonic()
            except NotAudible:
                self._known[question] = math.nan
        self._forget_old()

    def _forget_old(self) -> None:
        """Only the newest version of the graph is asked about again."""
        newest = max((question.version for question in self._known), default=0)
        for book in (self._known, self._tried):
            for question in [q for q in book if q.version < newest]:
                book.pop(question, None)

    def _work(self) -> None:
        while not self._ended:
            try:
                self.answer_all()
            except Exception:
                log.exception("a figure could not be measured")
            self._wake.wait(_RETRY_SECONDS)
            self._wake.clear()
