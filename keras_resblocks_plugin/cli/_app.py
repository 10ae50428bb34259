"""The command `keras-resblocks` and its commands."""

from collections.abc import Sequence

from cyclopts import App

from keras_resblocks_plugin.cli._benchmark import benchmark
from keras_resblocks_plugin.cli._command_line import new_app, run
from keras_resblocks_plugin.cli._convert import convert
from keras_resblocks_plugin.cli._evaluate import evaluate
from keras_resblocks_plugin.cli._explain import explain
from keras_resblocks_plugin.cli._export import export
from keras_resblocks_plugin.cli._finetune import TASKS
from keras_resblocks_plugin.cli._predict import predict
from keras_resblocks_plugin.cli._presets import presets
from keras_resblocks_plugin.cli._pull import pull
from keras_resblocks_plugin.cli._push import push
from keras_resblocks_plugin.cli._train import train

_COMMANDS = {
    "train": (train, "path/to/images --recipe recipe.toml --out runs/mine"),
    "evaluate": (evaluate, "runs/mine/preset --data path/to/images --cache runs/cache"),
    "predict": (predict, "resblock_bn_small path/to/images --out predictions.parquet --top 5"),
    "export": (export, "resblock_bn_small --out exported --formats onnx litert"),
    "benchmark": (benchmark, "resblock_bn_small --out benchmark.json"),
    "explain": (explain, "resblock_bn_small cat.jpg --out cat.png"),
    "convert": (convert, "timm/resnet50.a1_in1k --out resblock_50"),
    "push": (push, "runs/mine/preset hf://me/my_resblock"),
    "pull": (pull, "hf://me/my_resblock --name mine"),
    "presets": (presets, "--json"),
}
_TASK_EXAMPLES = {
    "classification": "resblock_bn_small --data path/to/images --out runs/mine --strategy lora",
    "segmentation": "resblock_bn_small --data path/to/images --out runs/mine --ignore-class 11",
    "detection": "resblock_bn_small --data path/to/images --out runs/mine",
}

app = new_app(
    "keras-resblocks",
    "Train, fine-tune and share residual networks for KerasHub.",
    example="keras-resblocks explain resblock_bn_small cat.jpg",
)
for _position, (_name, (_command, _example)) in enumerate(_COMMANDS.items()):
    app.command(
        _command,
        name=_name,
        sort_key=_position,
        help_epilogue=f"example: keras-resblocks {_name} {_example}",
    )
_finetune = App(
    name="finetune",
    help="Fine-tune a preset for a task.",
    sort_key=0,
    help_epilogue="example: keras-resblocks finetune classification --help",
)
app.command(_finetune)
for _task, _command in TASKS.items():
    _finetune.command(
        _command,
        name=_task,
        help_epilogue=f"example: keras-resblocks finetune {_task} {_TASK_EXAMPLES[_task]}",
    )
app.register_install_completion_command()


def main(tokens: Sequence[str] | None = None) -> None:
    """Runs the command `keras-resblocks`.

    Args:
        tokens: list of str or `None`. The arguments. Defaults to those of the process.
    """
    run(app, tokens)
