"""`keras-resblocks predict`."""

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.prediction import PredictConfig
from keras_resblocks_plugin.prediction import predict as _predict


def run(config: PredictConfig) -> None:
    """Write the predictions or features of every image of a dataset to a Parquet file.

    A run that was interrupted continues when the same command is run again. The numbers of rows
    and errors are printed as JSON. Requires the "training" extra.
    """
    counts = _predict(config)
    print(to_json({"out": str(config.out), **counts}))


predict = options_of(PredictConfig, run, "preset", "data")
