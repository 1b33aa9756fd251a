"""Draw the picture of scorers from the table on their page: docs/scorers.md to docs/scorers.svg.

    python benchmarks/scorers_picture.py            write the picture
    python benchmarks/scorers_picture.py --check    say whether it is up to date (exit code 1)

The table has a row per scorer, a column per song, cells `rank correlation, regret` (a regret alone where no scorer
chooses), and holds what scorers.py printed. Every regret is a dot, the bar is the mean.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import mean

PAGE = Path(__file__).parents[1] / "docs" / "scorers.md"
PICTURE = PAGE.with_suffix(".svg")
WIDTH, LEFT, RIGHT, TOP, ROW = 720, 150, 700, 16, 34
UNSCORED = ("random pick", "always plain Spleeter")
BLUE, GREY, TEXT, FAINT, LINE = "#3c78ff", "#8a94a3", "#1f2630", "#5b6470", "#e3e6ea"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    made = picture(regrets(PAGE.read_text(encoding="utf-8")))
    if not options.parse_args().check:
        PICTURE.write_text(made, encoding="utf-8")
    elif made != PICTURE.read_text(encoding="utf-8"):
        sys.exit(f"{PICTURE.name} is not up to date: python benchmarks/scorers_picture.py")


def regrets(page: str) -> dict[str, list[float]]:
    """The regrets in dB of every row of the table, by the name of the scorer."""
    found: dict[str, list[float]] = {}
    for line in page.split("| mean regret |\n")[1].splitlines()[1:]:
        if not line.startswith("|"):
            break
        name, *cells, _ = (cell.strip() for cell in line.strip("|").split("|"))
        label = name.strip("`").removeprefix("score.").removeprefix("a ").replace("pick at random", "random pick")
        found[label] = [float(cell.split(",")[-1]) for cell in cells if cell]
    return found


def picture(rows: dict[str, list[float]]) -> str:
    """The picture as SVG, choices without a scorer first, then from the least mean regret to the largest."""
    songs = max(map(len, rows.values()))
    most = int(max(max(row) for row in rows.values())) + 1
    scale = (RIGHT - LEFT) / most
    height = TOP + ROW * len(rows) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" role="img"><title>Regret of scorers in dB</title>'
        '<rect width="100%" height="100%" fill="#ffffff"/>'
    ]
    for number in range(most + 1):
        x = LEFT + number * scale
        parts.append(
            f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - 40}" stroke="{LINE}"/>'
            f'<text x="{x:.1f}" y="{height - 24}" text-anchor="middle" fill="{FAINT}">{number}</text>'
        )
    parts.append(
        f'<text x="{(LEFT + RIGHT) / 2:.1f}" y="{height - 6}" text-anchor="middle" fill="{FAINT}">'
        "dB lost against the best real output; a dot per song, the bar is the mean</text>"
    )
    order = sorted(rows, key=lambda name: (name not in UNSCORED, mean(rows[name])))
    for place, name in enumerate(order):
        y, row = TOP + ROW * place + 21, rows[name]
        colour = GREY if name in UNSCORED else BLUE
        label = name if len(row) == songs else f"{name} ({len(row)} songs)"
        parts.append(
            f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end" fill="{TEXT}">{label}</text>'
            f'<rect x="{LEFT}" y="{y - 7}" width="{mean(row) * scale:.1f}" height="14" fill="{colour}" opacity="0.28"/>'
        )
        parts += [f'<circle cx="{LEFT + regret * scale:.1f}" cy="{y}" r="4" fill="{colour}"/>' for regret in row]
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
