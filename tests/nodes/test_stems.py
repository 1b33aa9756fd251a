import numpy as np
import pytest

from midistems_graph.node import Audio, NodeError, Stems
from midistems_nodes.stems.gather import gather, merge, mixdown
from midistems_nodes.stems.pick import pick
from midistems_nodes.stems.rename import rename


def level(value):
    return Audio.of(np.full((2, 5), value, np.float32), 44100)


KIT = Stems({"drums/kick": level(1), "Vocals": level(2), "drums/snare": level(4)}, complete=True)


def value_of(audio):
    return float(audio.samples[0, 0])


@pytest.mark.parametrize(("name", "stem"), [("Vocals", 2), ("voice", 2), ("drums/kick", 1), ("drums", 5), ("Drum", 5)])
def test_a_stem_is_picked_by_any_of_its_names_and_the_rest_is_the_others(name, stem):
    picked = pick(KIT, name=name)
    assert (value_of(picked.stem), value_of(picked.rest)) == (stem, 7 - stem)


def test_the_rest_of_a_single_stem_is_silence():
    assert not pick(Stems({"vocals": level(1)})).rest.samples.any()


def test_a_stem_that_is_not_there_is_said_with_those_that_are():
    with pytest.raises(NodeError, match="no stem 'piano'; the set has drums/kick, Vocals, drums/snare"):
        pick(KIT, name="piano")


def test_gather_names_its_parts_in_order():
    made = gather((level(1), level(2)), names=("b", "a"), complete=True)
    assert list(made) == ["b", "a"] and made.complete and value_of(made["a"]) == 2
    with pytest.raises(NodeError, match="2 stems need 2 different names, not: a, a"):
        gather((level(1), level(2)), names=("a", "a"))


def test_merge_unites_and_refuses_a_name_twice():
    assert list(merge((Stems({"a": level(1)}), Stems({"b": level(2)})))) == ["a", "b"]
    with pytest.raises(NodeError, match="two sets have a stem 'a'"):
        merge((Stems({"a": level(1)}), Stems({"a": level(2)})))


def test_mixdown_is_the_sum():
    assert value_of(mixdown(KIT)) == 7


def test_names_change_all_at_once_and_branches_move_as_a_whole():
    swapped = rename(Stems({"a": level(1), "b": level(2)}), old=("a", "b"), new=("b", "a"))
    assert (value_of(swapped["a"]), value_of(swapped["b"])) == (2, 1)
    assert list(rename(KIT, old=("drums", "Vocals"), new=("kit", "lead"))) == ["kit/kick", "lead", "kit/snare"]
    with pytest.raises(NodeError, match="two stems would be called 'Vocals'"):
        rename(KIT, old=("drums/kick",), new=("Vocals",))
    with pytest.raises(NodeError, match="2 old names need as many new ones, not 1"):
        rename(KIT, old=("a", "b"), new=("c",))
