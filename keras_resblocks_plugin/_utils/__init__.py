"""Helpers that know no model: files, arguments, memory, and the private API of KerasHub."""
