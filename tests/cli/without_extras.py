"""Commands in a process that has none of the packages of the extras."""

import json

# The modules that the extras install, except those that a dependency needs too, and PyTorch.
_HIDDEN = (
    *("datasets", "matplotlib", "PIL", "pycocotools", "sklearn", "tensorboardX", "tensorboard"),
    *("ai_edge_litert", "onnxruntime", "openvino", "scipy", "tf2onnx", "ray", "torch", "timm"),
)

_CODE = f"""
import contextlib, io, json, sys
for name in {_HIDDEN}:
    sys.modules[name] = None
from keras_resblocks_plugin.cli import main
results = []
for args in json.loads(sys.argv[1]):
    output, code = io.StringIO(), 0
    with contextlib.redirect_stdout(output):
        try:
            main(args)
        except SystemExit as end:
            code = end.code
    results.append([code, output.getvalue()])
print(json.dumps(results))
"""


def run_without_extras(fresh_process, *commands) -> list[list]:
    """The exit code, or what the process exits with, and the output of each command."""
    arguments = json.dumps([[*map(str, args)] for args in commands])
    return json.loads(fresh_process(_CODE, arguments).splitlines()[-1])
