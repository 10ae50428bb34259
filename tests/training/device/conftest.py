"""Tests of training on the device, which needs JAX."""

import keras

collect_ignore_glob = [] if keras.config.backend() == "jax" else ["test_*.py"]
