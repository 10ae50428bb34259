"""`keras-resblocks push`."""

from _door import run, script

from keras_resblocks_plugin.cli._push import push

app = script("push_to_hub.py", push, "runs/my_resblock hf://me/my_resblock")

if __name__ == "__main__":
    run(app)
