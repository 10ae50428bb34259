"""Trains, fine-tunes and evaluates where TensorFlow cannot be imported: all three tasks.

Run in a process of its own, which `tests/test_without_tensorflow.py` does. Argument: a new folder.
"""

import importlib.util
import json
import sys
from pathlib import Path

import keras_hub
import numpy as np

from keras_resblocks_plugin.training import (
    ClassificationConfig,
    DetectionConfig,
    EvaluateConfig,
    SegmentationConfig,
    TrainConfig,
    evaluate,
    finetune,
    train,
)
from tests.made_data import photographs, save_dataset
from tests.training.detection.scenes import save_scenes
from tests.training.made_presets import save_preset
from tests.training.segmentation.streets import IGNORED, NAMES, SIZE, save_streets

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

preset = str(save_preset(folder / "pyramid", [8, 8, 8]))
finetune(
    SegmentationConfig(
        preset=preset,
        data=str(save_streets(folder / "streets", train=4, validation=3, test=2)),
        out=folder / "segmenter",
        epochs=1,
        batch_size=2,
        class_names=NAMES,
        ignore_class=IGNORED,
    )
)
segmenter = keras_hub.models.ImageSegmenter.from_preset(str(folder / "segmenter" / "preset"))
assert segmenter.predict(np.zeros((1, *SIZE, 3), "uint8"), verbose=0).shape[-1] == len(NAMES)

finetune(
    DetectionConfig(
        preset=preset,
        data=str(save_scenes(folder / "scenes", train=4, validation=3)),
        out=folder / "detector",
        epochs=1,
        batch_size=2,
    )
)
detector = keras_hub.models.ObjectDetector.from_preset(str(folder / "detector" / "preset"))
assert "boxes" in detector.predict(np.zeros((1, 32, 32, 3), "uint8"), verbose=0)

assert "tensorflow" not in sys.modules
