"""The HTTP door: REST v1 (contract.md sections 3 to 6). ``routes.py`` shows all of it on one page."""
