"""The judgement of a network that was trained on people's opinions of speech: DNSMOS."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Literal

import numpy as np

from midistems_graph.audio.resample import resample
from midistems_graph.audio.stem_names import find
from midistems_graph.audio.values import Float32, join
from midistems_graph.models.sessions import shared_sessions
from midistems_graph.node import Audio, NodeError, Number, Run, Stems, Stream, node
from midistems_nodes.ports import Judged, Mixture

RATE = 16000
_LENGTH = round(9.01 * RATE)
_OPINIONS = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}
"""In the order of the network's outputs: polynomials from raw outputs to opinions, as the wheel has them."""


@node(
    "score.dnsmos",
    title="By DNSMOS (speech only)",
    tags=("scorer", "blind", "speech", "mos", "network", "dnsmos"),
    scorer=True,
    picks=lambda k, port, names: tuple(find(k.stem, names)[:1]),
    holds=True,
    libraries=("numpy", "soxr", "onnxruntime", "speechmos"),
)
def dnsmos(
    mixture: Stream[Mixture],
    stems: Stream[Judged],
    *,
    stem: str = "vocals",
    figure: Literal["ovrl", "sig", "bak"] = "ovrl",
    run: Run,
) -> Number:
    """What listeners would say of a voice, as a network guesses: from 1 (bad) to 5 (excellent). For speech only.

    Parameters
    ----------
    stem
        The stem that holds the speech.
    figure
        `ovrl` the overall opinion, `sig` that of the voice alone, `bak` that of what is left behind it.

    Returns
    -------
    Number
        The mean opinion, about 1 to 5.

    Notes
    -----
    Was trained on telephone speech with noise. Of singing and instruments its opinion is worth little: see the study of
    scorers. Needs the package speechmos (`pip install "midistems-graph[speech]"`); looks at one channel at 16 kHz, and
    holds the stem in memory.

    References
    ----------
    Reddy, Gopal & Cutler, "DNSMOS P.835", ICASSP 2022; network and polynomials of the package speechmos: pieces of 9.01
    s, one a second, shorter sounds repeated, and their mean.
    """
    whole = join(list(stems))
    assert isinstance(whole, Stems)
    found = find(stem, whole)
    if not found:
        raise NodeError(f"there is no stem called {stem!r}; there are {', '.join(whole)}")
    voice = _mono(whole[found[0]])
    if not voice.any():
        return Number(math.nan)
    model, place = _model(), list(_OPINIONS).index(figure)
    network = shared_sessions().get(model, model.name, provider="cpu", threads=run.threads)
    raw = [float(network.run([piece[None]], run.check)[0][0, place]) for piece in _pieces(voice)]
    return Number(float(np.mean([np.polyval(_OPINIONS[figure], one) for one in raw])))


def _mono(audio: Audio) -> Float32:
    one = audio.with_samples(audio.samples.mean(axis=0, keepdims=True))
    voice: Float32 = np.clip((one if one.rate == RATE else resample(one, RATE)).samples[0], -1, 1)
    return voice


def _pieces(voice: Float32) -> list[Float32]:
    """Pieces of 9.01 s, one a second; a shorter sound is repeated until it is long enough."""
    while len(voice) < _LENGTH:
        voice = np.concatenate([voice, voice])
    return [voice[start : start + _LENGTH] for start in range(0, len(voice) - _LENGTH + 1, RATE)]


def _model() -> Path:
    package = importlib.util.find_spec("speechmos")
    if package is None or not package.submodule_search_locations:
        raise NodeError(
            'DNSMOS needs the package speechmos, which is not installed; pip install "midistems-graph[speech]"'
        )
    return Path(package.submodule_search_locations[0]) / "dnsmos_models" / "sig_bak_ovr.onnx"
