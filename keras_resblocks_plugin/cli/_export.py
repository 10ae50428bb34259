"""`keras-resblocks export`."""

from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.export import ExportConfig
from keras_resblocks_plugin.export import export as _export


def run(config: ExportConfig) -> None:
    """Export a classifier to SavedModel, ONNX, LiteRT and OpenVINO.

    Each file is run in its own runtime and compared with Keras. The table is printed, and the
    results are in `export.json` beside the files. It needs the extra `export` and
    `KERAS_BACKEND=tensorflow`.
    """
    _export(config)


export = options_of(ExportConfig, run, "preset")
