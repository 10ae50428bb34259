"""The template of the blocks that normalize and activate first."""

from typing import Any

from keras_resblocks_plugin.blocks._residual_block import ResidualBlock


class PreactivatedBlock(ResidualBlock):
    """Base of the pre-activation blocks: `shortcut + convolve(activation(norm1(x)))`.

    A projection reads the output of the first norm and activation, and has no norm of its
    own. A subclass creates `norm1` and its other layers in `build_residual()`, and applies
    the others in `convolve()`.
    """

    default_normalization = "batch"
    preactivates = True
    normalizes_projection = False

    def branches(self, x, training=None):
        # One pre-activation for both, so that its statistics are updated once.
        h = self.preactivate(x, training)
        shortcut = super().shortcut(h if self.projects else x, training)
        return shortcut, self.convolve(h, training)

    def shortcut(self, x, training=None):
        return super().shortcut(self.preactivate(x, training) if self.projects else x, training)

    def residual(self, x, training=None):
        return self.convolve(self.preactivate(x, training), training)

    def preactivate(self, x: Any, training: bool | None = None) -> Any:
        """Applies the first norm and activation, which both branches may read."""
        return self.activation(self.norm1(x, training=training))

    def convolve(self, h: Any, training: bool | None = None) -> Any:
        """Applies the layers of the residual branch that follow the pre-activation."""
        raise NotImplementedError(f"{type(self).__name__} must define `convolve()`.")
