"""The advice at the end of errors about damaged presets."""

ADVICE = "Download or save the preset again."
