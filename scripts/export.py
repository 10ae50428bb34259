"""`keras-resblocks export`."""

from _door import run, script

from keras_resblocks_plugin.cli._export import export

app = script("export.py", export, "resblock_bn_small --out exported --formats onnx litert")

if __name__ == "__main__":
    run(app)
