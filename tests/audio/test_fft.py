"""Which FFT is in use, and that it is told apart from others."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from midistems_graph.audio.fft import fft_backend


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("scipy", "scipy "), ("mkl", "mkl_fft " if find_spec("mkl_fft") else "not installed"), ("fftw", "auto, scipy or")],
)
def test_the_environment_chooses_the_fft(choice: str, expected: str) -> None:
    code = "from midistems_graph.audio.fft import fft_backend; print(fft_backend())"
    environment = {**os.environ, "MIDISTEMS_FFT": choice}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert expected in done.stdout + done.stderr


def test_the_backend_names_its_version() -> None:
    assert fft_backend().split()[1][0].isdigit()
