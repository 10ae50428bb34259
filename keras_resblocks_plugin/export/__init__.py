"""Export of classifiers to the formats of other runtimes, and their speed."""

from keras_resblocks_plugin.export._benchmark import BenchmarkConfig, benchmark
from keras_resblocks_plugin.export._config import ExportConfig
from keras_resblocks_plugin.export._export import export
from keras_resblocks_plugin.export._formats import FORMATS, Format

__all__ = ["FORMATS", "BenchmarkConfig", "ExportConfig", "Format", "benchmark", "export"]
