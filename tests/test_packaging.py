"""The wheel works where no checkout is, and every library is declared and named with its licence."""

import ast
import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name != "dev"}
UNDECLARED = {"mkl-fft", "sounddevice", "torchaudio"}
"""Used where they happen to be installed."""

CALLED_OTHERWISE = {"yaml": "pyyaml"}
"""Packages of modules of another name that need not be installed here."""


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment into which the wheel is installed; other libraries are those of the tests."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("wheel")
    build: list[str | Path] = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    bin_folder = folder / "env" / "bin"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        bin_folder / "python",
        "install",
        "--no-deps",
        "--no-index",
        wheel,
    ]
    subprocess.run(pip, check=True, capture_output=True)
    (site,) = (folder / "env").glob("lib/*/site-packages")
    # Not a .pth of that folder itself: those in it, such as that of the editable install, are not followed.
    (site / "libraries.pth").write_text(sysconfig.get_path("platlib") + "\n", encoding="utf-8")
    return bin_folder


def output_of(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


PROBE = """
import json, midistems_graph, midistems_nodes
from midistems_graph.audio.demo import demo_stems
from midistems_graph.node import installed
from importlib.resources import files
package = files("midistems_graph")
print(json.dumps({
    "from": [midistems_graph.__file__, midistems_nodes.__file__],
    "nodes": sorted(installed().types),
    "demo": [str(path) for path in demo_stems().values()],
    "data": [path for path in %r if not (package / path).is_file()],
}))
"""


@pytest.mark.slow
def test_the_wheel_brings_nodes_demo_song_and_schemas(bin_folder: Path, tmp_path: Path) -> None:
    ours = ROOT / "midistems_graph"
    data = [str(p.relative_to(ours)) for kind in ("*.json", "*.toml") for p in ours.rglob(kind)]
    found = json.loads(output_of(bin_folder / "python", "-c", PROBE % ["py.typed", *data], cwd=tmp_path))
    here = output_of(sys.executable, "-c", PROBE % [], cwd=tmp_path)
    environment = str(bin_folder.parent)
    assert all(path.startswith(environment) for path in (*found["from"], *found["demo"]))
    assert found["nodes"] == json.loads(here)["nodes"]
    assert found["data"] == []


@pytest.mark.slow
def test_run_graph_of_the_wheel_knows_its_version_and_presets(bin_folder: Path, tmp_path: Path) -> None:
    from midistems_graph import __version__

    assert output_of(bin_folder / "run-graph", "--version", cwd=tmp_path).strip() == f"run-graph {__version__}"
    listed = output_of(bin_folder / "run-graph", "--list", cwd=tmp_path)
    assert [name for name in presets_of_the_checkout() if name not in listed] == []


@pytest.mark.slow
def test_run_graph_of_the_wheel_separates_the_demo_song(bin_folder: Path, tmp_path: Path) -> None:
    output_of(bin_folder / "run-graph", "four_stems", "demo", "--no-cache", "-o", "out", cwd=tmp_path)
    assert {path.stem.removeprefix("Demo - ") for path in (tmp_path / "out").glob("*.wav")} >= {
        "vocals",
        "drums",
        "bass",
    }


def test_an_editable_install_reads_presets_and_demo_song_from_the_checkout() -> None:
    from midistems_graph.audio.demo import demo_folder
    from midistems_graph.document.presets import presets

    assert demo_folder() == ROOT / "graphs" / "demo"
    assert [preset.name for preset in presets()] == presets_of_the_checkout()


def presets_of_the_checkout() -> list[str]:
    names = sorted(path.stem for path in (ROOT / "graphs").glob("*.json"))
    assert "four_stems" in names
    return names


def test_every_program_exists() -> None:
    modules = [target.partition(":")[0] for target in PROJECT["scripts"].values()]
    assert [module for module in modules if find_spec(module) is None] == []


def test_every_library_that_is_imported_is_declared() -> None:
    declared = UNDECLARED | names_in(PROJECT["dependencies"], *EXTRAS.values())
    makers = packages_distributions()
    missing = {
        f"{file.relative_to(ROOT)}: {module}"
        for folder in (ROOT / "midistems_graph", ROOT / "nodes")
        for file in folder.rglob("*.py")
        for module in foreign_imports(file)
        if not declared
        & {canonicalize_name(name) for name in (*makers.get(module, ()), CALLED_OTHERWISE.get(module, module))}
    }
    assert missing == set()


def foreign_imports(file: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports, without the standard library and our own."""
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names = [statement.module]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and not top.startswith("midistems_"):
                yield top


def test_every_dependency_has_a_lower_bound() -> None:
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    assert [line for line in lines if ">=" not in line] == []


def test_every_dependency_is_named_with_its_licence() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|", (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8"), re.M)
    direct = names_in(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    assert sorted((direct | brought_along(names_in(PROJECT["dependencies"]))) - dict(rows).keys()) == []
    assert [name for name, licence in rows if re.search(r"(?<!L)GPL", licence)] == []


def names_in(*requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for lines in requirements for line in lines}


def brought_along(names: set[str]) -> set[str]:
    """The packages and all that they need here, as their metadata say."""
    found: set[str] = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        found.add(name)
        for line in requires(name) or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                todo |= {canonicalize_name(need.name)} - found
    return found
