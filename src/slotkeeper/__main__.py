"""``python -m slotkeeper`` is ``slotkeeper``."""

from slotkeeper.cli import main

main()
