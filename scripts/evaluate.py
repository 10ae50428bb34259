"""`keras-resblocks evaluate`."""

from _door import run, script

from keras_resblocks_plugin.cli._evaluate import evaluate

app = script("evaluate.py", evaluate, "resblock_bn_small --data path/to/images")

if __name__ == "__main__":
    run(app)
