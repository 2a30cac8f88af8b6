"""All SQL lives here; domain values come out, never rows or half-built queries."""
