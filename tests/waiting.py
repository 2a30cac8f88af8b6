"""A thread with an event loop of its own, for those who have none, or one that is running."""

import asyncio
import functools
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="waiting", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Do some work in that thread, and give what comes of it."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(timeout=120)
