"""The node separate.network in the engine: tiles, keys, functions, models that are missing, the command line."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny

from midistems_graph.audio.values import Stems
from midistems_graph.cli.run_graph import main
from midistems_graph.document.data import to_data
from midistems_graph.document.graph import Address, Edge, Graph, Group, Node
from midistems_graph.engine.binding import InputProblem
from midistems_graph.engine.execute import Executor
from midistems_graph.engine.forecast import forecast
from midistems_graph.engine.plan import compile_plan
from midistems_graph.engine.reports import Silent
from midistems_graph.engine.run import prepare
from midistems_graph.engine.store import MemoryStore
from midistems_graph.models import providers, sessions
from midistems_graph.models.library import ENVIRONMENT
from midistems_graph.models.runner import Level, Runner, Settings
from midistems_graph.models.sessions import Sessions
from midistems_graph.node import Audio, installed
from midistems_graph.node.testing import FakeRun
from midistems_graph.rules.check import check
from midistems_graph.rules.describe import describe
from midistems_graph.rules.problems import KnobShapesPlan, MissingModel
from midistems_graph.rules.site import Site

RATE = 44100
STEMS = ("vocals", "rest")
SAMPLES = 20_000


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "models"
    monkeypatch.setenv(ENVIRONMENT, str(folder))
    return folder


@pytest.fixture
def song(tmp_path) -> Path:
    """21 s of noise, which begins and ends with more or less of it."""
    sound = 0.1 * np.random.default_rng(3).standard_normal((21 * RATE, 2)) * np.linspace(0.2, 1, 21 * RATE)[:, None]
    soundfile.write(tmp_path / "song.wav", sound + 0.01, RATE, subtype="FLOAT")
    return tmp_path / "song.wav"


def a_model(folder, contract="htdemucs-waveform", gains=(0.75, 0.25), name="split", **fields):
    """A limiter and gains: what comes out hangs on the level of the whole song, where the family normalises."""
    from onnx import helper

    shape = ["b", 2, SAMPLES]
    nodes = [
        helper.make_node("Tanh", ["in"], ["soft"]),
        helper.make_node("Unsqueeze", ["soft", "axis"], ["one"]),
        helper.make_node("Mul", ["one", "g"], ["out"]),
    ]
    factors = np.asarray(gains, np.float32).reshape(-1, 1, 1)
    network = tiny.network(
        {"in": shape}, {"out": ["b", len(gains), 2, SAMPLES]}, nodes, {"axis": np.array([1]), "g": factors}
    )
    manifest = tiny.manifest(contract, STEMS[: len(gains)], name=name, parameters={"samples": SAMPLES}, **fields)
    return tiny.stored(folder, manifest, network)


def graph(**knobs) -> Graph:
    nodes = {
        "song": Node("io.load"),
        "net": Node("separate.network", knobs={"model": "split", **knobs}),
        "save": Node("io.save"),
    }
    edges = {
        Edge(Address("song", "out"), Address("net", "mixture")),
        Edge(Address("net", "out"), Address("save", "stems")),
    }
    return Graph(nodes=nodes, edges=frozenset(edges))


def run(graph, song, store=None, node="net", window=None):
    plan, _ = prepare(graph, installed(), {"song": song}, outputs=[Address(node, "out")], window=window)
    executor = Executor(plan, installed(), store=store or MemoryStore())
    executor.run()
    assert not executor.failures, executor.failures
    value = executor.value(plan.outputs[0])
    assert isinstance(value, Stems)
    return value, executor


@pytest.mark.parametrize("contract", ["htdemucs-waveform", "waveform"])
def test_tiles_are_the_whole_song_in_pieces(models, song, contract):
    model = a_model(models, contract)
    stems, executor = run(graph(), song)
    sound = Audio.of(soundfile.read(song, dtype="float32")[0].T, RATE)
    mono = sound.samples.astype(np.float64).mean(0)
    level = Level(float(mono.mean()), float(mono.std(ddof=1)) + 1e-8)
    whole = Runner(model, Settings()).separate(sound, run=FakeRun(sound.span), level=level)
    for name in STEMS:
        np.testing.assert_allclose(stems[name].samples, whole[name].samples, atol=1e-6)
    assert executor.reports["net"].units == {"ran": 3} and executor.reports["net"].notes == {"provider": "cpu"}
    assert ("net#model" in executor.plan.nodes) == (contract == "htdemucs-waveform")


class OnAnotherDevice:
    """Stands in for a session that a GPU computes: says so, and is at work until another node was."""

    def __init__(self, real, beside):
        self.real, self.beside = real, beside

    def __getattr__(self, name):
        return getattr(self.real, name)

    def get_providers(self):
        return ["CUDAExecutionProvider"]

    def run(self, *given):
        assert self.beside.wait(10), "nothing ran beside the network"
        return self.real.run(*given)


def test_other_nodes_run_while_another_device_computes_a_network_and_its_samples_are_the_same(
    models, song, monkeypatch
):
    a_model(models, "waveform")
    here, _ = run(graph(), song)
    at_work, beside, loaded = set(), threading.Event(), sessions._loaded

    class Watcher(Silent):
        def unit_started(self, unit):
            at_work.add(unit.node)
            if "filter" in at_work and "net" in at_work:
                beside.set()

        def unit_finished(self, unit, status, seconds):
            at_work.discard(unit.node)

    monkeypatch.setattr(providers, "available", lambda: ("cuda", "cpu"))
    monkeypatch.setattr(
        sessions, "_loaded", lambda path, provider, threads: OnAnotherDevice(loaded(path, "cpu", threads), beside)
    )
    made = graph()
    made = replace(made, nodes={**made.nodes, "filter": Node("filter.filter")})
    made = replace(made, edges=made.edges | {Edge(Address("song", "out"), Address("filter", "signal"))})
    ports = [Address("net", "out"), Address("filter", "out")]
    plan, _ = prepare(made, installed(), {"song": song}, outputs=ports)
    executor = Executor(plan, installed(), store=MemoryStore(), watcher=Watcher(), jobs=4)
    executor.run()
    assert not executor.failures and executor.reports["net"].notes == {"provider": "cuda"}
    there = executor.value(plan.outputs[0])
    for name in STEMS:
        np.testing.assert_array_equal(there[name].samples, here[name].samples)


def test_a_window_gives_the_very_samples_of_the_song(models, song):
    from fractions import Fraction

    a_model(models, "waveform")
    whole, _ = run(graph(), song)
    part, _ = run(graph(), song, window=(Fraction(9), Fraction(14)))
    np.testing.assert_array_equal(part["vocals"].samples, whole["vocals"].crop(part.span).samples)


def test_nothing_runs_again_until_the_model_is_another_one(models, song):
    a_model(models)
    store = MemoryStore()
    run(graph(), song, store)
    assert run(graph(), song, store)[1].reports["net"].status == "cached"
    a_model(models, gains=(0.5, 0.5))
    stems, executor = run(graph(), song, store)
    assert executor.reports["net"].status == "ran" and "model" in executor.reports["net"].reason
    np.testing.assert_array_equal(stems["vocals"].samples, stems["rest"].samples)


def test_names_and_completeness_of_stems_are_known_before_the_run(models):
    a_model(models)
    formats = describe(Site.of(graph(), installed()))
    assert formats["net", "out"].stems == STEMS and formats["net", "out"].complete
    some = describe(Site.of(graph(stems=("rest",)), installed()))
    assert some["net", "out"].stems == ("rest",) and not some["net", "out"].complete
    a_model(models, gains=(0.5,), residual="instrumental")
    assert describe(Site.of(graph(), installed()))["net", "out"].stems == ("vocals", "instrumental")


def test_a_missing_or_damaged_model_is_a_problem_with_its_remedy(models, song):
    (problem,) = (p for p in check(graph(), installed()) if p.severity == "error")
    assert isinstance(problem, MissingModel) and problem.port == "model"
    assert (
        "'split' is not in the library" in problem.message
        and "midistems-graph models add FILE --name split" in problem.message
    )
    assert describe(Site.of(graph(), installed()))["net", "out"].stems == ()
    with pytest.raises(InputProblem, match="models add FILE --name split"):
        compile_plan(
            graph(),
            installed(),
            prepare(Graph(nodes={"song": Node("io.load")}), installed(), {"song": song})[0].bindings,
        )
    model = a_model(models)
    assert not [p for p in check(graph(), installed()) if p.severity == "error"]
    model.files[0].unlink()
    assert any("lacks its file 'all.onnx'" in p.message for p in check(graph(), installed()))


def test_what_does_not_hang_on_a_missing_model_runs(models, song):
    beside = graph()
    beside = replace(beside, nodes={**beside.nodes, "gain": Node("filter.gain")})
    beside = replace(beside, edges=beside.edges | {Edge(Address("song", "out"), Address("gain", "signal"))})
    assert not [p for p in check(beside, installed(), wanted=["gain"]) if p.severity == "error"]


def test_the_memory_of_a_network_counts_in_the_forecast(models, song):
    model = a_model(models)
    bindings = prepare(Graph(nodes={"song": Node("io.load")}), installed(), {"song": song})[0].bindings
    plan = compile_plan(graph(), installed(), bindings, outputs=[Address("net", "out")])
    store = MemoryStore()
    before = forecast(plan, store, jobs=1).memory
    (model.files[0].parent / "all.onnx").write_bytes(model.files[0].read_bytes() + b"\0" * 5_000_000)
    assert forecast(plan, store, jobs=1).memory == before + 10_000_000


def test_the_model_cannot_be_wired(models):
    wired = graph()
    wired = replace(wired, nodes={**wired.nodes, "name": Node("control.text")})
    wired = replace(wired, edges=wired.edges | {Edge(Address("name", "out"), Address("net", "model"))})
    assert any(isinstance(p, KnobShapesPlan) for p in check(wired, installed()))


def called(inner: Graph) -> Graph:
    """The same network as a function: through its own separator port, or that of a group around it."""
    nodes = {**inner.nodes, "apply": Node("separate.apply")}
    edges = {
        Edge(Address("song", "out"), Address("apply", "mixture")),
        Edge(Address("net", "separator"), Address("apply", "separator")),
        Edge(Address("apply", "out"), Address("save", "stems")),
    }
    return replace(inner, nodes=nodes, edges=frozenset(edges))


def test_called_as_a_function_it_gives_the_same_and_its_model_counts(models, song):
    a_model(models, "waveform")
    direct, _ = run(graph(), song)
    store = MemoryStore()
    through, executor = run(called(graph()), song, store, "apply")
    np.testing.assert_allclose(through["vocals"].samples, direct["vocals"].samples, atol=1e-6)
    assert executor.reports["apply"].notes == {"provider": "cpu"}
    a_model(models, "waveform", gains=(0.5, 0.5))
    again, executor = run(called(graph()), song, store, "apply")
    assert executor.reports["apply"].status == "ran"
    np.testing.assert_array_equal(again["vocals"].samples, again["rest"].samples)


def test_a_group_around_it_is_a_function_too(models, song):
    a_model(models, "waveform")
    group = Group(
        nodes={"net": Node("separate.network", knobs={"model": "split"})},
        inputs={"mixture": (Address("net", "mixture"),)},
        outputs={"stems": Address("net", "out")},
    )
    outer = called(graph())
    outer = replace(outer, nodes={**outer.nodes, "net": Node("group:inner")}, groups={"inner": group})
    direct, _ = run(graph(), song)
    through, _ = run(outer, song, node="apply")
    np.testing.assert_allclose(through["vocals"].samples, direct["vocals"].samples, atol=1e-6)


def test_run_graph_writes_stems_tells_the_provider_and_has_a_code_for_what_is_missing(models, song, tmp_path, capsys):
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(to_data(graph())))
    words = [str(file), str(song), "-o", str(tmp_path / "out"), "--no-cache", "--json", "--quiet"]
    assert main(words) == 8
    missing = json.loads(capsys.readouterr().out)
    assert missing["exit_code"] == 8 and "models add FILE --name split" in missing["problems"][0]
    a_model(models)
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert {output["stem"] for output in told["outputs"]} == set(STEMS)
    assert next(n for n in told["nodes"] if n["id"] == "net")["notes"] == {"provider": "cpu"}
    written, rate = soundfile.read(tmp_path / "out" / "song - vocals.wav")
    assert rate == RATE and written.shape == (21 * RATE, 2)


def four(folder, gains=(0.1, 0.2, 0.3, 0.4), **fields):
    """A model with a file for each of four stems, as KUIELab's MDX-Nets and the fine-tuned HTDemucs are."""
    names = ("drums", "bass", "other", "vocals")[: len(gains)]
    manifest = tiny.manifest(
        "waveform", names, files=len(gains), name="four", parameters={"samples": SAMPLES}, **fields
    )
    return tiny.stored(folder, manifest, *(tiny.times(["b", 2, SAMPLES], gain) for gain in gains))


