"""Measures over a setting, and one against another, as a picture; matplotlib's only importer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL = (4.4, 3.9)  # inches
DPI = 120
# Okabe & Ito's colours, told apart by colour-blind readers too.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#444444")
MARKERS = "osD^vPX"
STYLE: Any = {"font.size": 9.5, "axes.spines.top": False, "axes.spines.right": False}


@dataclass(frozen=True)
class Measure:
    """One thing measured.

    Attributes:
        title: what it is.
        unit: of the axis, with what is better.
        marks: name → value of what is drawn as a level for comparison, such as the input.
    """

    title: str
    unit: str
    marks: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Curve:
    """Points that belong together: x, and measure's name → (low, mean, high) at each x."""

    label: str
    x: Sequence[float]
    values: Mapping[str, Sequence[tuple[float, float, float]]]


def draw(
    curves: Sequence[Curve],
    measures: Mapping[str, Measure],
    *,
    x: str,
    against: tuple[str, str],
    title: str = "",
    notes: str = "",
) -> bytes:
    """A PNG: each measure over x, then one measure against another with x at the points.

    Args:
        curves: where low and high differ, the range is shaded.
        measures: name → what it is, a panel each.
        x: what the curves run over.
        against: names of the measures of the last panel, across and up.
    """
    with _figure(len(measures) + 1, 1) as (file, figure, panels):
        for panel, (name, measure) in zip(panels, measures.items(), strict=False):
            _over(panel, curves, name, measure, x)
        _against(panels[-1], curves, measures, against, x)
        _edges(figure, panels[0], curves, title, notes)
    return file.getvalue()


def draw_over(
    curves: Sequence[Curve], measures: Mapping[str, Measure], *, x: str, title: str = ""
) -> bytes:
    """A PNG: each measure over x in a panel of its own, at most four to a row; see `draw`."""
    rows = -(-len(measures) // 4)
    with _figure(-(-len(measures) // rows), rows) as (file, figure, panels):
        for panel, (name, measure) in zip(panels, measures.items(), strict=False):
            _over(panel, curves, name, measure, x)
        for panel in panels[len(measures) :]:
            panel.set_axis_off()
        _edges(figure, panels[0], curves, title, "")
    return file.getvalue()


@contextmanager
def _figure(columns: int, rows: int) -> Iterator[tuple[io.BytesIO, Figure, list[Axes]]]:
    """A figure with its panels, drawn into the file at the end as a PNG."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        size = (PANEL[0] * columns, PANEL[1] * rows + 0.5)
        figure, file = Figure(size, layout="constrained", dpi=DPI), io.BytesIO()
        FigureCanvasAgg(figure)
        yield file, figure, list(figure.subplots(rows, columns, squeeze=False).flat)
        figure.savefig(file, format="png")


def _over(panel: Axes, curves: Sequence[Curve], name: str, measure: Measure, x: str) -> None:
    for curve, look in zip(curves, _looks(), strict=False):
        low, mean, high = zip(*curve.values[name], strict=True)
        panel.plot(curve.x, mean, label=curve.label, markersize=4.5, **look)
        if low != high:
            panel.fill_between(curve.x, low, high, color=look["color"], alpha=0.15, linewidth=0)
    for label, value in measure.marks.items():
        panel.axhline(value, color="0.55", linewidth=0.9, linestyle=(0, (4, 3)))
        panel.annotate(
            label, (1, value), xycoords=panel.get_yaxis_transform(), xytext=(-2, 2),
            textcoords="offset points", ha="right", va="bottom", color="0.4", fontsize=8.5,
        )  # fmt: skip
    panel.set(title=measure.title, xlabel=x, ylabel=measure.unit)
    panel.margins(y=0.12)
    _grid(panel)


def _against(
    panel: Axes,
    curves: Sequence[Curve],
    measures: Mapping[str, Measure],
    against: tuple[str, str],
    x: str,
) -> None:
    across, up = against
    highest = max(curves, key=lambda curve: max(mean for _, mean, _ in curve.values[up]))
    for curve, look in zip(curves, _looks(), strict=False):
        xs = [mean for _, mean, _ in curve.values[across]]
        ys = [mean for _, mean, _ in curve.values[up]]
        panel.plot(xs, ys, markersize=4.5, **look)
        if curve is not highest:
            continue  # the others' points run alongside, and numbers would lie on each other
        for value, at in zip(curve.x, zip(xs, ys, strict=True), strict=True):
            panel.annotate(
                f"{value:g}", at, xytext=(0, 6), textcoords="offset points", ha="center",
                color="0.35", fontsize=8,
            )  # fmt: skip
    panel.set_title(f"one against the other, at each {x}")
    panel.set(xlabel=_name(measures[across]), ylabel=_name(measures[up]))
    panel.margins(0.12)
    _grid(panel)


def _edges(figure: Figure, first: Axes, curves: Sequence[Curve], title: str, notes: str) -> None:
    if len(curves) > 1:
        handles, labels = first.get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper right", ncols=min(4, len(labels)), frameon=False
        )
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    figure.supxlabel(notes, x=0.01, ha="left", fontsize=8, color="0.4")


def _name(measure: Measure) -> str:
    return f"{measure.title} ({measure.unit})"


def _grid(panel: Axes) -> None:
    panel.grid(color="0.9", linewidth=0.7)
    panel.set_axisbelow(True)


def _looks() -> Any:
    """One look after the other: colours in turn, and other markers when they come again."""
    for turn in range(10**6):
        yield {
            "color": COLOURS[turn % len(COLOURS)],
            "marker": MARKERS[turn // len(COLOURS) % len(MARKERS)],
            "linewidth": 1.6,
        }
