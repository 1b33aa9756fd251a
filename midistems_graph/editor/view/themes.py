"""Dear PyGui themes made from a palette; sizes follow the interface scale, for Dear PyGui scales text alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dearpygui.dearpygui as dpg

from midistems_graph.document.boxes import text_width
from midistems_graph.editor.view.palette import Color, Palette, faded, mixed

TEXT_SIZE = 14

FIGURE = 64.0
"""Pixels that a column of figures has at least, at scale 1."""


def build_theme(palette: Palette, scale: float = 1.0) -> int:
    """The theme of the whole interface; the caller binds it and deletes it when another takes its place."""
    p = palette
    colors: Mapping[int, Color] = {
        dpg.mvThemeCol_WindowBg: p.panel,
        dpg.mvThemeCol_ChildBg: faded(p.panel, 0),
        dpg.mvThemeCol_PopupBg: mixed(p.panel, p.raised, 0.5),
        dpg.mvThemeCol_Border: p.line,
        dpg.mvThemeCol_Text: p.text,
        dpg.mvThemeCol_TextDisabled: p.faint,
        dpg.mvThemeCol_FrameBg: p.raised,
        dpg.mvThemeCol_FrameBgHovered: p.raised_hover,
        dpg.mvThemeCol_FrameBgActive: p.raised_hover,
        dpg.mvThemeCol_Button: p.raised,
        dpg.mvThemeCol_ButtonHovered: p.raised_hover,
        dpg.mvThemeCol_ButtonActive: mixed(p.raised_hover, p.accent, 0.4),
        dpg.mvThemeCol_Header: mixed(p.raised, p.accent, 0.25),
        dpg.mvThemeCol_HeaderHovered: p.raised_hover,
        dpg.mvThemeCol_HeaderActive: mixed(p.raised_hover, p.accent, 0.4),
        dpg.mvThemeCol_CheckMark: p.accent,
        dpg.mvThemeCol_SliderGrab: p.accent,
        dpg.mvThemeCol_SliderGrabActive: p.accent,
        dpg.mvThemeCol_Separator: p.line,
        dpg.mvThemeCol_ScrollbarBg: faded(p.panel, 0),
        dpg.mvThemeCol_ScrollbarGrab: p.raised_hover,
        dpg.mvThemeCol_ScrollbarGrabHovered: p.faint,
        dpg.mvThemeCol_ScrollbarGrabActive: p.soft,
        dpg.mvThemeCol_TitleBg: p.panel,
        dpg.mvThemeCol_TitleBgActive: p.raised,
        dpg.mvThemeCol_TextSelectedBg: faded(p.accent, 90),
        dpg.mvThemeCol_PlotHistogram: p.accent,
        dpg.mvThemeCol_ModalWindowDimBg: (0, 0, 0, 110),
        dpg.mvThemeCol_NavHighlight: faded(p.accent, 140),
        dpg.mvThemeCol_TableHeaderBg: p.raised,
        dpg.mvThemeCol_TableBorderLight: p.line,
        dpg.mvThemeCol_TableBorderStrong: p.line,
    }
    sizes: Mapping[int, tuple[float, ...]] = {
        dpg.mvStyleVar_WindowPadding: (10, 10),
        dpg.mvStyleVar_FramePadding: (8, 4),
        dpg.mvStyleVar_ItemSpacing: (8, 6),
        dpg.mvStyleVar_ItemInnerSpacing: (6, 4),
        dpg.mvStyleVar_FrameRounding: (4,),
        dpg.mvStyleVar_WindowRounding: (6,),
        dpg.mvStyleVar_ChildRounding: (0,),
        dpg.mvStyleVar_PopupRounding: (6,),
        dpg.mvStyleVar_GrabRounding: (3,),
        dpg.mvStyleVar_GrabMinSize: (8,),
        dpg.mvStyleVar_ScrollbarSize: (10,),
        dpg.mvStyleVar_ScrollbarRounding: (5,),
        dpg.mvStyleVar_WindowBorderSize: (1,),
        dpg.mvStyleVar_ChildBorderSize: (0,),
    }
    keep = {dpg.mvStyleVar_WindowBorderSize, dpg.mvStyleVar_ChildBorderSize}
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        for target, color in colors.items():
            dpg.add_theme_color(target, color)
        for style, values in sizes.items():
            dpg.add_theme_style(style, *(v if style in keep else v * scale for v in values))
    with dpg.theme_component(dpg.mvCollapsingHeader, parent=theme):
        dpg.add_theme_color(dpg.mvThemeCol_Header, p.raised)
    return int(theme)


def add_columns(heads: Sequence[str], scale: float, stretched: Mapping[str, float]) -> None:
    """Columns of a table as wide as their heads need, and at least as a figure does; some take what is left, by weight.

    Their widths are said at once: a table that is made out of sight would find none of its own.
    """
    for head in heads:
        if head in stretched:
            dpg.add_table_column(label=head, width_stretch=True, init_width_or_weight=stretched[head])
        else:
            width = max(text_width(head, TEXT_SIZE) + 6, FIGURE) * scale
            dpg.add_table_column(label=head, width_fixed=True, init_width_or_weight=width)


def plot_theme() -> int:
    """The theme of a bare plot: no padding, no border, nothing behind it.

    Filling the canvas is most of a frame without a graphics card, so that the window's clear colour is its ground.
    """
    with dpg.theme() as theme, dpg.theme_component(dpg.mvPlot):
        for target in (dpg.mvPlotCol_FrameBg, dpg.mvPlotCol_PlotBg, dpg.mvPlotCol_PlotBorder):
            dpg.add_theme_color(target, (0, 0, 0, 0), category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_PlotPadding, 0, 0, category=dpg.mvThemeCat_Plots)
        dpg.add_theme_style(dpg.mvPlotStyleVar_PlotBorderSize, 0, category=dpg.mvThemeCat_Plots)
    return int(theme)


def flat_theme(background: Color, padding: tuple[float, float] = (0, 0)) -> int:
    """A child window with a ground and a padding of its own."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_ChildBg, background)
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, background)
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, *padding)
        dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 0)
    return int(theme)


def text_theme(color: Color) -> int:
    """Text in another colour."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_Text, color)
    return int(theme)


def quiet_button_theme(palette: Palette) -> int:
    """Buttons that show their ground only under the pointer."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Button, faded(palette.raised, 0))
    return int(theme)


def compact_theme(scale: float) -> int:
    """Small controls for a line of them."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 6 * scale, 2 * scale)
    return int(theme)


def tight_theme(scale: float) -> int:
    """Buttons with little around their words, for a line that is full."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 3 * scale, 4 * scale)
    return int(theme)


def chosen_button_theme(palette: Palette) -> int:
    """A button that is switched on."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Button, mixed(palette.raised, palette.accent, 0.55))
        dpg.add_theme_color(dpg.mvThemeCol_ButtonHovered, mixed(palette.raised, palette.accent, 0.65))
    return int(theme)


def dense_theme() -> int:
    """Rows that stand close together, for panels of many small controls."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 4, 1)
        dpg.add_theme_style(dpg.mvStyleVar_ItemSpacing, 6, 3)
    return int(theme)


def name_theme(palette: Palette, color: Color, padding: tuple[int, int] = (0, 4)) -> int:
    """A button that looks like the name of what stands beside it: quiet, its words on the left."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Button, faded(palette.raised, 0))
        dpg.add_theme_color(dpg.mvThemeCol_Text, color)
        dpg.add_theme_style(dpg.mvStyleVar_ButtonTextAlign, 0.0, 0.5)
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, *padding)
    return int(theme)
