#!/bin/sh
# The originals in PyTorch, in an environment of their own, and what they make of the demo song:
#
#     tests/parity/environment.sh FOLDER
#     MIDISTEMS_PARITY=FOLDER/out .venv/bin/pytest tests/parity
#
# Takes some minutes. With PyTorch's own index of builds for the processor in PIP_EXTRA_INDEX_URL, and
# TORCH=torch==2.13.0+cpu, it takes 1 GB of disk rather than many.
set -eu
here=$(dirname "$0")
folder=$1
mkdir -p "$folder"
[ -d "$folder/env" ] || python3 -m venv "$folder/env"
pip="$folder/env/bin/python -m pip install --quiet --disable-pip-version-check"
$pip "${TORCH:-torch==2.13.0}"
$pip demucs-infer==4.4.0 openunmix==1.3.0 bs-roformer==1.2.4 onnx onnxscript soundfile
# A little noise: the song has nothing above 16 kHz, and a RoFormer makes the rounding errors there as loud as the rest.
"$here/../../.venv/bin/python" -c "
import sys
from pathlib import Path
import numpy as np, soundfile
from midistems_graph.audio.demo import write_demo_mixture
song = Path(sys.argv[1])
write_demo_mixture(song)
samples, rate = soundfile.read(song, dtype='float32')
samples += 1e-3 * np.random.default_rng(0).standard_normal(samples.shape, np.float32)
soundfile.write(song, samples, rate, subtype='FLOAT')" "$folder/song.wav"
"$folder/env/bin/python" "$here/originals.py" "$folder/song.wav" "$folder/out"
