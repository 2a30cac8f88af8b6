"""The door for AI clients that speak the Model Context Protocol: the tools over HTTP, and over a pipe."""
