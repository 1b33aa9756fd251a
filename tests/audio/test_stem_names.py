import pytest

from midistems_graph.audio.stem_names import STEM_NAMES, canonical, find, in_file_name, simplified


def test_every_name_of_the_table_means_one_stem_and_is_written_simply():
    every = [name for canon, aliases in STEM_NAMES.items() for name in (canon, *aliases)]
    assert len(set(every)) == len(every)
    assert [name for name in every if simplified(name) != name] == []


@pytest.mark.parametrize(("said", "meant"), [
    ("Vocal", "vocals"), ("(Vocals)", "vocals"), ("voice", "vocals"), ("No Vocals", "instrumental"),
    ("no_vocals", "instrumental"), ("karaoke", "instrumental"), ("accompaniment", "instrumental"),
    ("Hi-Hat", "hats"), ("drums/Kick Drum", "drums/kick"), ("Didgeridoo 2", "didgeridoo_2"),
])  # fmt: skip
def test_names_of_other_tools_are_known(said, meant):
    assert canonical(said) == meant


def test_an_equal_name_goes_before_one_that_means_the_same():
    assert find("voice", ["vocals", "voice"]) == ["voice"]
    assert find("Voice", ["vocals", "drums"]) == ["vocals"]
    assert find("drums", ["drums/kick", "bass", "drums/snare"]) == ["drums/kick", "drums/snare"]
    assert find("drum", ["drums2"]) == []


@pytest.mark.parametrize(("file", "stem"), [
    ("vocals", "vocals"), ("1_My Song_(Vocals)_model_v2", "vocals"), ("My Song - No Vocals", "instrumental"),
    ("song_other_htdemucs", "other"), ("03 Take [Bass]", "bass"), ("My Song", "My Song"),
])  # fmt: skip
def test_names_in_file_names_of_other_tools_are_found(file, stem):
    assert in_file_name(file) == stem
