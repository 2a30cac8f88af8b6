"""One function for one user action, one transaction for each; a list of requests is one action too.

The doors take the types of the database and the clock from here, so that they never touch the store.
"""

from slotkeeper.store.database import Clock, Database

__all__ = ["Clock", "Database"]
