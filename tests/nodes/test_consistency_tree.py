import numpy as np
import pytest
from songs import FOLDERS, on_songs, true_stems
from test_consistency import RATE, consistent, song

from midistems_graph.node import Audio, NodeError, Stems
from midistems_graph.node.testing import FakeRun, Tiles
from midistems_nodes.blend.mix import residual
from midistems_nodes.consistency.inject import inject
from midistems_nodes.consistency.stages import stages
from midistems_nodes.consistency.tree import families_of, tree_consistency
from midistems_nodes.measure.null_depth import null_depth, tree_null_depth

NAMES = ("vocals", "drums", "drums/kick", "drums/hats", "drums/hats/open", "drums/hats/closed")
SIZES = {"n_fft": 512, "hop": 128}


def tree(error=0.1, length=16000):
    """A mixture, a tree of true stems, and the tree with errors."""
    rng = np.random.default_rng(4)
    noise = {name: 0.1 * rng.standard_normal((2, length)).astype(np.float32) for name in NAMES}
    true = {n: noise[n] for n in ("vocals", "drums/kick", "drums/hats/open", "drums/hats/closed")}
    true["drums/hats"] = true["drums/hats/open"] + true["drums/hats/closed"]
    true["drums"] = true["drums/kick"] + true["drums/hats"]
    guess = {n: true[n] + error * 0.1 * rng.standard_normal((2, length)).astype(np.float32) for n in NAMES}
    mixture = Audio.of(true["vocals"] + true["drums"], RATE)
    return mixture, true, Stems({n: Audio.of(guess[n], RATE) for n in NAMES}, complete=True)


def depths(mixture, stems):
    table = tree_null_depth(Tiles(mixture, 3001), Tiles(stems, 3001), run=FakeRun())
    return {parent: row["null_depth"] for parent, row in table.rows.items()}


def squared_errors(stems, true):
    return {n: float(np.sum((stems[n].samples.astype(float) - true[n]) ** 2)) for n in stems}


def test_families_are_found_by_their_paths():
    assert families_of(NAMES) == {
        "": ["vocals", "drums"],
        "drums": ["drums/kick", "drums/hats"],
        "drums/hats": ["drums/hats/open", "drums/hats/closed"],
    }
    assert families_of(("a/b/c", "a", "x/y")) == {"": ["a", "x/y"], "a": ["a/b/c"]}


@pytest.mark.parametrize("share", ["bins", "energy", "equal"])
def test_top_down_every_family_nulls(share):
    mixture, _, stems = tree()
    before = depths(mixture, stems)
    made = tree_consistency(mixture, stems, share=share, **SIZES, run=FakeRun())
    assert set(before) == {"mixture", "drums", "drums/hats"} and min(before.values()) > -30
    assert max(depths(mixture, made).values()) < -120
    assert list(made) == list(NAMES) and made.complete


def test_bottom_up_parents_are_sums_and_leaves_stay():
    mixture, _, stems = tree()
    made = tree_consistency(mixture, stems, direction="bottom_up", run=FakeRun())
    assert np.array_equal(made["drums/kick"].samples, stems["drums/kick"].samples)
    below = depths(mixture, made)
    assert below["drums"] < -120 and below["drums/hats"] < -120 and below["mixture"] > -30


def test_reconciled_is_the_nearest_tree_that_adds_up():
    """The closed form against a numerical least squares with the constraint of the mixture."""
    mixture, _, stems = tree(length=50)
    made = tree_consistency(mixture, stems, direction="reconciled", run=FakeRun())
    assert max(depths(mixture, made).values()) < -120
    leaves = ("vocals", "drums/kick", "drums/hats/open", "drums/hats/closed")
    sums = np.array([[leaf == name or leaf.startswith(name + "/") for leaf in leaves] for name in NAMES], float)
    for place in (0, 17):
        given = np.array([stems[name].samples[0, place] for name in NAMES], float)
        kkt = np.block([[sums.T @ sums, np.ones((4, 1))], [np.ones((1, 4)), np.zeros((1, 1))]])
        best = np.linalg.solve(kkt, np.append(sums.T @ given, mixture.samples[0, place]))[:4]
        assert [made[leaf].samples[0, place] for leaf in leaves] == pytest.approx(best, abs=1e-6)


