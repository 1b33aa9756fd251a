"""Which key does what: data that people may change, kept apart from the commands themselves.

A chord is written `Ctrl+Shift+Z`: modifiers in the order Ctrl, Shift, Alt, then one key. On a Mac, Ctrl
stands for the command key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from midistems_graph.editor.model.commands import COMMANDS

MODIFIERS = ("Ctrl", "Shift", "Alt")

_KEYS = (
    "Tab Enter Escape Space Delete Backspace Left Right Up Down Home End PageUp PageDown Insert "
    "Plus Minus Comma Period Slash F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12"
)
NAMED_KEYS = frozenset(_KEYS.split())

DEFAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "undo": ("Ctrl+Z",),
        "redo": ("Ctrl+Shift+Z", "Ctrl+Y"),
        "delete": ("Delete", "Backspace"),
        "delete_cut": ("Shift+Delete",),
        "duplicate": ("Ctrl+D",),
        "duplicate_wired": ("Ctrl+Shift+D",),
        "disconnect": ("X",),
        "copy": ("Ctrl+C",),
        "cut": ("Ctrl+X",),
        "paste": ("Ctrl+V",),
        "paste_wired": ("Ctrl+Shift+V",),
        "palette": ("Tab",),
        "rename": ("F2",),
        "bypass": ("B",),
        "mute": ("M",),
        "lock": ("K",),
        "group": ("Ctrl+G",),
        "unpack": ("Ctrl+Shift+G",),
        "enter": ("Enter",),
        "leave": ("Ctrl+Up",),
        "iteration_before": ("Shift+I",),
        "iteration_next": ("I",),
        "frame": ("Ctrl+F",),
        "note": ("N",),
        "select_all": ("Ctrl+A",),
        "select_none": ("Ctrl+Shift+A",),
        "invert": ("Ctrl+I",),
        "upstream": ("Ctrl+Left",),
        "downstream": ("Ctrl+Right",),
        "align_left": ("Alt+Left",),
        "align_right": ("Alt+Right",),
        "align_top": ("Alt+Up",),
        "align_bottom": ("Alt+Down",),
        "align_center": ("Shift+Alt+C",),
        "align_middle": ("Shift+Alt+M",),
        "distribute_across": ("Shift+Alt+Right",),
        "distribute_down": ("Shift+Alt+Down",),
        "layout": ("L",),
        "nudge_left": ("Left",),
        "nudge_right": ("Right",),
        "nudge_up": ("Up",),
        "nudge_down": ("Down",),
        "look_at_all": ("Home",),
        "look_at_selection": ("F",),
        "minimap": ("Ctrl+M",),
        "larger": ("Ctrl+Plus",),
        "smaller": ("Ctrl+Minus",),
        "settings": ("Ctrl+Comma",),
        "shortcuts": ("F1",),
        "log": ("F8",),
        "views_shows": ("Shift+V",),
        "views_scale": ("Alt+S",),
        "views_channel": ("Alt+C",),
        "views_range": ("Alt+R",),
        "views_brighter": ("Alt+PageUp",),
        "views_darker": ("Alt+PageDown",),
        "views_compare": ("Alt+D",),
        "views_large": ("V",),
        "views_all": ("Shift+Home",),
        "paint": ("P",),
        "paint_shape": ("Shift+P",),
        "paint_edit": ("Alt+P",),
        "paint_gain": ("Alt+G",),
        "paint_width": ("Alt+W",),
        "views_in": ("Plus",),
        "views_out": ("Minus",),
        "new": ("Ctrl+N",),
        "welcome": ("Ctrl+Home",),
        "separate": ("Ctrl+B",),
        "songs": ("Ctrl+T",),
        "next_song": ("Ctrl+PageDown",),
        "previous_song": ("Ctrl+PageUp",),
        "import": ("Ctrl+Shift+O",),
        "inputs": ("Alt+I",),
        "open": ("Ctrl+O",),
        "save": ("Ctrl+S",),
        "save_as": ("Ctrl+Shift+S",),
        "export": ("Ctrl+E",),
        "answer": ("Ctrl+Shift+R",),
        "quit": ("Ctrl+Q",),
        "found": ("Ctrl+Shift+F",),
        "search": ("Ctrl+Shift+T",),
        "play": ("Space",),
        "stop": ("Shift+Space",),
        "loop": ("Ctrl+L",),
        "half_speed": ("H",),
        "back": ("Comma",),
        "forward": ("Period",),
        "compare": ("A",),
        "hear_a": ("Alt+A",),
        "hear_b": ("Alt+B",),
        "difference": ("D",),
        "boost": ("Shift+D",),
        "match": ("Shift+A",),
        "mid": ("Alt+1",),
        "side": ("Alt+2",),
        "band_low": ("Alt+3",),
        "band_middle": ("Alt+4",),
        "band_high": ("Alt+5",),
        "band_own": ("Alt+6",),
        "band_set": ("Shift+Alt+6",),
        "louder": ("Shift+Up",),
        "quieter": ("Shift+Down",),
        "abx": ("Alt+T",),
        "hear_x": ("Alt+X",),
        "answer_a": ("Shift+Alt+A",),
        "answer_b": ("Shift+Alt+B",),
        "stem_up": ("PageUp",),
        "stem_down": ("PageDown",),
        "stem_solo": ("S",),
        "stem_mute": ("Shift+S",),
        "stem_louder": ("Shift+PageUp",),
        "stem_quieter": ("Shift+PageDown",),
        "stem_reset": ("Ctrl+Alt+S",),
        "export_sound": ("Ctrl+Shift+E",),
        "sound_device": ("F9",),
        **{f"hear_{i}": (str(i),) for i in range(10)},
        **{f"keep_{i}": (f"Ctrl+{i}",) for i in range(10)},
        "run": ("Ctrl+Enter",),
        "cancel": ("Ctrl+Period",),
    }
)


class ChordError(ValueError):
    """A key is not written as it should be, in one sentence."""


@dataclass(frozen=True)
class Shortcuts:
    """Chords by command; those that nobody changed are the defaults."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_data(cls, data: object) -> tuple[Shortcuts, list[str]]:
        """What a settings file says, and a sentence for everything in it that cannot be used."""
        changed: dict[str, tuple[str, ...]] = {}
        said: list[str] = []
        for command, chords in data.items() if isinstance(data, dict) else ():
            if command not in COMMANDS:
                said.append(f"there is no command {command!r:.60}; its keys are left out")
                continue
            several = [chords] if isinstance(chords, str) else chords
            try:
                if not isinstance(several, list | tuple):
                    raise ChordError(f"{chords!r:.60} is no key; write one such as 'Ctrl+D'")
                changed[command] = tuple(chord(one) for one in several)
            except ChordError as error:
                said.append(f"{command}: {error}")
        return cls(changed), said

    def as_data(self) -> dict[str, list[str]]:
        return {command: list(chords) for command, chords in sorted(self.changed.items())}

    def chords(self, command: str) -> tuple[str, ...]:
        return self.changed.get(command, DEFAULTS.get(command, ()))

    def command(
        self, key: str, *, ctrl: bool = False, shift: bool = False, alt: bool = False, typing: bool = False
    ) -> str:
        """The command of a pressed key, empty if it has none; nothing happens while a text is being typed.

        Of several commands with one chord the one that somebody chose wins, then the first.
        """
        if typing:
            return ""
        pressed = "+".join([name for name, held in zip(MODIFIERS, (ctrl, shift, alt), strict=True) if held] + [key])
        with_it = [command for command in COMMANDS if pressed in self.chords(command)]
        return next((c for c in with_it if c in self.changed), with_it[0] if with_it else "")

    def rebound(self, command: str, *chords: str) -> Shortcuts:
        """The same with other keys for a command (none at all: it has no key). Raises ChordError."""
        if command not in COMMANDS:
            raise ChordError(f"there is no command {command!r}")
        wanted = tuple(chord(one) for one in chords)
        changed = {name: keys for name, keys in self.changed.items() if name != command}
        return Shortcuts(changed if wanted == DEFAULTS.get(command, ()) else {**changed, command: wanted})

    def reset(self, command: str) -> Shortcuts:
        return Shortcuts({name: keys for name, keys in self.changed.items() if name != command})

    @property
    def conflicts(self) -> list[str]:
        """A sentence for every chord that two commands have."""
        by_chord: dict[str, list[str]] = {}
        for command in COMMANDS:
            for one in self.chords(command):
                by_chord.setdefault(one, []).append(command)
        return [
            f"{one} belongs to {' and to '.join(COMMANDS[c].title for c in commands)}; give all but one another key"
            for one, commands in sorted(by_chord.items())
            if len(commands) > 1
        ]

    def listed(self) -> list[tuple[str, str, str]]:
        """Group, title and chords of every command, for the help page."""
        return [(c.about, c.title, ", ".join(self.chords(c.name))) for c in COMMANDS.values()]


def chord(text: object) -> str:
    """A chord as it is written here: `shift+ctrl+z` becomes `Ctrl+Shift+Z`; raises ChordError."""
    if not isinstance(text, str) or not text.strip():
        raise ChordError(f"{text!r:.60} is no key; write one such as 'Ctrl+D'")
    *held, key = [part.strip() for part in text.split("+")]
    names = {name.lower(): name for name in MODIFIERS}
    unknown = next((part for part in held if part.lower() not in names), None)
    if unknown is not None:
        raise ChordError(f"{unknown!r:.20} in {text!r:.40} is no modifier; there are {', '.join(MODIFIERS)}")
    keys = {name.lower(): name for name in NAMED_KEYS}
    known = keys.get(key.lower(), key.upper() if len(key) == 1 and key.isascii() and key.isalnum() else "")
    if not known:
        raise ChordError(f"{key!r:.20} in {text!r:.40} is no key; write a letter, a digit, or a name such as Delete")
    pressed = {names[part.lower()] for part in held}
    return "+".join([name for name in MODIFIERS if name in pressed] + [known])
