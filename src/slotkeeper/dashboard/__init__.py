"""The dashboard: pages for the people of the clinic, over the same operations as the API."""
