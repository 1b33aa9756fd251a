"""What the editor remembers of a person's choices: window, theme, scale, sound device, keys."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from midistems_graph.editor.model.bands import OWN_HZ
from midistems_graph.editor.model.settings_file import config_folder, read_json, write_json
from midistems_graph.editor.model.shortcuts import Shortcuts
from midistems_graph.editor.model.views import Views

Theme = Literal["dark", "light"]
SCALES = (0.75, 3.0)
SCALE_STEPS = (0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
"""Interface scales that are offered."""

SMALLEST_WINDOW = (640, 480)
VOLUME_DB = (-60.0, 0.0)


@dataclass(frozen=True)
class Settings:
    """Choices with their defaults. `device` is empty for the system's own, `block` the frames per callback, `band` the
    band of one's own in Hz."""

    theme: Theme = "dark"
    ui_scale: float = 1.0
    window: tuple[int, int] = (1280, 800)
    device: str = ""
    block: int = 512
    minimap: bool = True
    recent_types: tuple[str, ...] = ()
    shortcuts: Shortcuts = field(default_factory=Shortcuts)
    views: Views = field(default_factory=Views)
    volume_db: float = 0.0
    band: tuple[float, float] = (300.0, 3000.0)

    @classmethod
    def load(cls, folder: Path | None = None) -> tuple[Settings, list[str]]:
        """The settings in the user's folder, and a sentence for what in them cannot be used."""
        return cls.from_data(read_json((folder or config_folder()) / "settings.json"))

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> tuple[Settings, list[str]]:
        """Settings from plain data; what is not usable keeps its default and is said."""
        shortcuts, said = Shortcuts.from_data(data.get("shortcuts", {}))
        views, more = Views.from_data(data.get("views", {}))
        said += more
        found: dict[str, Any] = {"shortcuts": shortcuts, "views": views}
        for name, value in data.items():
            check = _CHECKS.get(name)
            if check is None:
                continue
            usable = check(value)
            if usable is None:
                said.append(f"settings: {name} cannot be {value!r:.40}; its usual value is taken")
            else:
                found[name] = usable
        return cls(**found), said

    def save(self, folder: Path | None = None) -> bool:
        """Write what differs from the defaults; False if the folder may not be written."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("shortcuts", "views")}
        usual = asdict(Settings())
        data = {name: list(v) if isinstance(v, tuple) else v for name, v in plain.items() if v != usual[name]}
        if views := self.views.as_data():
            data["views"] = views
        if self.shortcuts.changed:
            data["shortcuts"] = self.shortcuts.as_data()
        return write_json((folder or config_folder()) / "settings.json", data)

    def with_other_theme(self) -> Settings:
        return replace(self, theme="light" if self.theme == "dark" else "dark")

    def scaled(self, steps: int) -> Settings:
        """The same at the next larger or smaller interface scale that is offered."""
        larger = [step for step in SCALE_STEPS if step > self.ui_scale + 1e-6]
        smaller = [step for step in SCALE_STEPS if step < self.ui_scale - 1e-6]
        found = larger[:1] if steps > 0 else smaller[-1:]
        return replace(self, ui_scale=found[0]) if found else self

    def with_recent_type(self, type_id: str, most: int = 12) -> Settings:
        """The same, with a node type as the one that was used last."""
        used = (type_id, *(one for one in self.recent_types if one != type_id))[:most]
        return replace(self, recent_types=used)


def _scale(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and SCALES[0] <= value <= SCALES[1] else None  # type: ignore[arg-type, operator]


def _window(value: object) -> tuple[int, int] | None:
    match value:
        case [int(width), int(height)] if width >= SMALLEST_WINDOW[0] and height >= SMALLEST_WINDOW[1]:
            return min(width, 16_384), min(height, 16_384)
    return None


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) and all(isinstance(one, str) for one in value) else None


def _band(value: object) -> tuple[float, float] | None:
    match value:
        case [int() | float() as low, int() | float() as high] if OWN_HZ[0] <= low < high <= OWN_HZ[1]:
            return float(low), float(high)
    return None


def _volume(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and VOLUME_DB[0] <= value <= VOLUME_DB[1] else None  # type: ignore[arg-type, operator]


_CHECKS = {
    "theme": lambda v: v if v in ("dark", "light") else None,
    "ui_scale": _scale,
    "window": _window,
    "device": lambda v: v if isinstance(v, str) else None,
    "block": lambda v: v if v in (64, 128, 256, 512, 1024, 2048, 4096) else None,
    "volume_db": _volume,
    "band": _band,
    "minimap": lambda v: v if isinstance(v, bool) else None,
    "recent_types": _texts,
}
