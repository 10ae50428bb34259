"""Presets changed at random, and what loading makes of them."""
