"""Resizing of whole images, followed by a center crop, as timm and torchvision do it."""

import functools
from typing import Any

import keras

# Their weights are partly negative, so that they overshoot the range of a byte.
_OVERSHOOTING = ("bicubic", "lanczos3", "lanczos5")


class ResizeThenCrop(keras.layers.Resizing):
    """Resizes images until they cover `height` and `width`, then crops the center.

    Sizes are rounded as timm and torchvision round them, and pixels are clipped to 0 to 255 after
    each axis, as Pillow clips them. Without `crop_to_aspect_ratio`, images are stretched to
    `height` and `width`. The result is floating point.
    """

    # The height and width of the crop, no larger than those that are covered.
    crop_size: tuple[int, int] | None = None

    def resized(self, height: Any, width: Any) -> tuple[Any, Any]:
        """Returns height and width of the whole resized image, before the crop.

        Args:
            height: int, or a scalar tensor in a graph of TensorFlow's.
            width: int, or a scalar tensor.
        """
        if not self.crop_to_aspect_ratio:
            return self.height, self.width
        if isinstance(height, int) and isinstance(width, int):
            minimum, float64, rounded = min, float, round
        else:
            # Only a graph of TensorFlow's has unknown sizes, on every backend.
            import tensorflow as tf

            minimum = tf.minimum
            float64 = functools.partial(tf.cast, dtype="float64")

            def rounded(value):
                return tf.cast(tf.round(value), "int32")

        if self.height == self.width:
            # torchvision truncates the longer side.
            shorter = minimum(height, width)
            return self.height * height // shorter, self.width * width // shorter
        # For a target that is not square, timm rounds, and does it in double precision.
        height, width = float64(height), float64(width)
        ratio = minimum(height / self.height, width / self.width)
        return rounded(height / ratio), rounded(width / ratio)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True):
        images = self.backend.cast(images, "float32")
        shape = self.backend.shape(images)
        height, width = shape[self.height_axis], shape[self.width_axis]
        new_height, new_width = self.resized(height, width)
        rows, columns = self.crop_size
        # Like Pillow, the columns first: a panorama is cropped before its rows are resized.
        images = self._resize(images, (height, new_width))
        images = self._crop(images, self.width_axis, new_width, columns)
        images = self._resize(images, (new_height, columns))
        images = self._crop(images, self.height_axis, new_height, rows)
        if not (isinstance(new_height, int) and isinstance(new_width, int)):
            images.set_shape(self.compute_output_shape(images.shape))
        return self.backend.cast(images, self.compute_dtype)

    def _resize(self, images: Any, size: tuple[Any, Any]) -> Any:
        images = self.backend.image.resize(
            images,
            size=size,
            interpolation=self.interpolation,
            antialias=self.antialias,
            data_format=self.data_format,
        )
        if self.interpolation in _OVERSHOOTING:
            images = self.backend.numpy.clip(images, 0, 255)
        return images

    def _crop(self, images: Any, axis: int, side: Any, kept: int) -> Any:
        start = crop_start(side, kept)
        return images[(..., slice(start, start + kept), *[slice(None)] * (-1 - axis))]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        shape = list(input_shape)
        shape[self.height_axis], shape[self.width_axis] = self.crop_size
        return tuple(shape)


def crop_start(side: Any, kept: int) -> Any:
    """Returns where a center crop starts: half the difference, rounded to even as torchvision."""
    half, odd = (side - kept) // 2, (side - kept) % 2
    return half + odd * (half % 2)
