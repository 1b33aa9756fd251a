"""A blind comparison (ABX): X is A or B by lot, the listener says which, and chance is reckoned with."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import comb
from typing import Literal

Letter = Literal["A", "B"]

TRIALS = 16
"""Planned trials: 12 right answers are significant then."""


@dataclass
class Abx:
    """A session of so many trials. `seed` draws the lots; which one X is stays hidden until an answer is given.

    The number of trials is fixed before: who stops when the figures please hears differences that are not there.
    """

    planned: int = TRIALS
    seed: int | None = None
    answers: list[tuple[Letter, Letter]] = field(default_factory=list)
    """What X was and what was said, by trial."""

    def __post_init__(self) -> None:
        self._lots = random.Random(self.seed) if self.seed is not None else random.SystemRandom()
        self._x: Letter = self._draw()

    def hidden(self) -> Letter:
        """What X is in this trial: for the player, not for the screen."""
        return self._x

    def answer(self, letter: Letter) -> bool:
        """Say what X is; whether that was right. The next trial begins. Raises ValueError after the last one."""
        if self.is_over:
            raise ValueError(f"all {self.planned} trials are answered; begin another test")
        was = self._x
        self.answers.append((was, letter))
        self._x = self._draw()
        return was == letter

    @property
    def is_over(self) -> bool:
        return self.trials >= self.planned

    @property
    def trials(self) -> int:
        return len(self.answers)

    @property
    def right(self) -> int:
        return sum(was == said for was, said in self.answers)

    @property
    def p_value(self) -> float:
        """The chance of so many right answers or more by guessing (one-sided binomial test); 1 without a trial."""
        n = self.trials
        return float(sum(comb(n, k) for k in range(self.right, n + 1)) / 2**n)

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        if not self.trials:
            return "no answer yet"
        found = f"{self.right} of {self.trials} right, p = {self.p_value:.3f}"
        if self.p_value <= 0.05:
            return f"{found}: a difference was heard"
        return f"{found}: this may be guessing" + (f"; try {TRIALS} times" if self.trials < TRIALS else "")

    def _draw(self) -> Letter:
        return "A" if self._lots.random() < 0.5 else "B"
