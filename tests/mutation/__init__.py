"""Mutation tests: presets with random changes are loaded or refused."""
