"""The backbone, its tasks and their preprocessing."""
