"""The weights that learn with each strategy, and their way through saving."""

import keras
import keras_hub
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from tests import tiny
from tests.helpers import TOLERANCE, images, to_numpy, values
from tests.tiny import tiny_backbone

HEAD = {"predictions/kernel", "predictions/bias"}
STATISTICS = ("moving_mean", "moving_variance")
LORA = ("lora_kernel_a", "lora_kernel_b")
# XLA takes longer to compile than these models to train.
FAST = {"jit_compile": False} if keras.backend.backend() == "tensorflow" else {}
X, Y = images(6, 16, 16, 3), np.arange(6) % 3


def tiny_classifier(*backbone) -> krp.ResBlockImageClassifier:
    return tiny.tiny_classifier(*backbone, preprocessor=None)


def train(model, steps=2) -> dict[str, np.ndarray]:
    """Trains on one batch, and returns the weights before."""
    before = values(model)
    for _ in range(steps):
        model.train_on_batch(X, Y)
    return before


def predict(model) -> np.ndarray:
    return to_numpy(model.predict_on_batch(X))


def changed(model, before) -> set[str]:
    return {path for path, value in values(model).items() if (value != before[path]).any()}


def compiled(model):
    model.compile(
        keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(True), **FAST
    )
    return model


def named(model, *names) -> set[str]:
    return {weight.path for weight in model.backbone.weights if weight.name in names}


def test_full_norm_and_linear_train_their_weights(tmp_path):
    for strategy, names in (
        ("linear", ()),
        ("norm", ("gamma", "beta")),
        ("full", ("gamma", "beta", "kernel")),
    ):
        classifier = tiny_classifier()
        krp.freeze(classifier, strategy)
        before = train(compiled(classifier), steps=1)
        assert changed(classifier, before) == HEAD | named(classifier, *names), strategy
        assert {w.path for w in classifier.trainable_weights} == changed(classifier, before)
        assert_saves_what_it_computes(classifier, tmp_path / strategy)


def test_lora_trains_only_its_weights(tmp_path):
    classifier = tiny_classifier()
    krp.freeze(classifier, "lora")
    assert {layer.lora_rank for layer in convolutions(classifier)} == {4}
    # LoRA starts at zero, so that one of its two factors has no gradient in the first step.
    before = train(compiled(classifier), steps=1)
    assert changed(classifier, before) == HEAD | named(classifier, "lora_kernel_b")
    train(classifier)
    assert changed(classifier, before) == HEAD | named(classifier, *LORA)
    assert_saves_what_it_computes(classifier, tmp_path / "lora")


def test_lora_does_not_train_biases(tmp_path):
    classifier = tiny_classifier(tiny_backbone("expanded"))
    krp.freeze(classifier, "lora", rank=2)
    before = train(compiled(classifier))
    assert changed(classifier, before) == HEAD | named(classifier, *LORA)
    assert {layer.lora_rank for layer in convolutions(classifier)} == {2}


def convolutions(model) -> list:
    return [x for x in model._flatten_layers() if isinstance(x, keras.layers.Conv2D)]


def assert_saves_what_it_computes(classifier, folder):
    expected = predict(classifier)
    classifier.save_to_preset(folder)
    classifier.save(f"{folder}.keras")
    loaded = keras_hub.models.ImageClassifier.from_preset(str(folder), compile=False)
    for other in (loaded, keras.saving.load_model(f"{folder}.keras", compile=False)):
        # Merged kernels are the same sums in another order.
        np.testing.assert_allclose(predict(other), expected, **TOLERANCE)
        assert other.backbone.freeze_batch_norm


@pytest.mark.parametrize("block_type", ["bn", "preact"])
def test_statistics_follow_the_data_with_freeze_batch_norm_false(block_type, tmp_path):
    classifier = tiny_classifier(tiny_backbone(block_type))
    krp.freeze(classifier, "linear", freeze_batch_norm=False)
    before = train(compiled(classifier), steps=1)
    assert changed(classifier, before) == HEAD | named(classifier, *STATISTICS)
    classifier.save_to_preset(tmp_path)
    assert not krp.ResBlockImageClassifier.from_preset(tmp_path).backbone.freeze_batch_norm


def test_a_model_with_lora_resumes_from_a_backup(tmp_path):
    def fit_with_backup(epochs):
        classifier = tiny_classifier()
        krp.freeze(classifier, "lora", rank=2)
        compiled(classifier)
        backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
        history = classifier.fit(X, Y, epochs=epochs, shuffle=False, verbose=0, callbacks=[backup])
        return history.epoch, values(classifier)

    epochs, saved = fit_with_backup(2)
    assert epochs == [0, 1]
    # No epoch is left: the weights are as they were saved, kernels and LoRA apart.
    epochs, loaded = fit_with_backup(2)
    assert epochs == []
    for path, value in saved.items():
        np.testing.assert_array_equal(loaded[path], value)
    epochs, resumed = fit_with_backup(3)
    assert epochs == [2]
    different = {path for path, value in resumed.items() if (value != saved[path]).any()}
    assert {path.split("/")[-1] for path in different} == {*LORA, "kernel", "bias"}
    assert {path for path in different if path.endswith(("kernel", "bias"))} == HEAD


