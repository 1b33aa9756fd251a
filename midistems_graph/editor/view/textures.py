"""Pictures as textures: static ones only, for others leak. A picture that changes is a new texture.

A texture is deleted a few frames after nothing shows it any more; some drivers crash otherwise.
"""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from midistems_graph.audio.values import Float32

AFTER = 4
"""Frames between the last use of a texture and its end."""


class Textures:
    """Textures by the names of what they show."""

    def __init__(self) -> None:
        self._registry = dpg.add_texture_registry()
        self._tags: dict[str, int] = {}
        self._leaving: list[tuple[int, int]] = []

    def put(self, name: str, picture: Float32) -> int:
        """A texture of float32 RGBA [height, width, 4]; the one of the same name before it goes soon."""
        height, width, _ = picture.shape
        self.drop(name)
        flat = np.ascontiguousarray(picture, np.float32).ravel()
        self._tags[name] = int(dpg.add_static_texture(width, height, flat, parent=self._registry))
        return self._tags[name]

    def drop(self, name: str) -> None:
        tag = self._tags.pop(name, 0)
        if tag:
            self._leaving.append((tag, AFTER))

    def __getitem__(self, name: str) -> int:
        """The texture of a name, 0 if there is none."""
        return self._tags.get(name, 0)

    def __len__(self) -> int:
        return len(self._tags) + len(self._leaving)

    def tick(self) -> None:
        """A frame was drawn."""
        for tag, left in self._leaving:
            if left == 0:
                dpg.delete_item(tag)
        self._leaving = [(tag, left - 1) for tag, left in self._leaving if left > 0]
