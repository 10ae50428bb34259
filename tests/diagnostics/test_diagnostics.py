"""`ResidualDiagnostics` against numbers by hand, in TensorBoard, and as a picture."""

import json
import re
import sys

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import keras_resblocks_plugin as krp
from tests.helpers import fill, images, needs_channels_first, to_numpy
from tests.tiny import photos, predict, tiny_backbone, tiny_classifier

STATISTICS = ["residual_ratio", "dead_units", "weight_update"]


def identity_block(kernel: float, shape=(2, 2, 1), **kwargs) -> krp.blocks.IdentityResidualBlock:
    """`x + kernel · x` on one channel."""
    block = krp.blocks.IdentityResidualBlock(1, kernel_size=1, **kwargs)
    block.build((None, *shape))
    block.conv1.kernel.assign(np.full((1, 1, 1, 1), kernel))
    return block


def scalars(log_dir, tag: str) -> list[tuple[int, float]]:
    """The steps and values that TensorBoard reads."""
    events = EventAccumulator(str(log_dir))
    events.Reload()
    return [(event.step, float(make_ndarray(event.tensor_proto))) for event in events.Tensors(tag)]


def test_residual_ratio():
    model = keras.Sequential(
        [identity_block(3.0, name="tripled"), identity_block(-0.5, name="halved")]
    )
    measured = krp.ResidualDiagnostics.measure(model, images(4, 2, 2, 1))
    # By hand: ‖3x‖ / ‖x‖ and ‖−x/2‖ / ‖x‖, for every x; float32 sums of 16 squares.
    assert measured["residual_ratio"] == pytest.approx({"tripled": 3, "halved": 0.5}, rel=1e-6)
    # These blocks have no activation, so they have no dead units.
    assert measured["dead_units"] == {"tripled": 0, "halved": 0}


def test_zero_branch_and_zero_shortcut():
    model = keras.Sequential([identity_block(0.0, name="a"), identity_block(2.0, name="b")])
    model.layers[0].conv1.bias.assign([0.0])
    zeros = np.zeros((1, 2, 2, 1), "float32")
    assert krp.ResidualDiagnostics.measure(model, zeros)["residual_ratio"] == {"a": 0, "b": 0}
    model.layers[1].conv1.bias.assign([1.0])
    assert krp.ResidualDiagnostics.measure(model, zeros)["residual_ratio"]["b"] == float("inf")


@pytest.mark.parametrize(
    "data_format",
    ["channels_last", pytest.param("channels_first", marks=needs_channels_first)],
)
def test_units_that_are_zero_on_the_whole_probe_are_dead(data_format):
    block = krp.blocks.BasicResidualBlock(2, kernel_size=1, data_format=data_format)
    model = keras.Sequential([block])
    x = np.abs(images(3, 4, 4, 2))
    # The second channel is positive at one pixel of one image, after its bias of −100.
    x[1, 2, 3, 1] = 200
    if data_format == "channels_first":
        x = np.transpose(x, (0, 3, 1, 2))
    model.build(x.shape)
    for conv in (block.conv1, block.conv2):
        conv.kernel.assign(np.eye(2).reshape(1, 1, 2, 2))
    block.conv1.bias.assign([0.0, -100.0])

    def dead_units(x):
        return krp.ResidualDiagnostics.measure(model, x)["dead_units"][block.name]

    assert dead_units(x) == 0
    # Without that image, one of two channels is dead after both activations.
    assert dead_units(x[[0, 2]]) == 0.5
    block.conv2.bias.assign([-1e6, 0.0])
    # Now the other channel is dead after the second activation, too: three of four.
    assert dead_units(x[[0, 2]]) == 0.75


@pytest.mark.usefixtures("one_group")
@pytest.mark.parametrize("block_type", list(krp.blocks.BLOCK_TYPES))
def test_every_block_type_is_measured_as_its_public_branches_compute(block_type):
    backbone = tiny_backbone(block_type)
    x = images(2, 16, 16, 3)
    measured = krp.ResidualDiagnostics.measure(backbone, x)
    names = [f"stack{i}_block0" for i in range(2)]
    assert list(measured["residual_ratio"]) == names
    for name in names:
        block = backbone.get_layer(name)
        h = keras.Model(backbone.input, block.input)(x)
        shortcut, residual = to_numpy(block.shortcut(h)), to_numpy(block.residual(h))
        expected = np.linalg.norm(residual) / np.linalg.norm(shortcut)
        # The same float32 sums, of up to a few thousand squares, in another order.
        assert measured["residual_ratio"][name] == pytest.approx(expected, rel=1e-4)
    # With these weights, no output of a ReLU is above zero in a block with a projection.
    for weight in block.trainable_weights:
        low = -1.0 if weight.name in ("bias", "beta") else 0.0
        weight.assign(np.full(weight.shape, low))
    activations = {block.activation, block.output_activation} - {keras.activations.linear}
    dead = krp.ResidualDiagnostics.measure(backbone, x)["dead_units"]
    assert dead["stack1_block0"] == (1 if activations else 0)
    assert dead["stack0_block0"] == measured["dead_units"]["stack0_block0"] < 1


def test_measuring_does_not_change_the_model():
    backbone = tiny_backbone("expanded")
    x = images(2, 16, 16, 3)
    before = predict(backbone, x)
    attributes = {block: dict(vars(block)) for block in backbone.layers}
    krp.ResidualDiagnostics.measure(backbone, x)
    with pytest.raises(Exception):  # noqa: B017, PT011  (each backend's own)
        krp.ResidualDiagnostics.measure(backbone, images(2, 16, 16, 5))
    assert all(vars(block).keys() == attributes[block].keys() for block in backbone.layers)
    assert backbone.layers[-1].output_activation is keras.activations.relu
    np.testing.assert_array_equal(predict(backbone, x), before)