def test_weights_without_lora_load_into_a_model_that_can_still_learn(tmp_path):
    plain, classifier = tiny_classifier(), tiny_classifier()
    plain.save_weights(tmp_path / "plain.weights.h5")
    krp.freeze(classifier, "lora")
    train(compiled(classifier))
    classifier.load_weights(tmp_path / "plain.weights.h5")
    np.testing.assert_array_equal(predict(classifier), predict(plain))
    # Compiled again, since the file has the other model's learning rate, too.
    before = train(compiled(classifier))
    assert changed(classifier, before) >= named(classifier, *LORA)


def test_a_model_that_has_predicted_is_traced_again():
    classifier = tiny_classifier()
    start = predict(classifier)
    krp.freeze(classifier, "lora")
    train(compiled(classifier))
    expected = to_numpy(classifier(X))
    np.testing.assert_allclose(predict(classifier), expected, **TOLERANCE)
    assert np.abs(expected - start).max() > 1e-3


def test_a_model_that_has_trained_must_be_compiled_again():
    classifier = tiny_classifier()
    krp.freeze(classifier, "linear")
    # KerasHub compiles its tasks when they are created.
    train(classifier, steps=1)
    krp.freeze(classifier, "full")
    with pytest.raises(ValueError, match="compile"):
        train(classifier)
    before = train(compiled(classifier), steps=1)
    assert changed(classifier, before) == {w.path for w in classifier.trainable_weights}
    assert changed(classifier, before) > named(classifier, "kernel")


def test_a_part_of_a_frozen_backbone_stays_frozen(tmp_path):
    backbone = tiny_backbone(image_shape=(8, 8, 3))
    krp.freeze(backbone, "full")
    keras.Model(backbone.input, backbone.pyramid_outputs["P1"]).save(tmp_path / "part.keras")
    part = keras.saving.load_model(tmp_path / "part.keras")
    before = values(part)
    part.compile(keras.optimizers.SGD(0.1), "mse", **FAST)
    part.train_on_batch(images(2, 8, 8, 3), images(2, 4, 4, 4))
    assert {path for path in before if path.endswith(STATISTICS)}.isdisjoint(changed(part, before))


def test_the_head_of_other_kerashub_tasks_learns(tmp_path):
    encoder = krp.ResBlockBackbone(
        "bn", [4] * 3, [1] * 3, [2] * 3, [4], [3], [2], image_shape=(32, 32, 3)
    )
    deeplab = keras_hub.models.DeepLabV3Backbone(
        image_encoder=encoder,
        projection_filters=4,
        spatial_pyramid_pooling_key="P4",
        low_level_feature_key="P2",
        upsampling_size=4,
        dilation_rates=[1, 2, 3],
    )
    segmenter = keras_hub.models.DeepLabV3ImageSegmenter(deeplab, num_classes=3)
    of_encoder = {id(weight) for weight in encoder.weights}
    krp.freeze(segmenter, "linear")
    learning = {id(weight) for weight in segmenter.trainable_weights}
    assert learning.isdisjoint(of_encoder)
    assert len(learning) > 10
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(segmenter))
    assert len(copy.trainable_weights) == len(learning)
    encoder.trainable = True
    assert {id(weight) for weight in segmenter.trainable_weights} > learning
    krp.freeze(segmenter, "lora", rank=2)
    added = {id(weight) for weight in encoder.weights} - of_encoder
    assert {id(weight) for weight in segmenter.trainable_weights} == learning | added
    for weight in encoder.weights:
        if weight.name in LORA:
            weight.assign(keras.random.normal(weight.shape, stddev=0.1, seed=1))
    x = images(1, 32, 32, 3)
    expected = to_numpy(segmenter(x))
    segmenter.save_to_preset(tmp_path)
    loaded = keras_hub.models.ImageSegmenter.from_preset(str(tmp_path))
    assert not any(weight.name in LORA for weight in loaded.weights)
    # Merged kernels are the same sums in another order.
    np.testing.assert_allclose(to_numpy(loaded(x)), expected, **TOLERANCE)


def test_invalid_arguments():
    classifier = tiny_classifier(tiny_backbone("identity"))
    for arguments, words in (
        ({"strategy": "half"}, "`strategy` must be one of 'linear'.*Received: strategy='half'"),
        ({"strategy": "norm"}, "needs a backbone with batch norm.*block_type='identity'"),
        ({"strategy": "full", "rank": 4}, "takes no `rank`.*Received: rank=4"),
        ({"strategy": "lora", "rank": 0}, "`rank` must be a positive integer.*rank=0"),
        ({"strategy": "full", "freeze_batch_norm": "no"}, "`freeze_batch_norm` must be one of"),
    ):
        with pytest.raises(ValueError, match=words):
            krp.freeze(classifier, **arguments)
    with pytest.raises(ValueError, match=r"`model` must be a `ResBlockBackbone`.*Sequential"):
        krp.freeze(keras.Sequential(), "full")
    krp.freeze(classifier, "lora", rank=2)
    krp.freeze(classifier, "lora")
    for arguments in ({"strategy": "lora", "rank": 4}, {"strategy": "full"}):
        with pytest.raises(ValueError, match=r"Received: (rank=4|a model with LoRA)"):
            krp.freeze(classifier, **arguments)
