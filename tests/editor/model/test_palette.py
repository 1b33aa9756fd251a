from __future__ import annotations

import pytest
from canvas import LIBRARY, graph, group

from midistems_graph.editor.model.palette import Entry, Palette

PALETTE = Palette.of(LIBRARY)


def first(query: str) -> str:
    return PALETTE.search(query)[0].id


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("hps", "separate.hpss"),
        ("hpss", "separate.hpss"),
        ("HPSS", "separate.hpss"),
        ("stft", "transform.stft"),
        ("istft", "transform.istft"),
        ("inverse", "transform.istft"),
        ("gain", "filter.gain"),
        ("volume", "filter.gain"),
        ("mix", "blend.mix"),
        ("load", "io.load"),
        ("load file", "io.load_file"),
        ("save", "io.save"),
        ("export", "io.save"),
        ("misi", "phase.misi"),
        ("griffin", "phase.griffin_lim"),
        ("lufs", "measure.loudness"),
        ("si sdr", "measure.si_sdr"),
        ("nul dep", "measure.null_depth"),
        ("wiener", "spatial.wiener"),
        ("soft mask", "mask.soft"),
        ("pick", "stems.pick"),
        ("io.load", "io.load"),
        ("phase.gri", "phase.griffin_lim"),
    ],
)
def test_what_people_type_is_found_first(query: str, best: str) -> None:
    assert first(query) == best


def test_words_of_a_kind_find_what_carries_it() -> None:
    assert {e.id for e in PALETTE.search("mask")[:8]} >= {"mask.apply", "mask.share", "mask.soft"}
    assert {e.id for e in PALETTE.search("vocal")} >= {"separate.repet", "separate.repet_sim", "separate.centre"}
    assert PALETTE.search("vocal")[0].id.startswith("separate.")


def test_nonsense_finds_nothing() -> None:
    assert PALETTE.search("zzqx") == [] and PALETTE.search("hpss zzqx") == []


def test_a_wire_in_hand_leaves_what_fits() -> None:
    taking = {e.id for e in PALETTE.search(kinds=["mask"], side="out")}
    assert taking >= {"mask.apply", "mask.share"} and "io.load" not in taking and "filter.gain" not in taking
    giving = {e.id for e in PALETTE.search(kinds=["spectrogram"], side="in")}
    assert "transform.stft" in giving and "transform.istft" not in giving
    assert PALETTE.search("gain", kinds=["mask"], side="out") == []


def test_without_a_query_the_last_used_come_first() -> None:
    found = [e.id for e in PALETTE.search(recent=("phase.misi", "io.load"))]
    assert found[:2] == ["phase.misi", "io.load"]
    titles = [e.title.lower() for e in PALETTE.search(recent=("phase.misi", "io.load"))[2:]]
    assert titles == sorted(titles)


def test_groups_of_the_document_are_found() -> None:
    inner = group("a=filter.gain", inputs={"x": "a.signal"}, outputs={"out": "a.out"}, description="polish it")
    palette = Palette.of(LIBRARY, graph("g=group:refine", groups={"refine": inner}))
    (best, *_) = palette.search("refi")
    assert best.id == "group:refine" and best.summary == "polish it" and "audio" in best.takes


def test_scattered_letters_are_found_only_when_close() -> None:
    entry = Entry("x.one", "Harmonic percussive", "")
    assert entry.score(["hmnc"]) > 0 and entry.score(["hve"]) == 0
