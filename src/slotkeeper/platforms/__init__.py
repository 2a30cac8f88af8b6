"""The platforms' own shapes of tool calls, for those on which an agent's tools cannot speak plainer."""
