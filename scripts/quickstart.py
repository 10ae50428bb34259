"""The main job in under a minute, offline: name, fine-tune, save, load back."""

import tempfile
from pathlib import Path

from _door import run, script

from keras_resblocks_plugin._utils._extras import require

# The most accurate preset.
NAMES_BY = "resblock_bn_base"


def quickstart(*, preset: str = "resblock_bn_small", out: Path | None = None) -> None:
    """Name what photographs show, fine-tune, save and load back, in under a minute and offline.

    Args:
        preset: The preset to fine-tune.
        out: Keep the fine-tuned preset here.
    """
    require("training", "PIL")

    import keras
    import keras_hub
    import numpy as np
    from rich.console import Console

    import keras_resblocks_plugin as krp
    from keras_resblocks_plugin.training.data._images import read_image

    console = Console(highlight=False)
    samples = Path(krp.list_presets()["resblock_bn_small"]["handle"]) / "samples"

    def read(file: Path) -> np.ndarray:
        return read_image(file).astype("float32")

    console.rule(f"1. What is in these photographs? ({NAMES_BY})")
    classifier = keras_hub.models.ImageClassifier.from_preset(NAMES_BY)
    files = sorted(samples.glob("*.jpg"))
    predictions = classifier.predict(np.stack([read(file) for file in files]), verbose=0)
    for file, names in zip(files, classifier.decode_predictions(predictions, top=3), strict=True):
        console.print(
            f"{file.name:12}", ", ".join(f"{name} {chance:.0%}" for name, chance in names)
        )

    console.rule(f"2. Fine-tuning a new head on a few of three textures ({preset})")
    textures = sorted(path.name for path in (samples / "textures").iterdir())
    files = [sorted((samples / "textures" / texture).glob("*.jpg")) for texture in textures]
    images = np.stack([read(file) for texture in files for file in texture])
    labels = np.repeat(np.arange(len(textures)), [len(texture) for texture in files])
    # Every fourth image is held out, to measure accuracy on unseen ones.
    held_out = np.arange(len(labels)) % 4 == 3
    classifier = keras_hub.models.ImageClassifier.from_preset(preset, num_classes=len(textures))
    classifier.class_names = textures
    classifier.backbone.trainable = False
    classifier.compile(optimizer=keras.optimizers.Adam(0.01))
    classifier.fit(images[~held_out], labels[~held_out], batch_size=6, epochs=8)
    guesses = classifier.predict(images[held_out], verbose=0)
    right = int(np.sum(np.argmax(guesses, axis=1) == labels[held_out]))
    console.print(f"{right} of {held_out.sum()} other images named right")

    with tempfile.TemporaryDirectory() as folder:
        kept, out = out, out or Path(folder) / "textures_preset"
        console.rule("3. Saving it as a preset, and loading it back")
        classifier.save_to_preset(str(out))
        loaded = keras_hub.models.ImageClassifier.from_preset(str(out))
        same = np.array_equal(loaded.predict(images[held_out], verbose=0), guesses)
        if not same:
            raise ValueError(f"The preset in {out} gives other outputs than were saved.")
        console.print(f"classes {loaded.class_names}; outputs identical: {same}")
        if kept:
            console.print(f"kept in {out}")


app = script("quickstart.py", quickstart, "--out textures_preset")

if __name__ == "__main__":
    run(app)
