"""Plots as SVG that stands alone: no script, nothing from elsewhere. Each has a table with the same numbers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

from slotkeeper.dashboard.pages import compressed
from slotkeeper.dashboard.visit import Visit
from slotkeeper.svg import load_pygal, stand_alone

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A plot has styles of its own inside it, and nothing else."""
COLOURS = ("#0b5e6b", "#c46a00", "#6b4fa0", "#17663a", "#a3202a", "#4d5a61")
SOFT = "#7d8a90"
"""The colour of what is left."""
DARK = dict(zip(COLOURS, ("#63c5d1", "#f0a350", "#b9a0ea", "#62cb92", "#f28d95", "#aebbc1"), strict=True))
"""What stands for each colour in the dark."""
WIDTH, HEIGHT = 720, 300
MOST_LABELS, WITHOUT_TURNING, FEW = 15, 8, 10
_IN_THE_DARK = """inline:* {{ transition: none !important; }}
@media (prefers-color-scheme: dark) {{
  .background {{ fill: #1c2429 !important; }}
  text {{ fill: #e8eef0 !important; }}
  .axis .line, .axis .guide.line, .axis path {{ stroke: #9fb0b6 !important; }}
  {colours}
}}"""


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
    pygal = load_pygal()
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
        css=("file://style.css", "file://graph.css", _in_the_dark(bars.colours)),
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
    chart.add_xml_filter(stand_alone)
    drawn: bytes = chart.render()
    return drawn


def _in_the_dark(colours: Sequence[str]) -> str:
    """Styles for who has a dark screen: the plot's own, because a page's reach no image."""
    dark = [DARK.get(colour, colour) for colour in colours]
    own = [
        f".color-{number}, .color-{number} rect {{ fill: {colour} !important; stroke: {colour} !important; }}"
        for number, colour in enumerate(dark)
    ]
    return _IN_THE_DARK.format(colours=" ".join(own))


def _steps(bars: Bars) -> list[float] | None:
    """What stands at the side: fifths of a whole, or whole numbers where there are few; None lets pygal choose."""
    if bars.are_shares:
        return [step / 5 for step in range(6)]
    columns = list(zip(*bars.series.values(), strict=True))
    highest = max((sum(value or 0 for value in column) for column in columns), default=0)
    return list(range(max(1, int(highest)) + 1)) if highest <= FEW else None
