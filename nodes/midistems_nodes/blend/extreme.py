"""The smallest or largest of several, place by place, by absolute value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def extreme(parts: Sequence[npt.NDArray[Any]], *, largest: bool) -> npt.NDArray[Any]:
    """At every place the value of the part that has the largest (or smallest) magnitude; the earliest of equals."""
    wins = np.greater if largest else np.less
    best = np.array(parts[0])
    size = np.abs(best)
    for part in parts[1:]:
        other = np.abs(part)
        where = wins(other, size)
        np.copyto(best, part, where=where)
        np.copyto(size, other, where=where)
    return best
