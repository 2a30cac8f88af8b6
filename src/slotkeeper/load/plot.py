"""Figures as a plot: an SVG that stands alone, without scripts and without anything from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from slotkeeper.svg import load_pygal, stand_alone


def write_plot(
    file: Path,
    title: str,
    names: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    logarithmic: bool = False,
) -> None:
    """Write bars into a file: a group for each name, a bar in it for each series. Raises OSError."""
    chart = load_pygal().HorizontalBar(
        js=(),
        title=title,
        logarithmic=logarithmic,
        legend_at_bottom=True,
        print_values=True,
        formatter=lambda value: "" if value is None else f"{value:.2f}",
        width=1000,
        height=120 + 26 * len(names) * max(1, len(series)),
    )
    chart.add_xml_filter(stand_alone)
    chart.x_labels = list(reversed(names))
    for name, values in series.items():
        chart.add(name, list(reversed(values)))
    file.write_bytes(chart.render())
