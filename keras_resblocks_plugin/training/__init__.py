"""Training and fine-tuning of presets."""
