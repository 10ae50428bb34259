"""Low-rank adaptation of kernels (LoRA)."""
