"""Names of presets."""
