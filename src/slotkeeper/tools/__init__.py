"""The tools' door: what an AI can call during a phone call, whatever carries the call to it."""
