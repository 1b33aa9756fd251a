"""The frame that all pages share: one look, light and dark; nothing is fetched, and only our own script runs.

Text from graphs, songs and files is escaped wherever it is put in; the policy makes sure that what slipped through
would stay inert. Data for scripts goes through `as_json`, never into code. Styles and scripts lie beside the modules.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import Any


def page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """A whole HTML document. `body` is HTML whose texts are escaped already, `script` our own code."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data: blob:; "
        f"script-src {scripts}; base-uri 'none'; form-action 'none'"
    )
    code = f"<script>{script}</script>\n" if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{beside('frame.css')}{style}</style>\n</head>\n<body>\n{body}\n{code}</body>\n</html>\n"
    )


def beside(name: str) -> str:
    """A style sheet or script that lies beside this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def text(value: object) -> str:
    """A text from anywhere, for HTML: escaped, without characters that cannot be shown or turn the writing round."""
    plain = "".join(c if c.isprintable() or c == " " else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return escape(plain)


def as_json(name: str, data: Any) -> str:
    """Data for a script, as an element with an id; no text in it can end the element."""
    raw = json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json" id="{name}">{raw}</script>'


def table(head: list[str], rows: list[list[str]], right: frozenset[int] = frozenset()) -> str:
    """A table of cells that are HTML already; columns in `right` stand flush right."""
    mark = [' class="n"' if place in right else "" for place in range(len(head))]
    top = "".join(f"<th{m}>{cell}</th>" for m, cell in zip(mark, head, strict=True))
    lines = ["".join(f"<td{m}>{cell}</td>" for m, cell in zip(mark, row, strict=True)) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
