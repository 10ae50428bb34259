"""Augmentation of uint8 images with NumPy and Pillow.

The changes of an image, in this order:

1. random resized crop, or the largest centered square, resized;
2. mirroring, rotation, shift, zoom;
3. color jitter;
4. RandAugment, then TrivialAugment;
5. random erasing.

MixUp or CutMix then mixes the images of a batch. Random erasing comes before both, as in
torchvision's training script, and before normalization: it fills with a mean color, which
normalization brings close to the zero of torchvision and timm.

Every random number comes from the `np.random.Generator` that the caller passes, so an image depends
on its generator alone, in any process and on any backend. Keras' layers cannot promise that (3.15):
`RandAugment` ignores the seed of a transformation, `RandomColorJitter` draws while it transforms,
`RandomErasing` takes a seed of 0 for none, and TrivialAugment does not exist.
"""

from keras_resblocks_plugin.training.data.augmentation._image import image_augmentation
from keras_resblocks_plugin.training.data.augmentation._mixing import (
    MixingPlan,
    apply_mix,
    mix,
    mixing_plan,
)

__all__ = ["MixingPlan", "apply_mix", "image_augmentation", "mix", "mixing_plan"]
