"""`keras-resblocks train` with its arguments in another order: RECIPE --data DATA."""

from _door import options_of, run, script

from keras_resblocks_plugin.cli import _train

app = script(
    "train.py",
    options_of(_train.TrainConfig, _train.run, "recipe"),
    "scripts/recipes/resblock_bn_small.toml --data path/to/images --out runs/my_resblock",
)

if __name__ == "__main__":
    run(app)
