"""What our runner does around a network is what the makers' programs do: on stand-ins, against what they gave."""

import numpy as np
import pytest
import tiny_nets

from midistems_graph.models.runner import Level, Recent, Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node import Audio
from midistems_graph.node.testing import FakeRun

ALL = tiny_nets.LENGTH
MDX_LAST = 4 * 23808 - 1024
"""Where the last segment of an MDX-Net begins: audio-separator fades it over its rest, and we do not."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return tiny_nets.models(tmp_path_factory.mktemp("small"))


@pytest.mark.parametrize(
    ("name", "settings", "alike", "allowed"),
    [
        ("htdemucs-waveform", {}, ALL, -110),
        ("htdemucs", {}, ALL, -110),
        ("open-unmix", {"overlap": 1.0, "segment": tiny_nets.LENGTH / tiny_nets.RATE}, ALL, -90),
        ("mdx", {}, MDX_LAST, -90),
    ],
)
def test_stems_are_those_of_the_makers_program(models, name, settings, alike, allowed):
    expected = np.load(tiny_nets.FOLDER / f"{name}.npy")
    audio = Audio.of(tiny_nets.song(), tiny_nets.RATE)
    mono = audio.samples.astype(np.float64).mean(0)
    level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
    runner = Runner(models[name], Settings(**settings), Sessions(), Recent())
    stems = runner.separate(audio, run=FakeRun(audio.span), level=level)
    for stem, theirs in zip(runner.names, expected, strict=True):
        compared = tiny_nets.kept(np.arange(tiny_nets.LENGTH)) < alike
        ours, theirs = tiny_nets.kept(stems[stem].samples)[:, compared], theirs[:, compared]
        error = 10 * np.log10(np.sum((ours - theirs) ** 2) / np.sum(theirs**2))
        print(f"{name}, {stem}: {error:.1f} dB")
        assert error < allowed
