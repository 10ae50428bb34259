"""Labels that do not fit the head are refused."""

import keras
import numpy as np
import pytest

from tests.models.data_kinds import KINDS, X, Y
from tests.tiny import assert_refused, photos, tiny_backbone, tiny_classifier


@pytest.fixture(scope="module")
def classifier():
    return tiny_classifier()


@pytest.mark.parametrize("label", [3, -1, np.nan])
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_labels_out_of_range(classifier, make, label):
    labels = Y.astype("float32" if label != label else "int32")
    labels[1] = label
    message = "`y` must hold labels from 0 to 2: the head has 3 classes. Received: "
    message += f"{label if label == label else 'nan'}"
    for method in (classifier.fit, classifier.evaluate):
        with pytest.raises(Exception, match=message.replace(".", r"\.")):
            method(*make(X, labels), verbose=0)
    for method in (classifier.train_on_batch, classifier.test_on_batch):
        assert_refused(lambda method=method: method(X, labels), message)


def test_labels_of_an_ignored_class_are_accepted():
    model = tiny_classifier(tiny_backbone())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255)
    model.compile(loss=loss, metrics=[])
    labels = Y.copy()
    labels[2] = 255
    assert np.isfinite(model.fit(X, labels, verbose=0).history["loss"]).all()


def test_labels_that_are_names():
    with pytest.raises(ValueError, match="indices of the classes"):
        tiny_classifier().fit(photos(2), np.array(["cat", "dog"]), verbose=0)
