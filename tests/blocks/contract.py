"""The contract of the residual blocks, as tests that a new block inherits."""

import json

import keras
import numpy as np
import pytest

from keras_resblocks_plugin.blocks._residual_block import SHORTCUTS
from keras_resblocks_plugin.layers._normalization import freezable_norms
from tests.helpers import (
    TOLERANCE,
    assert_changed,
    fill,
    images,
    needs_channels_first,
    to_channels_first,
    to_numpy,
    values,
)

FILTERS = 4
STEPS = 4  # A layer behind a zero scale moves from the second step, behind two from the third.


class BlockContract:
    """Tests of a block: `class TestMyBlock(BlockContract): block_cls = MyBlock`.

    `kwargs` are arguments for every block that is created. `starts_as_shortcut` is `False` for a
    block that refuses `zero_init_residual`. `biased` are the convolutions that have biases although
    the block normalizes.
    """

    block_cls: type
    kwargs: dict = {}
    starts_as_shortcut = True
    biased: frozenset = frozenset()

    learning_rate = 0.1

    @pytest.fixture(autouse=True)
    def one_group(self, monkeypatch):
        """Group norm takes any number of channels."""
        monkeypatch.setattr(self.block_cls, "norm_groups", 1)

    def new(self, **kwargs):
        return self.block_cls(FILTERS, **{**self.kwargs, **kwargs})

    def built(self, x, **kwargs):
        """A block with random weights, built for `x`."""
        block = self.new(**kwargs)
        block.build(x.shape)
        return fill(block)

    @property
    def width(self):
        return FILTERS * self.block_cls.expansion

    # === Configuration ===
    def test_config_round_trip(self):
        block = self.new(
            kernel_size=5,
            strides=2,
            output_activation="gelu",
            shortcut="avg_pool",
            normalization="batch",
            drop_path_rate=0.25,
            zero_init_residual=self.starts_as_shortcut,
            data_format="channels_last",
            name="mine",
            dtype="bfloat16",
        )
        config = json.loads(json.dumps(block.get_config()))
        assert self.block_cls.from_config(config).get_config() == block.get_config()
        serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(block)))
        revived = keras.saving.deserialize_keras_object(serialized)
        assert type(revived) is self.block_cls
        assert revived.get_config() == block.get_config()

    def test_default_config_holds_the_class_defaults(self):
        config = self.new().get_config()
        explicit = self.block_cls.from_config(config)
        assert explicit.get_config() == config
        assert (config["shortcut"], config["drop_path_rate"]) == ("auto", 0.0)

    # === Shapes ===
    @pytest.mark.parametrize("strides", [1, 2])
    def test_symbolic_and_eager_shapes_agree(self, strides):
        for channels in (self.width, 3):
            block = self.new(strides=strides)
            inputs = keras.Input((None, None, channels))
            outputs = block(inputs)
            assert outputs.shape == (None, None, None, self.width)
            assert block.compute_output_shape(inputs.shape) == outputs.shape
            # An odd and an even side.
            shape = (2, 7, 6, channels)
            expected = (2, -(-7 // strides), -(-6 // strides), self.width)
            assert tuple(block(images(*shape)).shape) == expected
            assert block.compute_output_shape(shape) == expected
            symbolic = self.new(strides=strides)(keras.Input(shape[1:], batch_size=2))
            assert symbolic.shape == expected

    @needs_channels_first
    def test_channels_first_gives_the_same_numbers(self):
        x = images(2, 7, 6, 3)
        for shortcut in SHORTCUTS:
            last = self.built(x, strides=2, shortcut=shortcut, data_format="channels_last")
            first = self.new(strides=2, shortcut=shortcut, data_format="channels_first")
            assert first.compute_output_shape((2, 3, 7, 6)) == (2, self.width, 4, 3)
            first.build((2, 3, 7, 6))
            first.set_weights(last.get_weights())
            expected = to_channels_first(to_numpy(last(x)))
            actual = to_numpy(first(to_channels_first(x)))
            np.testing.assert_allclose(actual, expected, **TOLERANCE)

    # === Precision ===
    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
    def test_precision(self, policy):
        x = images(2, 7, 6, 3)
        policy = keras.DTypePolicy(policy)
        block = self.new(strides=2, shortcut="avg_pool", dtype=policy, drop_path_rate=0.5)
        for output in (block(keras.Input(x.shape[1:])), block(x), block(x, training=True)):
            assert keras.backend.standardize_dtype(output.dtype) == policy.compute_dtype
        assert np.isfinite(to_numpy(output)).all()
        assert {weight.dtype for weight in block.weights} == {policy.variable_dtype}
        for layer in block._flatten_layers():
            assert (layer.compute_dtype, layer.variable_dtype) == (
                policy.compute_dtype,
                policy.variable_dtype,
            )

    # === y = output_activation(shortcut(x) + drop_path(residual(x))) ===
    @pytest.mark.parametrize("normalization", [None, "batch", "group"])
    @pytest.mark.parametrize("shortcut", SHORTCUTS)
    def test_equation_and_biases(self, shortcut, normalization):
        x = images(2, 7, 6, 3)
        block = self.built(x, strides=2, shortcut=shortcut, normalization=normalization)
        terms = block.shortcut(x) + block.residual(x)
        expected = to_numpy(block.output_activation(terms))
        np.testing.assert_allclose(to_numpy(block(x)), expected, **TOLERANCE)

        paths = [weight.path.split("/", 1)[1] for weight in block.weights]
        paths = [path for path in paths if not path.startswith("attention/")]
        convs = {path.split("/")[0] for path in paths if "conv" in path}
        biased = {path.split("/")[0] for path in paths if "conv" in path and "bias" in path}
        assert biased == (convs if normalization is None else convs & self.biased)
        assert any("gamma" in path for path in paths) == (normalization is not None)
        assert any("moving" in path for path in paths) == (normalization == "batch")
        assert ("shortcut_conv" in convs) == (shortcut != "pad")

    def test_matching_shapes_make_the_shortcut_the_identity(self):
        x = images(2, 7, 6, self.width)
        for shortcut in ("auto", "pad"):
            block = self.built(x, shortcut=shortcut)
            np.testing.assert_array_equal(to_numpy(block.shortcut(x)), x)
            assert not any("shortcut" in weight.path for weight in block.weights)
        named = self.built(x, shortcut="projection")
        assert any("shortcut_conv" in weight.path for weight in named.weights)

    def test_drop_path(self):
        x = images(512, 2, 2, self.width)
        block = self.built(x, drop_path_rate=0.25)
        every_path = self.new(drop_path_rate=0.0)
        every_path.build(x.shape)
        every_path.set_weights(block.get_weights())
        # At inference, nothing is dropped or scaled.
        np.testing.assert_array_equal(to_numpy(block(x)), to_numpy(every_path(x)))

        shortcut = to_numpy(block.shortcut(x, training=True))
        residual = to_numpy(block.residual(x, training=True))
        activate = block.output_activation
        dropped = to_numpy(activate(shortcut))
        kept = to_numpy(activate(shortcut + residual / 0.75))
        y = to_numpy(block(x, training=True))
        # Each sample is either dropped as a whole, or kept and scaled up.
        is_kept = np.isclose(y, kept, **TOLERANCE).all(axis=(1, 2, 3))
        is_dropped = np.isclose(y, dropped, **TOLERANCE).all(axis=(1, 2, 3))
        assert (is_kept | is_dropped).all()
        # So the mean is kept if 3/4 of the samples are. For 512 samples, that share has a
        # standard deviation of sqrt(3/4 * 1/4 / 512) = 0.019; the bound is five of them.
        assert abs((~is_dropped).mean() - 0.75) < 0.096

    # === Training ===
    def test_training(self):
        """One compiled model of four blocks, since compiling takes most of the time."""
        x = images(8, 5, 5, self.width)
        identity, projection, frozen = (
            self.new(name="identity"),
            self.new(strides=2, name="projection"),
            self.new(normalization="batch", name="frozen"),
        )
        inputs = keras.Input(x.shape[1:])
        outputs = [identity(inputs), projection(inputs), frozen(inputs)]
        for norm in freezable_norms(frozen):
            norm.freeze_statistics = True
        if self.starts_as_shortcut:
            zero = self.new(zero_init_residual=True, name="zero")
            outputs.append(zero(inputs))
            for training in (False, True):
                start = to_numpy(zero(x, training=training))
                shortcut = to_numpy(zero.output_activation(zero.shortcut(x)))
                np.testing.assert_array_equal(start, shortcut)
        model = keras.Model(inputs, outputs)
        for block in (identity, projection, frozen):
            fill(block)
        before = values(model)
        losses = ["mse"] * len(outputs)
        model.compile(keras.optimizers.SGD(self.learning_rate), losses)
        targets = [images(*output.shape[1:])[None].repeat(8, 0) for output in outputs]
        history = model.fit(x, targets, epochs=STEPS, batch_size=8, verbose=0).history

        after = values(model)
        assert np.isfinite(history["loss"]).all()
        assert_changed(before, after, [weight.path for weight in model.trainable_weights])
        for path in before:
            if "moving_" in path:
                is_kept = np.array_equal(before[path], after[path])
                assert is_kept == path.startswith("frozen"), path
        assert any("gamma" in w.path for w in frozen.trainable_weights)

    @pytest.mark.parametrize("normalization", [None, "batch"])
    def test_predicting_leaves_the_input_alone(self, normalization):
        x = images(2, 7, 6, self.width)
        block = self.built(x, normalization=normalization)
        inputs = keras.Input(x.shape[1:])
        model = keras.Model(inputs, [block(inputs), inputs])
        outputs, after = model.predict_on_batch(x)
        np.testing.assert_array_equal(after, x)
        np.testing.assert_allclose(outputs, to_numpy(block(x)), **TOLERANCE)

    def test_statistics_are_updated_once_a_call(self):
        x = images(2, 7, 6, 3)
        block = self.new(strides=2, normalization="batch")
        block.build(x.shape)
        statistics = []
        for _ in range(2):
            block(x, training=True)
            statistics.append({w.path: to_numpy(w) for w in block.non_trainable_weights})
        assert len(statistics[0]) >= 2
        # From a start s, the n-th update by a batch's value v gives v + m^n (s - v) with momentum
        # m: the second update moves m times as far as the first. Two per call would give m^2.
        momentum = self.block_cls.norm_momentum
        for path, first in statistics[0].items():
            start = 1.0 if path.endswith("variance") else 0.0
            second_move = statistics[1][path] - first
            np.testing.assert_allclose(
                second_move, momentum * (first - start), rtol=1e-4, atol=1e-6
            )
