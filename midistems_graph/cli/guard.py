"""What every command runs inside: faults go to the log file, everything else becomes a sentence and a code."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from midistems_graph.cli.codes import Exit, Refused
from midistems_graph.cli.interrupts import interruptible
from midistems_graph.cli.library_noise import noise_aside
from midistems_graph.cli.logs import fault_sentence, logged

T = TypeVar("T")

log = logging.getLogger(__name__)


def guarded(work: Callable[[], T], refused: Callable[[Refused], T]) -> T:
    """What `work` gives, or what `refused` makes of how it ended."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that the terminal's encoding cannot show
    with logged(), noise_aside(), interruptible():
        try:
            done = work()
            sys.stdout.flush()
            return done
        except Refused as refusal:
            return refused(refusal)
        except KeyboardInterrupt:
            return refused(
                Refused(
                    Exit.CANCELLED,
                    "stopped; no file is half-written, and the next run goes on from what is in the store",
                )
            )
        except BrokenPipeError:  # whoever read our output has gone: nobody is left to tell
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return refused(Refused(Exit.OUTPUT))
        except Exception:
            log.exception("%s broke", sys.argv[0])
            return refused(Refused(Exit.FAULT, fault_sentence()))
