"""Load on a server, and what it measured: for ``slotkeeper bench`` and the project's own benchmarks."""
