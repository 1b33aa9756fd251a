"""The report, made by run-graph and opened in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import Browser

from midistems_graph.cli.run_graph import main

RATE = 22050
EVIL = "</script><script>globalThis.hacked=1</script><img src=x onerror=globalThis.hacked=1>"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with hostile names, in the folder of its files."""
    folder = tmp_path_factory.mktemp("report")
    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
            context.setenv(name, str(folder / name))
        context.chdir(folder)
        noise = 0.1 * np.random.default_rng(1).standard_normal((RATE * 8, 2))
        song = folder / "a<img src=x onerror=globalThis.hacked=1>&'b.wav"
        soundfile.write(song, noise, RATE, subtype="FLOAT")
        nodes = {
            "load": {"type": "io.load", "label": EVIL},
            "soft": {"type": "filter.gain", "knobs": {"gain": -12.0}},
            "hpss": {"type": "separate.hpss", "knobs": {"n_fft": 1024, "hop": 256}},
            "save": {"type": "io.save"},
            "null": {"type": "measure.null_depth"},
            "it": {"type": "check.clipping", "knobs": {"at_most": -60.0}},
        }
        edges = [("load.out", "soft.signal"), ("soft.out", "hpss.mixture"), ("hpss.out", "save.stems"),
                 ("soft.out", "null.mixture"), ("hpss.out", "null.stems"), ("load.out", "it.signal")]  # fmt: skip
        data = {"format": "midistems-graph", "version": 1, "nodes": nodes, "title": EVIL, "description": EVIL,
                "edges": [{"from": a, "to": b} for a, b in edges]}  # fmt: skip
        (folder / "g.json").write_text(json.dumps(data))
        code = main(["g.json", str(song), "-o", "out", "--report", "out/report.html", "--quiet"])
        assert code == 7  # the check does not hold, and the report is there all the same
    return folder / "out" / "report.html"


def test_the_page_tells_all_of_a_run(made: Path) -> None:
    page = made.read_text("utf-8")
    for words in ("Edges", "Figures", "Files", "Timeline", "Nodes", "Environment", "the highest sample is", "hpss.out"):
        assert words in page
    assert page.count("<div class=edge ") == 5  # the song, softer, and three stems
    assert len(page) < 15_000_000 and not re.search(r"""(src|href)=['"]?(https?:|//)""", page)


def test_nothing_is_fetched_names_are_inert_files_open_and_dark_is_dark(made: Path, browser: Browser) -> None:
    browser.open(made)
    assert browser.run("globalThis.hacked === undefined && document.querySelectorAll('img[src=x]').length === 0")
    assert EVIL in browser.run("document.body.innerText")
    assert [url for url in browser.requests if not url.startswith(("file:///", "data:", "blob:"))] == []
    assert len([url for url in browser.requests if url.startswith("file:///")]) == 1
    assert browser.errors == []
    links = browser.run("[...document.querySelectorAll('a')].map(a => decodeURIComponent(a.href.split('/').pop()))")
    assert len(links) == 3 and all((made.parent / name).is_file() for name in links)
    light = browser.run("getComputedStyle(document.documentElement).backgroundColor")
    browser.prefer(dark=True)
    assert browser.run("getComputedStyle(document.documentElement).backgroundColor") != light


def test_what_cannot_be_heard_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser) -> None:
    monkeypatch.chdir(tmp_path)
    seconds = np.arange(RATE * 2) / RATE
    soundfile.write("song.wav", 0.3 * np.sin(2 * np.pi * 220 * seconds), RATE, subtype="FLOAT")
    types = {
        "load": "io.load", "high": "filter.filter", "a": "transform.stft", "b": "transform.stft",
        "one": "transform.magnitude", "other": "transform.magnitude", "mask": "mask.soft", "masked": "mask.apply",
        "back": "transform.istft", "save": "io.save", "melody": "measure.pitch", "notes": "io.save_notes",
    }  # fmt: skip
    edges = """
        load.out high.signal, load.out a.audio, high.out b.audio, a.out one.spectrogram, b.out other.spectrogram,
        one.out mask.target, other.out mask.others[0], a.out masked.spectrogram, mask.out masked.mask,
        masked.out back.spectrogram, back.out save.stems, load.out melody.audio, melody.out notes.pitch
    """
    data = {
        "format": "midistems-graph",
        "version": 1,
        "nodes": {name: {"type": type} for name, type in types.items()},
        "edges": [dict(zip(("from", "to"), edge.split(), strict=True)) for edge in edges.split(",")],
    }
    Path("g.json").write_text(json.dumps(data))
    assert main(["g.json", "song.wav", "-o", "out", "--report", "r.html", "--no-cache", "--quiet"]) == 0
    browser.open(tmp_path / "r.html")
    seen = browser.run("[...document.querySelectorAll('.silent .what')].map(one => one.innerText)")
    assert {words.split()[0] for words in seen} == {"one.out", "other.out", "mask.out", "melody.out"}
    assert any(re.search(r"pitch 2\d\d.* Hz", words) for words in seen), seen
    heard = browser.run("[...document.querySelectorAll('.edge[data-n] .what')].map(one => one.innerText)")
    assert "masked.out" in heard and browser.run("sounds.length") == len(heard)
    assert browser.run("[...document.images].every(image => image.naturalWidth === 900)")


def test_players_play_in_step(made: Path, browser: Browser) -> None:
    """The song and its softer copy are heard together: at one instant both show the same sound, 12 dB apart."""
    browser.open(made)
    browser.run("document.querySelector('#play').click()")
    browser.run("new Promise(done => setTimeout(done, 400))")
    browser.run("document.querySelectorAll('.hear')[1].dispatchEvent(new MouseEvent('click', {shiftKey: true}))")
    waves = browser.run(
        """(async () => {
          const wait = ms => new Promise(done => setTimeout(done, ms));
          for (let i = 0; i < 200 && !player.tracks[1]?.source; i++) await wait(25);
          const shown = () => [0, 1].map(n => { const data = new Float32Array(2048);
            player.tracks[n].ear.getFloatTimeDomainData(data); return [...data]; });
          await wait(300);
          for (let i = 0; i < 100 && !shown().every(data => data.every(x => x)); i++) await wait(50);
          return shown();
        })()"""
    )
    one, other = np.asarray(waves[0]), np.asarray(waves[1])
    assert np.sqrt(np.mean(one**2)) > 0.01
    lags = np.correlate(one, other, "full")
    assert int(np.argmax(lags)) - (len(one) - 1) == 0
    assert lags.max() / np.sqrt((one @ one) * (other @ other)) > 0.95  # two lossy codings of one sound
    assert 20 * np.log10(np.linalg.norm(other) / np.linalg.norm(one)) == pytest.approx(-12, abs=0.5)
    before = browser.run("now()")
    assert before > 0.2  # the browser may take its time to begin
    browser.run("go(6)")
    assert browser.run("now()") == pytest.approx(6, abs=1.0)
    browser.key("3")
    assert browser.run("[...player.chosen].join() === '2' && document.querySelectorAll('.edge.lit').length === 1")
    browser.key(" ")
    assert browser.run("player.playing") is False
