"""`keras-resblocks explain` with its arguments in another order: IMAGE --preset PRESET."""

from _door import options_of, run, script

from keras_resblocks_plugin.cli import _explain

app = script("explain.py", options_of(_explain.ExplainConfig, _explain.run, "image"), "cat.jpg")

if __name__ == "__main__":
    run(app)
