"""Plots as SVG that stands alone: no script, nothing from elsewhere. Each has a table with the same numbers."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from starlette.responses import Response

from slotkeeper.dashboard.pages import compressed
from slotkeeper.dashboard.visit import Visit

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A plot has styles of its own inside it, and nothing else."""
COLOURS = ("#0b5e6b", "#c46a00", "#6b4fa0", "#17663a", "#a3202a", "#4d5a61")
SOFT = "#7d8a90"
"""The colour of what is left."""
WIDTH, HEIGHT = 720, 300
MOST_LABELS, WITHOUT_TURNING, FEW = 15, 8, 10
_SCRIPT = "{http://www.w3.org/2000/svg}script"


class Bars(NamedTuple):
    """A bar for each label and series, side by side or stacked; shares of 1 are shown as percents."""

    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    is_stacked: bool = False
    are_shares: bool = False
    colours: Sequence[str] = COLOURS


async def answer_plot(visit: Visit, bars: Bars) -> Response:
    """A plot as it is sent, drawn in a thread of its own."""
    drawn = await asyncio.to_thread(_draw, bars)
    headers = {"content-security-policy": POLICY, "vary": "accept-encoding, accept-language, cookie"}
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        drawn = compressed(drawn)
        headers["content-encoding"] = "gzip"
    return Response(drawn, media_type="image/svg+xml", headers=headers)


def _draw(bars: Bars) -> bytes:
    pygal = _library()
    style = pygal.style.Style(
        background="#ffffff",
        plot_background="#ffffff",
        foreground="#1b2327",
        foreground_strong="#1b2327",
        foreground_subtle="#4d5a61",
        opacity="1",
        colors=tuple(bars.colours),
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
    )
    chart = (pygal.StackedBar if bars.is_stacked else pygal.Bar)(
        js=(),
        style=style,
        width=WIDTH,
        height=HEIGHT,
        legend_at_bottom=True,
        show_legend=len(bars.series) > 1,
        include_x_axis=True,
        value_formatter="{:.0%}".format if bars.are_shares else "{:.0f}".format,
        x_label_rotation=35 if len(bars.labels) > WITHOUT_TURNING else 0,
        show_minor_x_labels=False,
    )
    chart.x_labels = bars.labels
    chart.x_labels_major = bars.labels[:: -max(1, -(-len(bars.labels) // MOST_LABELS))]  # the last one in any case
    chart.y_labels = _steps(bars)
    for name, values in bars.series.items():
        chart.add(name, values)
    chart.add_xml_filter(_alone)
    drawn: bytes = chart.render()
    return drawn


def _steps(bars: Bars) -> list[float] | None:
    """What stands at the side: fifths of a whole, or whole numbers where there are few; None lets pygal choose."""
    if bars.are_shares:
        return [step / 5 for step in range(6)]
    columns = list(zip(*bars.series.values(), strict=True))
    highest = max((sum(value or 0 for value in column) for column in columns), default=0)
    return list(range(max(1, int(highest)) + 1)) if highest <= FEW else None


@cache
def _library() -> Any:  # noqa: ANN401 - a module without types
    """Pygal, without the finder that it leaves to every later import of the process."""
    import pygal  # noqa: PLC0415 - it takes a while, and most processes draw nothing

    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("pygal")]
    return pygal


def _alone(root: Any) -> Any:  # noqa: ANN401 - an element tree of whichever library pygal found
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {_SCRIPT, "script"} or not isinstance(child.tag, str):  # a comment
                parent.remove(child)
    return root
