"""`keras-resblocks convert`."""

from _door import run, script

from keras_resblocks_plugin.cli._convert import convert

app = script("convert.py", convert, "timm/resnet50.a1_in1k --out resblock_50")

if __name__ == "__main__":
    run(app)
