"""Training on images that lie in the accelerator's memory, on JAX.

The images are augmented inside the compiled training step, and one call of it takes many steps.
"""
