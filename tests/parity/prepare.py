"""The song of the comparison: the given one, or the demo, as floats and with a little noise.

A song has often nothing above 16 kHz, and a RoFormer makes the rounding errors there as loud as the rest.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

from midistems_graph.audio.demo import write_demo_mixture

SECONDS = 20

given, target = sys.argv[1], Path(sys.argv[2])
if given == "demo":
    write_demo_mixture(target)
samples, rate = soundfile.read(target if given == "demo" else given, dtype="float32", always_2d=True)
samples = samples[: SECONDS * rate]
samples += 1e-3 * np.random.default_rng(0).standard_normal(samples.shape, np.float32)
soundfile.write(target, samples, rate, subtype="FLOAT")
