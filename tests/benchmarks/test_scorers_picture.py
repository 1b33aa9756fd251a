"""The picture of scorers shows the table on their page."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_picture_is_drawn_from_the_table():
    spec = importlib.util.spec_from_file_location("scorers_picture", ROOT / "benchmarks" / "scorers_picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = module.regrets(module.PAGE.read_text(encoding="utf-8"))
    assert "random pick" in rows and "correlation" in rows and all(len(row) >= 3 for row in rows.values())
    assert module.picture(rows) == module.PICTURE.read_text(encoding="utf-8")
