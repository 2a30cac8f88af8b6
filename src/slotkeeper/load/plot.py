"""Figures as a plot: an SVG that stands alone, without scripts and without anything from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SCRIPT = "{http://www.w3.org/2000/svg}script"


def write_plot(
    file: Path,
    title: str,
    names: Sequence[str],
    series: Mapping[str, Sequence[float | None]],
    *,
    logarithmic: bool = False,
) -> None:
    """Write bars into a file: a group for each name, a bar in it for each series. Raises OSError."""
    import pygal  # noqa: PLC0415 - it takes a while, and most commands draw nothing

    chart = pygal.HorizontalBar(
        js=(),
        title=title,
        logarithmic=logarithmic,
        legend_at_bottom=True,
        print_values=True,
        formatter=lambda value: "" if value is None else f"{value:.2f}",
        width=1000,
        height=120 + 26 * len(names) * max(1, len(series)),
    )
    chart.add_xml_filter(_alone)
    chart.x_labels = list(reversed(names))
    for name, values in series.items():
        chart.add(name, list(reversed(values)))
    file.write_bytes(chart.render())


def _alone(root: Any) -> Any:  # noqa: ANN401 - an element tree of whichever library pygal found
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {SCRIPT, "script"} or not isinstance(child.tag, str):  # a comment
                parent.remove(child)
    return root
