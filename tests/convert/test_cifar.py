"""Conversion of CIFAR's ResNets with option-A shortcuts from PyTorch checkpoints."""

import argparse

import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests.helpers import images, to_numpy
from tests.tiny import assert_refused

torch = pytest.importorskip("torch", reason="Only PyTorch writes and reads its checkpoints.")
nn = torch.nn


class Block(nn.Module):
    """The block of the ResNet paper's section 4.2, with the shortcuts of several repositories."""

    def __init__(self, inputs, filters, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.stride, self.zeros, self.projection = stride, shortcut, None
        if shortcut not in ("split", "appended") and (stride > 1 or inputs != filters):
            conv = nn.Conv2d(inputs, filters, 1, stride, bias=False)
            # The name by which the weights are saved.
            self.projection = shortcut
            setattr(self, shortcut, nn.Sequential(conv, nn.BatchNorm2d(filters)))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.projection:
            x = getattr(self, self.projection)(x)
        elif self.stride > 1:
            added = y.shape[1] - x.shape[1]
            before = added // 2 if self.zeros == "split" else 0
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, added - before))
        return torch.relu(x + y)


class Network(nn.Module):
    """ResNet-20, 32, 44, 56 or 110: `depth` blocks in each of three stacks."""

    def __init__(self, depth, shortcut="split"):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        filters = 16
        for stack in range(3):
            blocks = [Block(filters, 16 << stack, 2 if stack else 1, shortcut)]
            filters = 16 << stack
            blocks += [Block(filters, filters, 1, shortcut) for _ in range(depth - 1)]
            setattr(self, f"layer{stack + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def new_network(**kwargs):
    """A ResNet-20 with random batch-norm statistics."""
    torch.manual_seed(0)
    model = Network(3, **kwargs).eval()
    for key, tensor in model.state_dict().items():
        if key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.ndim == 1:
            tensor.normal_(1.0 * key.endswith("weight"), 0.25)
    return model


@pytest.fixture
def network():
    return new_network()


def assert_same_logits(model, network):
    x = images(2, 32, 32, 3)
    with torch.no_grad():
        expected = network(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy()
    # The same float32 sums in another order.
    assert expected.std() > 0.1
    np.testing.assert_allclose(
        to_numpy(model(x)), expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("form", ["plain", "as akamaster saves it"])
def test_the_same_logits(network, form, tmp_path):
    file = tmp_path / "resnet20.th"
    state = network.state_dict()
    if form != "plain":
        state = {f"module.{key}": tensor for key, tensor in state.items()}
        state = {"state_dict": state, "best_prec1": 91.7}
    torch.save(state, file)
    with pytest.warns(UserWarning, match="Assuming `zero_channels='split'`"):
        model = krp.convert.from_timm(file)
    assert model.backbone.stackwise_num_blocks == [3, 3, 3]
    assert model.backbone.block_kwargs == {"shortcut": "pad"}
    assert model.preprocessor.image_converter.image_size == (32, 32)
    assert_same_logits(model, network)


@pytest.mark.parametrize("names", ["akamaster", "D-X-Y"])
def test_appended_zero_channels(names, tmp_path, recwarn):
    network = new_network(shortcut="appended")
    state, file = network.state_dict(), tmp_path / "resnet20.th"
    if names == "D-X-Y":
        state = {of_dxy(name): tensor for name, tensor in state.items()}
    torch.save(state, file)
    assert_same_logits(krp.convert.from_timm(file, zero_channels="appended"), network)
    assert not [x for x in recwarn if "zero" in str(x.message)]
    if names == "D-X-Y":
        with pytest.warns(UserWarning, match="Assuming `zero_channels='appended'`"):
            assert_same_logits(krp.convert.from_timm(file), network)


def of_dxy(name):
    """The name of a weight in `D-X-Y/ResNeXt-DenseNet`."""
    stack, *block = name.split(".")
    if not stack.startswith("layer"):
        names = {"conv1": "conv_1_3x3", "bn1": "bn_1", "linear": "classifier"}
        return ".".join([names[stack], *block])
    place, layer, weight = block
    layer = layer.replace("1", "_a").replace("2", "_b")
    return f"stage_{stack.removeprefix('layer')}.{place}.{layer}.{weight}"


@pytest.mark.parametrize("shortcut", ["downsample", "shortcut"])
def test_projected_shortcuts(shortcut, tmp_path):
    network, file = new_network(shortcut=shortcut), tmp_path / "resnet20.pt"
    torch.save(network.state_dict(), file)
    assert_same_logits(krp.convert.from_timm(file), network)
    assert_refused(
        lambda: krp.convert.from_timm(file, zero_channels="split"),
        "`zero_channels` must not be passed: no shortcut adds zeros",
    )


def test_code_in_a_checkpoint_is_not_run(network, tmp_path):
    file = tmp_path / "resnet20.th"
    torch.save({"state_dict": network.state_dict(), "args": argparse.Namespace(lr=0.1)}, file)
    assert_refused(
        lambda: krp.convert.from_timm(file),
        "contains objects other than tensors",
        str(file),
        "`state_dict`",
    )
    torch.save(network, file)
    assert_refused(lambda: krp.convert.from_timm(file), "contains objects other than tensors")


def test_bad_checkpoints(network, tmp_path):
    file = tmp_path / "resnet20.th"
    torch.save(network.state_dict(), file)
    file.write_bytes(file.read_bytes()[:5000])
    assert_refused(lambda: krp.convert.from_timm(file), "is truncated or damaged", str(file))
    torch.save({"model": network.state_dict()}, file)
    assert_refused(lambda: krp.convert.from_timm(file), "must contain a `state_dict`", "'model'")
    projected = {**network.state_dict(), "layer2.0.shortcut.0.weight": torch.zeros(32, 16, 1, 1)}
    torch.save(projected, file)
    assert_refused(
        lambda: krp.convert.from_timm(file), "Missing: ", "layer2.0.shortcut.1.running_mean"
    )
