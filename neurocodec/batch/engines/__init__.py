"""Engines: one function over many items, each on its own terms."""