def with_pick(port: str = "stem") -> Graph:
    nodes = {
        "song": Node("io.load"),
        "net": Node("separate.network", knobs={"model": "four"}),
        "names": Node("stems.rename", knobs={"old": ("vocals",), "new": ("voice",)}),
        "pick": Node("stems.pick", knobs={"name": "voice"}),
    }
    wires = {("song.out", "net.mixture"), ("net.out", "names.stems"), ("names.out", "pick.stems")}
    nodes["gain"] = Node("filter.fade")
    wires.add((f"pick.{port}", "gain.signal"))
    return Graph(nodes=nodes, edges=frozenset(Edge.parse(*wire) for wire in wires))


@pytest.mark.parametrize(("port", "files"), [("stem", ["vocals"]), ("rest", ["bass", "drums", "other", "vocals"])])
def test_networks_whose_stems_nothing_reads_are_not_even_loaded(models, song, monkeypatch, port, files):
    four(models)
    loaded = []
    real = Sessions.get
    monkeypatch.setattr(
        Sessions, "get", lambda self, path, *a, **k: loaded.append(path.stem) or real(self, path, *a, **k)
    )
    plan, _ = prepare(with_pick(port), installed(), {"song": song}, outputs=[Address("gain", "out")])
    executor = Executor(plan, installed(), store=MemoryStore())
    executor.run()
    assert not executor.failures and sorted(set(loaded)) == files
    assert executor.reports["net#stem:vocals"].notes == {"provider": "cpu"}


def test_a_network_counts_in_the_forecast_where_it_is_called_and_unused_files_do_not(models, song):
    model = a_model(models, "waveform")
    bindings = prepare(Graph(nodes={"song": Node("io.load")}), installed(), {"song": song})[0].bindings

    def memory(made, port):
        return forecast(compile_plan(made, installed(), bindings, outputs=[port]), MemoryStore(), jobs=1).memory

    def grown(made, port, path):
        before = memory(made, port)
        path.write_bytes(path.read_bytes() + b"\0" * 5_000_000)
        return memory(made, port) - before

    assert grown(called(graph()), Address("apply", "out"), model.files[0]) == 10_000_000
    apart = four(models)
    assert grown(with_pick(), Address("gain", "out"), apart.files[3]) == 10_000_000
    assert grown(with_pick(), Address("gain", "out"), apart.files[0]) == 0
