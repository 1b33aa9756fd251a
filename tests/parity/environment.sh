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
"$here/../../.venv/bin/python" -c "
import sys
from pathlib import Path
from midistems_graph.audio.demo import write_demo_mixture
write_demo_mixture(Path(sys.argv[1]))" "$folder/song.wav"
"$folder/env/bin/python" "$here/originals.py" "$folder/song.wav" "$folder/out"
