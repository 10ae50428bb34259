"""The same residual network, built by this package and by KerasHub."""

from pathlib import Path

# Blocks a stack, and whether they are bottlenecks, by depth. There is no ResNet-302 elsewhere:
# it is 152's with more blocks in the third stack, to show how things grow.
ARCHITECTURES = {
    18: ([2, 2, 2, 2], False),
    34: ([3, 4, 6, 3], False),
    50: ([3, 4, 6, 3], True),
    101: ([3, 4, 23, 3], True),
    152: ([3, 8, 36, 3], True),
    302: ([3, 8, 86, 3], True),
}
LIBRARIES = ("krp", "keras_hub")


def build(depth: int, library: str):
    """A backbone with random weights."""
    import keras_hub

    import keras_resblocks_plugin as krp

    num_blocks, bottleneck = ARCHITECTURES[depth]
    filters, strides = [64, 128, 256, 512], [1, 2, 2, 2]
    if library == "krp":
        block_type = "bottleneck" if bottleneck else "bn"
        stem = ([64], [7], [2])
        return krp.ResBlockBackbone(
            block_type, filters, num_blocks, strides, *stem, input_pooling="max"
        )
    block_type = "bottleneck_block" if bottleneck else "basic_block"
    return keras_hub.models.ResNetBackbone([64], [7], filters, num_blocks, strides, block_type)


def classifier(depth: int, library: str):
    """A backbone, or with `"folded"` this package's without its batch norm, below 1,000 logits."""
    import keras

    import keras_resblocks_plugin as krp

    folded = library == "folded"
    backbone = build(depth, "krp" if folded else library)
    backbone = krp.fold_batch_norm(backbone) if folded else backbone
    head = keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1000, dtype="float32")
    return keras.Sequential([backbone, *head])


def save_presets(depth: int, folder: Path) -> dict[str, str]:
    """Saves the architecture as a preset of each library; returns their folders.

    Raises:
        ValueError: If the two do not have the same number of parameters.
    """
    backbones = {library: build(depth, library) for library in LIBRARIES}
    counts = {library: backbone.count_params() for library, backbone in backbones.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"Both backbones must be of the same architecture. Received: {counts}")
    folders = {library: str(folder / f"{library}_{depth}") for library in LIBRARIES}
    for library, backbone in backbones.items():
        backbone.save_to_preset(folders[library])
    return folders
