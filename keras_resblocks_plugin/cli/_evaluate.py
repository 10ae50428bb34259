"""`keras-resblocks evaluate`."""

from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.training import EvaluateConfig
from keras_resblocks_plugin.training import evaluate as _evaluate


def run(config: EvaluateConfig) -> None:
    """Measure the accuracy of a preset on a split of a dataset.

    The results are printed as JSON. Requires the "training" extra.
    """
    results = _evaluate(config)
    print(to_json({"preset": config.preset, "split": config.split, **results}))


evaluate = options_of(EvaluateConfig, run, "preset")
