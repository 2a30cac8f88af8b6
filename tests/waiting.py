"""A thread with an event loop of its own, for those who have none, or one that is running."""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="waiting", daemon=True).start()
    return loop


App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def in_one_loop(app: App) -> App:
    """An ASGI application all of whose requests are answered in that thread, whichever event loop each comes from."""

    async def answer(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        asking = asyncio.get_running_loop()

        async def there(work: Awaitable[T]) -> T:
            return await work

        def back(work: Awaitable[T]) -> Awaitable[T]:
            return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(there(work), asking))

        whole = there(app(scope, lambda: back(receive()), lambda message: back(send(message))))
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(whole, _loop()))

    return answer


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Do some work in that thread, and give what comes of it."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(timeout=120)