def test_reconciling_never_raises_the_total_squared_error():
    mixture, true, stems = tree()
    made = tree_consistency(mixture, stems, direction="reconciled", run=FakeRun())
    assert sum(squared_errors(made, true).values()) < sum(squared_errors(stems, true).values())


def test_a_tree_that_is_too_deep_is_refused_in_words():
    mixture, _, stems = tree(length=10)
    deep = Stems({"a/b/c/d/e": stems["vocals"]}, complete=True)
    with pytest.raises(NodeError, match="four levels"):
        tree_consistency(mixture, deep, run=FakeRun())


@on_songs
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_equal_shares_never_raise_the_total_squared_error_of_a_song(folder):
    mixture, truth = true_stems(folder)
    rng = np.random.default_rng(0)
    guess = {}
    for name, audio in truth.audio.items():
        bleed = 0.2 * (mixture.samples - audio.samples)
        guess[name] = audio.with_samples(rng.uniform(0.7, 1.1) * audio.samples + bleed)
    stems = truth.map(guess)
    true = {name: audio.samples for name, audio in truth.audio.items()}
    before, depth = sum(squared_errors(stems, true).values()), null_depth(Tiles(mixture), Tiles(stems), run=FakeRun())
    made = consistent("equal", mixture, stems)
    assert sum(squared_errors(made, true).values()) <= before
    assert depth.value > -40
    assert null_depth(Tiles(mixture), Tiles(made), run=FakeRun()).value < -120


@pytest.mark.parametrize("share", ["bins", "energy", "equal"])
def test_injecting_the_residual_makes_the_set_null(share):
    mixture, _, stems = song()
    rest = residual(mixture, (stems,))
    made = inject(stems, rest, share=share, **SIZES, run=FakeRun())
    assert null_depth(Tiles(mixture), Tiles(made), run=FakeRun()).value < -120


def test_a_residual_goes_only_where_it_is_sent():
    mixture, _, stems = song()
    rest = residual(mixture, (stems,))
    made = inject(stems, rest, into=("drums",), run=FakeRun())
    assert np.abs(made["drums"].samples - stems["drums"].samples - rest.samples).max() < 1e-6
    assert made["vocals"] is stems["vocals"]
    with pytest.raises(NodeError, match="no stem 'piano'; into may name vocals, drums, bass"):
        inject(stems, rest, into=("piano",), run=FakeRun())


def test_a_stage_that_changes_little_is_followed_and_one_that_runs_away_is_not():
    rng = np.random.default_rng(1)
    earlier = rng.standard_normal((1, 4 * RATE)).astype(np.float32)
    later = 0.9 * earlier
    later[:, 2 * RATE : 3 * RATE] += 5 * rng.standard_normal((1, RATE)).astype(np.float32)
    made = stages(Audio.of(earlier, RATE), Audio.of(later, RATE), trust=-6.0, run=FakeRun()).samples
    fine, bad = np.s_[:, : RATE * 3 // 2], np.s_[:, RATE * 9 // 4 : RATE * 11 // 4]
    assert np.array_equal(made[fine], later[fine])
    assert np.array_equal(made[bad], earlier[bad])


def test_sets_that_null_still_null_between_the_stages():
    mixture, _, stems = song()
    first, second = consistent("equal", mixture, stems), consistent("given", mixture, stems)
    made = stages(first, second, trust=-30.0, width=20.0, run=FakeRun())
    assert made.complete
    assert null_depth(Tiles(mixture), Tiles(made), run=FakeRun()).value < -120
