"""`keras-resblocks train`."""

from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.training import TrainConfig
from keras_resblocks_plugin.training import train as _train


def run(config: TrainConfig) -> None:
    """Train a classifier by a recipe.

    It is saved as a preset with its results and card. Run the same command again to resume a run
    that was killed, or to measure and save a finished one again. Requires the "training" extra.
    """
    _train(config)


train = options_of(TrainConfig, run, "data")
