"""Scalars for TensorBoard, written without TensorFlow."""

from pathlib import Path


class ScalarWriter:
    """Writes scalars to an event file as `tf.summary.scalar()` does.

    `tensorboardX.SummaryWriter` would write the form of TensorFlow 1, and change the characters
    of some tags.

    Args:
        log_dir: The folder of the event file.
    """

    def __init__(self, log_dir: Path):
        from tensorboardX import FileWriter

        self._writer = FileWriter(log_dir)

    def add(self, tag: str, value: float, step: int) -> None:
        """Adds one value, which is stored as float32."""
        from tensorboardX.proto import summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2

        tensor = tensor_pb2.TensorProto(
            dtype=types_pb2.DT_FLOAT,
            float_val=[value],
            tensor_shape=tensor_shape_pb2.TensorShapeProto(),
        )
        scalars = summary_pb2.SummaryMetadata.PluginData(plugin_name="scalars")
        metadata = summary_pb2.SummaryMetadata(plugin_data=scalars)
        value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)
        self._writer.add_summary(summary_pb2.Summary(value=[value]), step)

    def flush(self) -> None:
        """Makes all values readable by TensorBoard."""
        self._writer.flush()

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()
