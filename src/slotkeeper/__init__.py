"""Slotkeeper: appointment availability and schedule tracking that never oversells a place."""

__version__ = "0.1.0"