def test_weight_update(tmp_path):
    block = identity_block(3.0, name="block")
    model = keras.Sequential([block])
    model.compile(keras.optimizers.SGD(0.25), loss=lambda _, y: ops.mean(y))
    x = np.full((4, 2, 2, 1), 2, "float32")
    diagnostics = krp.ResidualDiagnostics(x, tmp_path)
    model.fit(x, x, batch_size=2, epochs=2, callbacks=[diagnostics], verbose=0)
    # By hand: the gradient of the mean of kx + b is (2, 1), and an epoch has two steps of a
    # quarter of it: (k, b) goes from (3, 0) by (−1, −0.5) to (2, −0.5), and on to (1, −1).
    step = 1.25**0.5
    expected = [step / 3, step / 4.25**0.5]
    assert diagnostics.history["weight_update"]["block"] == pytest.approx(expected, rel=1e-6)
    # ‖2k + b‖ / ‖2‖ after each epoch.
    assert diagnostics.history["residual_ratio"]["block"] == pytest.approx([1.75, 0.5], rel=1e-6)


def test_training_writes_events_and_a_picture(tmp_path):
    classifier = tiny_classifier()
    classifier.compile(optimizer=keras.optimizers.SGD(0.1))
    diagnostics = krp.ResidualDiagnostics(photos(4), log_dir=tmp_path / "logs")
    classifier.fit(
        *(photos(8), np.arange(8) % 3),
        batch_size=4,
        epochs=3,
        initial_epoch=1,
        callbacks=[diagnostics],
        verbose=0,
    )
    assert list(diagnostics.history) == STATISTICS
    for statistic in STATISTICS:
        for name in ("stack0_block0", "stack1_block0"):
            values = diagnostics.history[statistic][name]
            written = scalars(tmp_path / "logs", f"{statistic}/{name}")
            # Event files hold float32.
            assert written == [(1, np.float32(values[0])), (2, np.float32(values[1]))]
    # The probe is raw images, as `fit()` takes them.
    again = krp.ResidualDiagnostics.measure(classifier, photos(4))
    last = {name: values[-1] for name, values in diagnostics.history["residual_ratio"].items()}
    assert again["residual_ratio"] == pytest.approx(last, rel=1e-5)
    with Image.open(tmp_path / "logs" / "residual_diagnostics.png") as picture:
        assert picture.width > 1000


TRAIN_WITHOUT_TENSORFLOW = """
import sys

sys.modules["tensorflow"] = None  # As where it is not installed.

import keras
import numpy as np
from tests.diagnostics.test_diagnostics import identity_block

import keras_resblocks_plugin as krp

model = keras.Sequential([identity_block(3.0, name="a block, odd")])
model.compile("sgd", "mse")
x = np.ones((4, 2, 2, 1), "float32")
diagnostics = krp.ResidualDiagnostics(x, sys.argv[1])
model.fit(x, x, epochs=2, callbacks=[diagnostics], verbose=0)
print(diagnostics.history["residual_ratio"]["a block, odd"])
"""


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="It is the backend.")
def test_events_are_written_without_tensorflow(fresh_process, tmp_path):
    history = json.loads(fresh_process(TRAIN_WITHOUT_TENSORFLOW, tmp_path / "logs"))
    # Tags are written as they are.
    written = scalars(tmp_path / "logs", "residual_ratio/a block, odd")
    assert written == [(epoch, np.float32(value)) for epoch, value in enumerate(history)]


def test_a_frozen_block_has_no_weight_update(tmp_path):
    model = keras.Sequential([fill(tiny_backbone()), keras.layers.Flatten()])
    model.layers[0].get_layer("stack0_block0").trainable = False
    model.compile("sgd", "mse")
    x = images(4, 8, 8, 3)
    diagnostics = krp.ResidualDiagnostics(x, tmp_path)
    model.fit(x, np.zeros((4, *model(x).shape[1:])), callbacks=[diagnostics], verbose=0)
    assert diagnostics.history["weight_update"]["stack0_block0"] == [0]
    assert diagnostics.history["weight_update"]["stack1_block0"][0] > 0


def test_blocks_with_equal_names_are_numbered():
    halves = [keras.Sequential([identity_block(k, name="block")]) for k in (1.0, 2.0)]
    measured = krp.ResidualDiagnostics.measure(keras.Sequential(halves), images(1, 2, 2, 1))
    assert measured["residual_ratio"] == pytest.approx({"0_block": 1, "1_block": 2}, rel=1e-6)


def test_errors_are_raised_before_training(tmp_path, monkeypatch):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match=re.escape("needs a model with residual blocks")):
        model.fit(x, x[:, :1], callbacks=[krp.ResidualDiagnostics(x, tmp_path)], verbose=0)
    with pytest.raises(ValueError, match="`probe`"):
        krp.ResidualDiagnostics(x[:0], tmp_path)
    # As in an environment without these modules.
    for name in ("matplotlib", "tensorboardX"):
        with monkeypatch.context() as context:
            context.setitem(sys.modules, name, None)
            with pytest.raises(ImportError, match=f"`{name}`, which the extra `training`"):
                krp.ResidualDiagnostics(x, tmp_path)
