"""What the documentation says is true: its code runs, its links lead somewhere, the node reference is up to date.

A page is carried out from top to bottom in an empty folder. A block after `<!-- file: NAME -->` is written
to that file, `python` blocks share one namespace, `sh` blocks are commands that must succeed. A block
after `<!-- not run: why -->` is left alone.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from midistems_graph.document.presets import presets

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(ROOT.glob("*.md")) + sorted(DOCS.rglob("*.md"))
ELSEWHERE = {DOCS / "run-graph.md", *(DOCS / "presets").glob("*.md")}
"""Pages whose code other tests run."""

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<what>.*?) -->\n+)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page; `file` is where it is to be written."""

    language: str
    code: str
    line: int
    file: str = ""
    skipped: bool = False


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        file = found["what"] if found["mark"] == "file" else ""
        line = text.count("\n", 0, found.start("code")) + 1
        yield Block(found["language"], found["code"], line, file, found["mark"] == "not run")


def to_do(page: Path) -> list[Block]:
    """The blocks of a page that are carried out here."""
    if page in ELSEWHERE:
        return []
    return [block for block in blocks(page) if not block.skipped and (block.file or block.language in ("sh", "python"))]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def write_files(page: Path, folder: Path) -> None:
    for block in blocks(page):
        if block.file:
            (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.file).write_text(block.code, encoding="utf-8")


def environment(cache: Path, **more: str) -> dict[str, str]:
    """Programs of this environment, a cache of these tests' own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(cache), **more}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all pages: most of them separate the same demo song, as a reader does who goes from one to the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if to_do(page)], ids=named)
def test_a_page_does_what_it_says(page: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in to_do(page):
        if block.file:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            exec(compile("\n" * (block.line - 1) + block.code, page, "exec"), names)
        else:
            command = ["bash", "-euo", "pipefail", "-c", block.code]
            done = subprocess.run(command, env=environment(cache), capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{named(page)}, line {block.line}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_the_pack_of_write_a_node_installs_and_runs(tmp_path: Path) -> None:
    write_files(DOCS / "write-a-node.md", tmp_path)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--target", "site", "./studio-pack"], cwd=tmp_path, check=True, capture_output=True)
    env = environment(tmp_path / "cache", PYTHONPATH=str(tmp_path / "site"))
    command = ["run-graph", "tremolo.json", "demo", "--no-cache", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "Demo - tremolo.wav").is_file()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = [a or b for a, b in LINK.findall(text)]
    assert [target for target in targets if not leads_somewhere(page, target)] == []


def leads_somewhere(page: Path, target: str) -> bool:
    if target.startswith(("https://", "mailto:")):
        return True
    path, _, anchor = target.partition("#")
    file = (page.parent / path) if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached or page.suffix != ".md" or not page.is_file():
            continue
        reached.add(page)
        links = LINK.findall(page.read_text(encoding="utf-8"))
        todo += [(page.parent / (a or b).partition("#")[0]).resolve() for a, b in links]
    assert [named(page) for page in PAGES if page not in reached] == []


def test_tests_that_the_architecture_names_exist() -> None:
    named_there = set(re.findall(r"\btest_\w+", (DOCS / "architecture.md").read_text(encoding="utf-8")))
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in (file.stem, *re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M))
    }
    assert sorted(named_there - defined) == []


def test_every_preset_has_a_page_with_its_picture() -> None:
    without = [
        preset.name
        for preset in presets()
        if not (page := DOCS / "presets" / f"{preset.name}.md").exists()
        or f"]({preset.name}.svg)" not in page.read_text(encoding="utf-8")
    ]
    assert without == []


def test_the_node_reference_is_up_to_date() -> None:
    check: list[str | Path] = [sys.executable, DOCS / "make_docs.py", "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
