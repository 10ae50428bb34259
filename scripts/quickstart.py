"""The main job in under a minute, offline: name, fine-tune, save, load back."""

import argparse
import tempfile
from pathlib import Path

import _cli


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = _cli.new_parser(__doc__)
    parser.add_argument("--preset", default="resblock_bn_small", help="the preset to start from")
    parser.add_argument("--out", type=Path, help="keep the fine-tuned preset here")
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    """Runs the four steps, with what they do printed beside what comes out."""
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

    console.rule(f"1. What is in these photographs? ({args.preset})")
    classifier = keras_hub.models.ImageClassifier.from_preset(args.preset)
    files = sorted(samples.glob("*.jpg"))
    predictions = classifier.predict(np.stack([read(file) for file in files]), verbose=0)
    for file, names in zip(files, classifier.decode_predictions(predictions, top=3), strict=True):
        console.print(
            f"{file.name:12}", ", ".join(f"{name} {chance:.0%}" for name, chance in names)
        )

    console.rule("2. Fine-tuning a new head on a few of three textures")
    textures = sorted(path.name for path in (samples / "textures").iterdir())
    files = [sorted((samples / "textures" / texture).glob("*.jpg")) for texture in textures]
    images = np.stack([read(file) for texture in files for file in texture])
    labels = np.repeat(np.arange(len(textures)), [len(texture) for texture in files])
    # Every fourth image is set aside, to see whether what is learnt holds for others.
    held_out = np.arange(len(labels)) % 4 == 3
    classifier = keras_hub.models.ImageClassifier.from_preset(
        args.preset, num_classes=len(textures)
    )
    classifier.class_names = textures
    classifier.backbone.trainable = False
    classifier.compile(optimizer=keras.optimizers.Adam(0.01))
    classifier.fit(images[~held_out], labels[~held_out], batch_size=6, epochs=8)
    guesses = classifier.predict(images[held_out], verbose=0)
    right = int(np.sum(np.argmax(guesses, axis=1) == labels[held_out]))
    console.print(f"{right} of {held_out.sum()} other images named right")

    with tempfile.TemporaryDirectory() as folder:
        out = args.out or Path(folder) / "textures_preset"
        console.rule("3. Saving it as a preset, and loading it back")
        classifier.save_to_preset(str(out))
        loaded = keras_hub.models.ImageClassifier.from_preset(str(out))
        same = np.array_equal(loaded.predict(images[held_out], verbose=0), guesses)
        if not same:
            raise ValueError(f"The preset in {out} gives other outputs than were saved.")
        console.print(f"classes {loaded.class_names}; outputs identical: {same}")
        if args.out:
            console.print(f"kept in {out}")


if __name__ == "__main__":
    _cli.run(main, parse_args())
