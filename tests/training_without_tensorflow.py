"""Trains, fine-tunes and evaluates a classifier where TensorFlow cannot be imported.

Run in a process of its own, which `tests/test_without_tensorflow.py` does. Argument: a new folder.
"""

import importlib.util
import json
import sys
from pathlib import Path

from keras_resblocks_plugin.training import (
    ClassificationConfig,
    EvaluateConfig,
    TrainConfig,
    evaluate,
    finetune,
    train,
)
from tests.made_data import photographs, save_dataset

assert importlib.util.find_spec("tensorflow") is None
folder = Path(sys.argv[1])
data = str(save_dataset(folder / "data", train=photographs(30, 0), validation=photographs(9, 1)))
recipe = folder / "recipe.toml"
recipe.write_text("""
image_size = 16
epochs = 1
warmup_epochs = 0
batch_size = 10
cutmix_probability = 0.5
dropout = 0.1
ema_momentum = 0.5
holdout = 0.1

[backbone]
block_type = "bn"
stackwise_num_filters = [4]
stackwise_num_blocks = [1]
stackwise_num_strides = [1]
input_conv_filters = [4]
input_conv_kernel_sizes = [3]
input_conv_strides = [2]
""")
train(TrainConfig(data=data, recipe=recipe, out=folder / "run"))
preset = str(folder / "run" / "preset")
measured = evaluate(EvaluateConfig(preset=preset, data=data, input="stream"))
record = json.loads((folder / "run" / "preset" / "training.json").read_text())
assert measured["top1"] == record["results"]["validation_top1"]

finetune(
    ClassificationConfig(
        preset=preset,
        data=data,
        out=folder / "tuned",
        epochs=1,
        batch_size=10,
        held_out_per_class=1,
    )
)
assert (folder / "tuned" / "preset" / "task.weights.h5").exists()

assert "tensorflow" not in sys.modules
