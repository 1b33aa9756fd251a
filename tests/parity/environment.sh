#!/bin/sh
# The originals in PyTorch, in environments of their own, and what they make of a song (by default the demo):
#
#     tests/parity/environment.sh FOLDER [SONG.wav]
#     MIDISTEMS_PARITY=FOLDER .venv/bin/pytest tests/parity
#
# The song has 44100 Hz and two channels. Takes some minutes. With PyTorch's own index of builds for the processor in
# PIP_EXTRA_INDEX_URL, and TORCH=torch==2.13.0+cpu, it takes 2 GB of disk rather than many.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
song=${2:-demo}
mkdir -p "$folder"
"$here/../../.venv/bin/python" "$here/prepare.py" "$song" "$folder/song.wav"
export MIDISTEMS_MODELS="$folder/models"

in_its_environment() { # NAME SCRIPT PACKAGES
  env=$folder/$1 script=$2
  shift 2
  [ -d "$env" ] || python3 -m venv "$env"
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check "${TORCH:-torch==2.13.0}" "$@" \
    --editable "$here/../..[export]"
  "$env/bin/python" "$here/$script" "$folder/song.wav" "$folder"
}

in_its_environment originals originals.py demucs-infer==4.4.0 openunmix==1.3.0 bs-roformer==1.2.4
in_its_environment separator separator.py 'audio-separator[cpu]==0.47.1'
