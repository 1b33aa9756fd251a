"""The one table of stem names: what stems are called here, and what other tools call them.

`canonical` answers for a single name; file names of other tools are matched through it as well. A
name may be a path (`drums/kick`); every part of it is looked up on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

STEM_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vocals": ("vocal", "vox", "voice", "voices", "singing", "acapella", "a_cappella", "acappella"),
        "instrumental": (
            "instrumentals", "inst", "instrum", "instru", "accompaniment", "backing", "backing_track", "karaoke",
            "no_vocals", "no_vocal", "novocals", "minus_vocals", "minus_one", "music",
        ),
        "lead_vocals": ("lead_vocal", "lead_vox", "lead_voice", "main_vocals", "main_vocal"),
        "backing_vocals": (
            "backing_vocal", "back_vocals", "back_vocal", "background_vocals", "background_vocal", "bgv", "bvs",
            "backing_vox", "choir", "harmony_vocals", "harmonies",
        ),
        "drums": ("drum", "drumkit", "drum_kit", "kit"),
        "no_drums": ("drumless", "minus_drums"),
        "bass": ("bass_guitar", "electric_bass"),
        "no_bass": ("bassless", "minus_bass"),
        "other": ("others", "rest", "misc", "remaining"),
        "no_other": ("minus_other",),
        "guitar": ("guitars", "gtr", "electric_guitar"),
        "acoustic_guitar": ("acoustic_gtr", "acoustic_guitars"),
        "piano": ("pianos", "grand_piano"),
        "keys": ("keyboard", "keyboards"),
        "organ": ("organs",),
        "synth": ("synths", "synthesizer", "synthesiser"),
        "strings": ("string",),
        "wind": ("winds", "woodwinds", "woodwind"),
        "brass": ("horns",),
        "saxophone": ("sax", "saxophones"),
        "flute": ("flutes",),
        "violin": ("violins", "fiddle"),
        "kick": ("kick_drum", "bass_drum", "bd", "kik"),
        "snare": ("snare_drum", "snares", "sd"),
        "hats": ("hat", "hi_hat", "hi_hats", "hihat", "hihats", "hh"),
        "toms": ("tom", "tom_toms"),
        "cymbals": ("cymbal",),
        "ride": ("ride_cymbal",),
        "crash": ("crash_cymbal",),
        "percussion": ("perc", "percussions"),
        "percussive": (),
        "harmonic": (),
        "residual": ("residue", "residuum", "remainder"),
        "mixture": ("mix", "original", "full_mix"),
        "speech": ("dialog", "dialogue", "narration"),
        "effects": ("effect", "sfx", "fx"),
        "dry": ("no_reverb", "noreverb", "dereverb", "dereverbed"),
        "reverb": ("room", "wet"),
        "no_noise": ("denoised", "clean"),
        "noise": ("hiss",),
        "crowd": ("audience", "applause"),
        "male": ("male_vocals", "male_voice"),
        "female": ("female_vocals", "female_voice"),
    }
)  # fmt: skip
"""Canonical names with their aliases; both as `simplified` writes them."""

_CANONICAL = {alias: name for name, aliases in STEM_NAMES.items() for alias in (name, *aliases)}


def canonical(name: str) -> str:
    """The name that a stem has here: `Vocal`, `(Vocals)`, `voice` are all `vocals`.

    A name that is not in the table comes back simplified: lower case, words joined by `_`.
    """
    return "/".join(_CANONICAL.get(part, part) for part in map(simplified, name.split("/")))


def simplified(name: str) -> str:
    """Lower case, with every run of other characters than letters and digits as one `_` between words."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def find(name: str, names: Iterable[str]) -> list[str]:
    """Which of the names are meant: the one that is equal, else what lies below that branch, else the same by
    canonical name. Empty if none."""
    have = list(names)
    for spelling in (str, canonical):
        wanted = spelling(name)
        equal = [one for one in have if spelling(one) == wanted]
        if equal:
            return equal[:1]
        below = [one for one in have if spelling(one).startswith(wanted + "/")]
        if below:
            return below
    return []


def in_file_name(name: str) -> str:
    """The stem that a file name without extension speaks of: `My Song_(Vocals)_model_v2` is `vocals`.

    Looked for in brackets first, then among the words from the last to the first; a name that says
    nothing known is kept as it is.
    """
    bracketed = re.findall(r"[(\[]([^)\]]+)[)\]]", name)
    words = simplified(name).split("_")
    runs = ["_".join(words[i:j]) for size in (3, 2, 1) for j in range(len(words), 0, -1) if (i := j - size) >= 0]
    for part in (*map(simplified, bracketed), *runs):
        if part in _CANONICAL:
            return _CANONICAL[part]
    return name
