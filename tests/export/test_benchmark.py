"""`benchmark` measures a preset on any backend, and its exported files on TensorFlow."""

import json
import time

import keras
import numpy as np
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.export import BenchmarkConfig, _formats, benchmark
from keras_resblocks_plugin.export._fresh_load import load_and_predict
from keras_resblocks_plugin.export._rates import measure_rates
from tests.tiny import tiny_backbone, tiny_classifier

# Raised by Keras, which patches tf2onnx.
pytestmark = pytest.mark.filterwarnings("ignore:In the future `np.object`:FutureWarning")


@pytest.fixture(scope="module")
def measured(saved_preset, tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmark") / "new" / "benchmark.json"
    config = BenchmarkConfig(
        preset=str(saved_preset), out=out, loads=1, runs=2, largest_batch=4, dtype="float32"
    )
    return benchmark(config), json.loads(out.read_text())


def is_figure(figure) -> bool:
    return list(figure) == ["median", "least", "most"] and (
        0 < figure["least"] <= figure["median"] <= figure["most"]
    )


def test_the_record_says_what_was_measured(measured):
    record, written = measured
    assert written == record
    backend = keras.backend.backend()
    assert (record["backend"], record["image_size"], record["dtype"]) == (backend, 16, "float32")
    assert record["parameters"] == tiny_classifier().count_params()
    assert record["software"].keys() >= {"keras", "keras-hub", backend}
    assert is_figure(record["load_seconds"])
    assert is_figure(record["first_prediction_seconds"])


def test_images_a_second_agree_with_the_milliseconds(measured):
    record, _ = measured
    for result in record["results"].values():
        assert result["one_image"]["batch_size"] == 1
        assert result["best_batch"]["batch_size"] in (1, 2, 4)
        for batch in result.values():
            assert is_figure(batch["milliseconds"])
            assert is_figure(batch["images_a_second"])
            expected = 1000 * batch["batch_size"] / batch["milliseconds"]["median"]
            # Medians of two runs, which are means.
            spread = batch["milliseconds"]["most"] / batch["milliseconds"]["least"]
            assert expected / spread < 1.01 * batch["images_a_second"]["median"]
            assert batch["images_a_second"]["median"] < 1.01 * expected * spread
        rates = [batch["images_a_second"]["most"] for batch in result.values()]
        assert rates[1] >= 0.5 * rates[0]


def test_every_format_is_measured_or_left_out_with_a_reason(measured):
    results, left_out = (measured[0][key] for key in ("results", "left_out"))
    assert {*results, *left_out} == {"plain", "folded", *_formats.FORMATS}
    assert not results.keys() & left_out.keys()
    assert "plain" in results
    assert "folded" in results
    for name in results.keys() & set(_formats.FORMATS):
        assert keras.backend.backend() == "tensorflow"
        assert not _formats.missing_modules(name)
    if keras.backend.backend() != "tensorflow":
        assert "KERAS_BACKEND=tensorflow" in left_out["savedmodel"]


def test_a_preset_without_a_square_size_is_refused(tmp_path):
    converter = krp.ResBlockImageConverter(image_size=(16, 24))
    preprocessor = krp.ResBlockImageClassifierPreprocessor(converter)
    tiny_classifier(preprocessor=preprocessor).save_to_preset(tmp_path / "wide")
    with pytest.raises(ValueError, match=r"square `image_size`\. Received: .*\(16, 24\)"):
        benchmark(BenchmarkConfig(preset=str(tmp_path / "wide")))


def test_a_network_that_cannot_be_folded_says_why(tmp_path):
    from keras_resblocks_plugin.export import _benchmark

    classifier = tiny_classifier(tiny_backbone("preact"))
    classifier.save_to_preset(tmp_path / "preset")
    config = BenchmarkConfig(preset=str(tmp_path / "preset"))
    runners, left_out = _benchmark._runners(config, classifier, 16, tmp_path)
    assert "folded" not in runners
    assert "cannot be folded" in left_out["folded"]
    images = np.zeros((2, 16, 16, 3), "float32")
    for run in runners.values():
        np.testing.assert_allclose(run(images), runners["plain"](images), rtol=1e-4, atol=1e-4)


def test_batches_grow_until_there_is_no_gain_or_no_memory():
    sizes = {"by image": set(), "by batch": set(), "small": set()}

    def run(name, seconds, most=np.inf):
        def run(images):
            if len(images) > most:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
            sizes[name].add(len(images))
            time.sleep(seconds(len(images)))

        return run

    results = measure_rates(
        {
            "by image": run("by image", lambda count: 0.01 * count**1.5),
            "by batch": run("by batch", lambda count: 0.01),
            "small": run("small", lambda count: 0.01, most=8),
        },
        *(2, 2, 32),
    )
    assert results["by image"]["best_batch"]["batch_size"] <= 2
    assert max(sizes["by image"]) <= 8
    assert results["by batch"]["best_batch"]["batch_size"] == 32
    assert results["small"]["best_batch"]["batch_size"] == 8
    assert results["by batch"]["one_image"]["milliseconds"]["median"] >= 10


def test_other_errors_are_raised():
    def run(images):
        if len(images) > 1:
            raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        measure_rates({"net": run}, 2, 1, 4)


@pytest.mark.slow
def test_a_process_that_fails_is_an_error_in_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"loads the preset failed: .*nowhere"):
        load_and_predict(str(tmp_path / "nowhere"), 16, None, 1)
