"""`keras-resblocks finetune`."""

from _door import new_app, run

from keras_resblocks_plugin.cli._finetune import TASKS

app = new_app(
    "finetune.py",
    "Fine-tune a preset for a task.",
    "python scripts/finetune.py classification resblock_bn_small --data path/to/images "
    "--out runs/mine --strategy lora",
)
for task, command in TASKS.items():
    app.command(command, name=task)

if __name__ == "__main__":
    run(app)
