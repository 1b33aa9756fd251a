"""The layers of the architecture: imports go downward only, packs use the public node API only."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("audio", "document", "node", "models", "rules", "engine", "pages", "editor", "cli")
"""From the bottom up; a module imports from its own layer and from those before it."""

PACKAGE = ROOT / "midistems_graph"
PUBLIC = ("midistems_graph.node", "midistems_graph.models", "midistems_graph.audio")
"""What packs may import."""

PACK = ROOT / "nodes" / "midistems_nodes"


def imports(file: Path) -> Iterator[str]:
    """The full names of all modules that a file imports, at its top or inside functions."""
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0 and statement.module, f"{file}: imports are written in full here"
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def in_folder(folder: Path) -> list[Path]:
    files = sorted(folder.rglob("*.py"))
    assert files
    return files


def test_every_package_is_a_layer() -> None:
    packages = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert packages - {"presets"} <= set(LAYERS)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if (PACKAGE / layer).is_dir()])
def test_imports_go_downward(layer: str) -> None:
    allowed = [f"midistems_graph.{name}" for name in LAYERS[: LAYERS.index(layer) + 1]]
    upward = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in in_folder(PACKAGE / layer)
        for name in imports(file)
        if within(name, "midistems_graph") and not within(name, *allowed) and name != "midistems_graph.__version__"
    ]
    assert upward == []


def test_the_node_library_uses_the_public_node_api_only() -> None:
    foreign = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in in_folder(PACK)
        for name in imports(file)
        if within(name, "midistems_graph") and not within(name, *PUBLIC)
    ]
    assert foreign == []


def test_packs_are_found_through_their_entry_point_only() -> None:
    naming = [
        str(file.relative_to(ROOT))
        for file in in_folder(PACKAGE)
        if any(within(name, "midistems_nodes") for name in imports(file))
    ]
    assert naming == []


def test_the_editor_alone_imports_dearpygui() -> None:
    using = [
        str(file.relative_to(ROOT))
        for file in (*in_folder(PACKAGE), *in_folder(PACK))
        if any(within(name, "dearpygui") for name in imports(file)) and not file.is_relative_to(PACKAGE / "editor")
    ]
    assert using == []


def test_only_the_conversion_of_checkpoints_imports_pytorch() -> None:
    """And only its own command imports the conversion, when it is given."""
    conversion = PACKAGE / "models" / "export"
    using = {
        str(file.relative_to(PACKAGE))
        for file in (*in_folder(PACKAGE), *in_folder(PACK))
        for name in imports(file)
        if within(name, "torch", "torchaudio", "safetensors", "midistems_graph.models.export")
        and not file.is_relative_to(conversion)
    }
    assert using == {"cli/export.py"}
    code = "import sys, midistems_graph.cli.export; sys.exit('midistems_graph.models.export' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_the_package_loads_no_numpy() -> None:
    code = "import sys, midistems_graph; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_batchs_worker_begins_without_what_only_screens_and_downloads_need() -> None:
    code = (
        "import sys, midistems_graph.cli.batch.song_worker; "
        "sys.exit(', '.join(sys.modules.keys() & {'rich', 'urllib.request', 'ssl'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.strip() == ""
