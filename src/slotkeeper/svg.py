"""What the plots of the dashboard and of ``slotkeeper bench`` share: the library, and what makes an SVG stand alone."""

import sys
from functools import cache
from typing import Any

_SCRIPT = "{http://www.w3.org/2000/svg}script"


@cache
def load_pygal() -> Any:  # noqa: ANN401 - a module without types
    """Pygal, without the finder that it leaves to every later import of the process."""
    import pygal  # noqa: PLC0415 - it takes a while, and most processes draw nothing

    sys.meta_path[:] = [finder for finder in sys.meta_path if not type(finder).__module__.startswith("pygal")]
    return pygal


def stand_alone(root: Any) -> Any:  # noqa: ANN401 - an element tree of whichever library pygal found
    """A filter that takes away scripts, and comments, which name other places."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {_SCRIPT, "script"} or not isinstance(child.tag, str):  # a comment
                parent.remove(child)
    return root
