"""The parts of a backup within an epoch, besides the weights and the optimizer.

These are the random states and the sums of the metrics, which both start again with each epoch.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_resblocks_plugin.training import _distribution


def seed_states(model: keras.Model) -> list[keras.Variable]:
    """Returns the random states of a model, such as those of dropout."""
    return [state for state in model.variables if state.name == "seed_generator_state"]


def store(folder: Path, step: int, model: keras.Model) -> None:
    """Stores the states of a model after a step, and removes those of earlier backups.

    Those of the last two steps remain, as do two backups.
    """
    files = sorted(folder.glob("step-*.npz"), key=lambda file: file.stat().st_mtime)
    for file in files[:-1]:
        file.unlink()
    values = {
        name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(model).items()
    }
    for index, state in enumerate(_torch_states()):
        values[f"torch_{index}"] = state.numpy()
    np.savez(_file(folder, step), **values)


def build_metrics(model: keras.Model, batch: tuple[Any, ...]) -> None:
    """Builds the metrics of a model, which TensorFlow would do in its first step."""
    if keras.config.backend() != "tensorflow":
        return
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    outputs = model(x, training=False)
    model.compute_loss(x, y, outputs, weights)
    model.compute_metrics(x, y, outputs, weights)


def load(folder: Path, step: int) -> dict[str, np.ndarray]:
    """Loads the states after a step, in all processes."""
    with _distribution.from_first(_file(folder, step)) as file, np.load(file) as values:
        return dict(values)


def restore(model: keras.Model, values: dict[str, np.ndarray]) -> None:
    """Sets the states of a model, in its first step."""
    for name, variable in _variables(model).items():
        variable.assign(values[name])
    if "torch_0" in values:
        import torch

        states = [values[name] for name in sorted(values) if name.startswith("torch_")]
        torch.set_rng_state(torch.from_numpy(states[0]))
        if torch.cuda.is_available():
            torch.cuda.set_rng_state(torch.from_numpy(states[1]))


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    kinds = {"seed": seed_states(model), "metric": model.metrics_variables}
    return {
        f"{kind}_{index}": variable
        for kind, variables in kinds.items()
        for index, variable in enumerate(variables)
    }


def _torch_states() -> list:
    """Returns PyTorch's global states, from which dropout without a seed of its own draws."""
    if keras.config.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state()]
    return [*states, torch.cuda.get_rng_state()] if torch.cuda.is_available() else states


def _file(folder: Path, step: int) -> Path:
    return folder / f"step-{step}.npz"
