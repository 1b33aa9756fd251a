"""What the welcome offers and where it lies: a column of things to begin with, and presets as cards with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from midistems_graph.document.graph import Graph
from midistems_graph.editor.model.plane import Rect

COLUMN, ROW, HEADING = 320.0, 30.0, 34.0
NARROWEST, CARD_HEIGHT, GAP = 260.0, 196.0, 16.0
PICTURE_HEIGHT = 104.0
MARGIN = 24.0


@dataclass(frozen=True)
class Offer:
    """Something to begin with. `section` is the heading above it; presets carry their graph, to be drawn."""

    id: str
    section: str
    title: str
    hint: str = ""
    note: str = ""
    graph: Graph | None = None

    def answers(self, query: str) -> bool:
        """Whether it is meant by what was typed: every word is in its title, hint or note."""
        about = f"{self.title} {self.hint} {self.note}".lower()
        return all(word in about for word in query.lower().split())


@dataclass(frozen=True)
class Placed:
    """The offers that answer what was typed with their places, the headings, and how much room they take."""

    offers: tuple[tuple[Offer, Rect], ...]
    headings: tuple[tuple[str, float, float], ...]
    height: float

    def rect(self, offer_id: str) -> Rect | None:
        return next((rect for offer, rect in self.offers if offer.id == offer_id), None)

    def at(self, x: float, y: float) -> str:
        """The offer at a point, empty if there is none."""
        return next((offer.id for offer, rect in self.offers if rect.holds((x, y))), "")

    def beside(self, offer_id: str, way: Literal["Left", "Right", "Up", "Down"]) -> str:
        """The nearest offer in a direction; the same if there is none."""
        here = self.rect(offer_id)
        if here is None:
            return self.offers[0][0].id if self.offers else ""
        across = way in ("Left", "Right")
        sign = 1 if way in ("Right", "Down") else -1

        def far(rect: Rect) -> tuple[float, float] | None:
            dx, dy = rect.center[0] - here.center[0], rect.center[1] - here.center[1]
            ahead, aside = (dx, dy) if across else (dy, dx)
            overlap = (
                min(rect.bottom, here.bottom) > max(rect.top, here.top)
                if across
                else min(rect.right, here.right) > max(rect.left, here.left)
            )
            if sign * ahead <= 1 or (not across and not overlap):
                return None
            return (abs(ahead) + (0 if overlap else 4 * abs(aside)), abs(aside))

        ways = [(distance, offer.id) for offer, rect in self.offers if (distance := far(rect)) is not None]
        return min(ways)[1] if ways else offer_id


def placed(offers: Sequence[Offer], query: str, width: float) -> Placed:
    """Where everything lies in a page of a width; presets stand in as many columns as fit."""
    shown = [offer for offer in offers if offer.answers(query)]
    found: list[tuple[Offer, Rect]] = []
    headings: list[tuple[str, float, float]] = []
    y, section = 0.0, ""
    for offer in (one for one in shown if one.graph is None):
        if offer.section != section:
            section = offer.section
            y += GAP if headings else 0.0
            headings.append((section, MARGIN, y))
            y += HEADING
        found.append((offer, Rect(MARGIN, y, MARGIN + COLUMN, y + ROW)))
        y += ROW
    left = MARGIN + COLUMN + 2 * GAP
    room = width - left - MARGIN
    columns = max(int((room + GAP) // (NARROWEST + GAP)), 1)
    wide = max((room + GAP) / columns - GAP, NARROWEST)
    cards = [one for one in shown if one.graph is not None]
    if cards:
        headings.append((cards[0].section, left, 0.0))
    for number, offer in enumerate(cards):
        x = left + number % columns * (wide + GAP)
        top = HEADING + number // columns * (CARD_HEIGHT + GAP)
        found.append((offer, Rect(x, top, x + wide, top + CARD_HEIGHT)))
    height = max((rect.bottom for _, rect in found), default=0.0) + GAP
    return Placed(tuple(found), tuple(headings), height)
