"""`keras-resblocks pull`."""

from _door import run, script

from keras_resblocks_plugin.cli._pull import pull

app = script("pull_from_hub.py", pull, "hf://me/my_resblock --name mine")

if __name__ == "__main__":
    run(app)
