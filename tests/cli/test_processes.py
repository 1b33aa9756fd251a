"""run-graph as a process: how quickly it answers, how it is stopped, killed, resumed and shared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import SPLIT_EDGES, write_graph, write_song

from midistems_graph.cli.library_noise import noise_file
from midistems_graph.engine.store import DiskStore, default_store_folder

posix = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

RUN = [sys.executable, "-m", "midistems_graph.cli.run_graph"]
SLOW = {"load": "io.load", "hpss": ("separate.hpss", {"harmonic_frames": 61}), "save": "io.save",
        "null": "measure.null_depth"}  # fmt: skip


@pytest.fixture
def slow(home: Path) -> list[str]:
    """A run of several tiles, each of which takes a while."""
    write_song(home / "long.wav", seconds=41, channels=1)
    return [str(write_graph(home / "slow.json", SLOW, *SPLIT_EDGES)), "long.wav", "-o", "out", "--jobs", "1"]


def _started(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen([*RUN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for_values(count: int, process: subprocess.Popen[str]) -> None:
    """Until the store holds so many values."""
    folder = default_store_folder() / "values"
    while sum(path.is_file() for path in folder.rglob("*")) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("module", ["run_graph", "main"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_imports_nothing_heavy(module: str, option: str) -> None:
    script = (
        f"import sys; from midistems_graph.cli.{module} import main; code = main(['{option}']); "
        "print(code, *sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    code, *modules = done.stderr.split()
    assert code == "0" and done.stdout
    assert not {"numpy", "scipy", "networkx", "rich", "soundfile", "msgpack"} & set(modules)


def test_a_second_run_imports_only_what_it_needs(split: Path, song: Path) -> None:
    script = (
        "import sys; from midistems_graph.cli.run_graph import main; "
        f"print(main([{str(split)!r}, {str(song)!r}, '--quiet', '--json']) and 'failed', *sorted(sys.modules), "
        "file=sys.stderr)"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True) for _ in range(2)]
    code, *modules = runs[1].stderr.split()
    assert code == "0" and not {"networkx", "scipy.fft", "scipy.signal", "PIL", "av"} & set(modules)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_keeps_what_was_computed(slow: list[str], number: signal.Signals) -> None:
    process = _started(slow)
    _wait_for_values(6, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err and "stopped" in err
    assert not list(Path().glob("out/**/*.wav")) and not list(Path().glob("out/**/.midistems*.part*"))
    with DiskStore(default_store_folder()) as store:
        assert store.verify().sound and store.size() > 0


@posix
def test_a_killed_run_is_resumed_where_it_was(slow: list[str]) -> None:
    process = _started(slow)
    _wait_for_values(6, process)
    process.kill()
    process.communicate()
    done = subprocess.run([*RUN, *slow, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    units = {node["id"]: node["units"] for node in json.loads(done.stdout)["nodes"]}
    assert sum(units["load"].values()) == sum(units["hpss"].values()) == 5
    assert units["load"]["cached"] + units["hpss"].get("cached", 0) >= 5
    assert sorted(path.suffix for path in Path("out").iterdir()) == [".json", ".wav", ".wav", ".wav"]


def test_two_processes_share_one_store_and_agree(split: Path, song: Path) -> None:
    both = [_started([str(split), str(song), "-o", folder, "--json"]) for folder in ("a", "b")]
    assert [process.communicate()[1] and process.returncode for process in both] == [0, 0]
    for name in ("harmonic", "percussive", "residual"):
        assert Path(f"a/song - {name}.wav").read_bytes() == Path(f"b/song - {name}.wav").read_bytes()


def test_what_libraries_print_stays_out_of_the_way() -> None:
    script = (
        "import os, sys\n"
        "from midistems_graph.cli.guard import guarded\n"
        "guarded(lambda: (os.write(2, b'noise'), print('ours', file=sys.stderr)), repr)\n"
        "print('after', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == "ours\nafter\n" and noise_file().read_text() == "noise"


@posix
def test_a_reader_that_goes_away_is_no_fault(split: Path, song: Path) -> None:
    process = _started([str(split), str(song), "-o", "out"])
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.wait()
    process.stderr.close()
    assert "Traceback" not in err and "Exception" not in err
    assert len(list(Path("out").glob("*.wav"))) == 3


def test_memory_is_that_of_the_process_and_not_of_what_began_it() -> None:
    told = "from midistems_graph.cli.result import peak_memory; print(peak_memory())"
    began_by_a_large_one = f"""
import subprocess, sys
held = bytearray(1_000_000_000)
print(subprocess.run([sys.executable, "-c", {told!r}], capture_output=True, text=True, check=True).stdout)
"""
    ended = subprocess.run([sys.executable, "-c", began_by_a_large_one], capture_output=True, text=True, check=True)
    assert 5_000_000 < int(ended.stdout) < 500_000_000
