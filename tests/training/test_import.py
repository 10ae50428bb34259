"""`keras_resblocks_plugin.training` needs its extra only when it is used."""

import pytest

pytestmark = pytest.mark.slow

HEAVY = "datasets", "matplotlib", "PIL", "pycocotools", "rich", "sklearn", "tensorboardX", "tqdm"

IMPORT = """
import sys
import keras_resblocks_plugin
before = set(sys.modules)
import keras_resblocks_plugin.training as training
training.TrainConfig(data="data", recipe="x.toml", out="out")
training.EvaluateConfig(preset="preset", data="data", cache="cache")
print(*({module.split(".")[0] for module in set(sys.modules) - before}))
"""

WITHOUT = """
import sys
from pathlib import Path
import keras_resblocks_plugin.training as training
# From now on, importing it fails as if it were not installed.
sys.modules["datasets"] = None
train = training.TrainConfig(data="data", recipe=Path(sys.argv[1]), out=Path("out"))
evaluate = training.EvaluateConfig(preset="preset", data="data", cache=Path("cache"))
finetune = training.ClassificationConfig(preset="preset", data="data", out=Path("out"))
for function, config in (
    (training.train, train), (training.evaluate, evaluate), (training.finetune, finetune)
):
    try:
        function(config)
    except ImportError as error:
        print(error)
"""


def test_importing_training_imports_no_extra(fresh_process):
    assert not set(HEAVY) & set(fresh_process(IMPORT).split())


def test_a_missing_extra_is_named_in_one_line(recipe, fresh_process):
    lines = fresh_process(WITHOUT, recipe).splitlines()
    assert len(lines) == 3
    assert all("[training]" in line for line in lines), lines
