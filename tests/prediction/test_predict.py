"""Predictions and features of every image of a dataset."""

import json
import pathlib

import numpy as np
import pyarrow.parquet as pq
import pytest

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.prediction import PredictConfig, Predictor
from keras_resblocks_plugin.training.data._images import read_image
from tests.helpers import TOLERANCE, to_numpy
from tests.made_data import photographs
from tests.prediction.made import backbone_preset, raw, save_images, table_of
from tests.tiny import tiny_backbone, tiny_classifier
from tests.training.test_measured import CONVERTERS

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "predictions.json"
COUNT = 11


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("images") / "flat", COUNT)


def preset_of(folder, converter=None, head=10, **kwargs) -> pathlib.Path:
    converter = {"image_size": (16, 16), "scale": 1 / 64, "offset": -2.0, **(converter or {})}
    preprocessor = krp.ResBlockImageClassifierPreprocessor(krp.ResBlockImageConverter(**converter))
    classifier = tiny_classifier(preprocessor=preprocessor, **kwargs)
    # Predictions differ from image to image.
    kernel = classifier.output_dense.kernel
    kernel.assign(head * np.random.default_rng(0).normal(size=tuple(kernel.shape)))
    classifier.save_to_preset(str(folder))
    return folder


def decoded(preset, files, top: int) -> list[list[tuple[str, float]]]:
    """What `decode_predictions` gives for the outputs of `predict`, one raw image at a time."""
    classifier = krp.ResBlockImageClassifier.from_preset(str(preset), compile=False)
    logits = np.concatenate([to_numpy(classifier.predict(x, verbose=0)) for x in raw(files)])
    return classifier.decode_predictions(logits, top=top)


@pytest.mark.parametrize("name", ["square", *CONVERTERS])
def test_predictions_are_those_of_predict(name, flat, tmp_path):
    preset = preset_of(tmp_path / "preset", CONVERTERS.get(name))
    table = table_of(tmp_path / "out.parquet", preset, flat, top=2, batch_size=4, part_rows=6)
    expected = decoded(preset, sorted(flat.iterdir()), top=2)
    assert table["row"] == list(range(COUNT))
    assert table["path"] == [f"{row:03}.png" for row in range(COUNT)]
    assert table["label"] == table["id"] == table["error"] == [None] * COUNT
    assert table["class_names"] == [[name for name, _ in row] for row in expected]
    numbers = [[probability for _, probability in row] for row in expected]
    np.testing.assert_allclose(table["probabilities"], numbers, rtol=1e-4, atol=1e-5)
    assert table["class_name"] == [names[0] for names in table["class_names"]]
    assert table["probability"] == [first for first, _ in table["probabilities"]]
    assert len(set(table["probability"])) > COUNT // 2


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_features_are_pooled_as_the_classifier_pools(pooling, flat, tmp_path):
    preset = preset_of(tmp_path / "preset", pooling=pooling)
    table = table_of(tmp_path / "out.parquet", preset, flat, features=True)
    classifier = krp.ResBlockImageClassifier.from_preset(str(preset))
    prepared = np.concatenate(
        [to_numpy(classifier.preprocessor(x)) for x in raw(sorted(flat.iterdir()))]
    )
    expected = to_numpy(classifier.pooler(classifier.backbone(prepared)))
    np.testing.assert_allclose(table["features"], expected, **TOLERANCE)


def test_a_backbone_alone_has_features_and_no_predictions(tmp_path):
    backbone, data = tiny_backbone(), tmp_path / "data"
    data.mkdir()
    for index, image in enumerate(photographs(3, 0)["image"]):
        image.resize((20, 20)).save(data / f"{index}.png")
    preset = backbone_preset(tmp_path / "preset", backbone)
    with pytest.raises(ValueError, match=r"`preset` must have a classifier.*--features"):
        table_of(tmp_path / "out.parquet", preset, data)
    # Without a converter, pixels go in as they are.
    pixels = np.concatenate(raw(sorted(data.iterdir())))
    table = table_of(tmp_path / "features.parquet", preset, data, features=True)
    expected = to_numpy(backbone(pixels)).mean((1, 2))
    np.testing.assert_allclose(table["features"], expected, rtol=1e-4)
    converter = krp.ResBlockImageConverter(image_size=(16, 16), scale=1 / 255)
    preset = backbone_preset(tmp_path / "scaled", backbone, converter)
    table = table_of(tmp_path / "scaled.parquet", preset, data, features=True)
    expected = to_numpy(backbone(converter(pixels))).mean((1, 2))
    np.testing.assert_allclose(table["features"], expected, **TOLERANCE)


def test_images_of_several_sizes_need_a_size(flat, tmp_path):
    preset = backbone_preset(tmp_path / "preset", tiny_backbone())
    with pytest.raises(ValueError, match=r"an `image_size` where images have several sizes"):
        table_of(tmp_path / "out.parquet", preset, flat, features=True)


@pytest.mark.parametrize(
    ("units", "names", "expected"),
    [(3, None, {"0", "1", "2"}), (1, None, {"1"}), (1, ["fox"], {"fox"})],
)
def test_heads_of_numbers_and_of_one_unit(units, names, expected, flat, tmp_path):
    preset = preset_of(tmp_path / "preset", num_classes=units, class_names=names)
    table = table_of(tmp_path / "out.parquet", preset, flat, top=5)
    assert set(table["class_name"]) <= expected
    assert {len(names) for names in table["class_names"]} == {units}
    probabilities = np.array(table["probabilities"])
    assert (probabilities > 0).all()
    if units > 1:
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)


def test_unreadable_images_have_a_row_and_are_listed(saved_preset, tmp_path, capsys):
    folder = save_images(tmp_path / "images", 17)
    damaged = {3, 4, 9}
    for row in damaged:
        file = folder / f"{row:03}.png"
        file.write_bytes(file.read_bytes()[:60])
    table = table_of(
        tmp_path / "out.parquet", saved_preset, folder, top=2, batch_size=2, part_rows=4
    )
    for name in ("class_name", "probability", "class_names", "probabilities"):
        assert {row for row in range(17) if table[name][row] is None} == damaged
    assert {row for row in range(17) if table["error"][row] is not None} == damaged
    assert all("cannot be read" in table["error"][row] for row in damaged)
    errors = capsys.readouterr().err
    assert "Images without a prediction, as the column `error` says: 3" in errors
    assert "row 3 (003.png): it cannot be read" in errors
    # The other rows are those of a folder without damage.
    whole = save_images(tmp_path / "whole", 17)
    expected = table_of(tmp_path / "whole.parquet", saved_preset, whole, top=2)
    good = [row for row in range(17) if row not in damaged]
    np.testing.assert_allclose(
        [table["probability"][row] for row in good],
        [expected["probability"][row] for row in good],
        **TOLERANCE,
    )


def test_predictions_that_are_not_finite_are_errors_of_their_rows(flat, tmp_path):
    # The logits overflow.
    preset = preset_of(tmp_path / "preset", {"scale": 1e25}, head=1e25)
    table = table_of(tmp_path / "out.parquet", preset, flat)
    assert set(table["error"]) == {"its prediction is not finite"}
    assert set(table["class_name"]) == {None}


def test_weights_that_are_not_finite_are_an_error(flat, tmp_path):
    classifier = tiny_classifier()
    classifier.output_dense.bias.assign([0, np.nan, 0])
    classifier.save_to_preset(str(tmp_path / "preset"))
    with pytest.raises(ValueError, match="weights must be finite"):
        table_of(tmp_path / "out.parquet", tmp_path / "preset", flat)


def test_the_predictor_takes_batches_of_files_and_of_arrays(flat, tmp_path):
    preset, files = preset_of(tmp_path / "preset"), sorted(flat.iterdir())
    (*expected,) = (row[0] for row in decoded(preset, files, top=1))
    predictor = Predictor(preset, image_column="picture")
    arrays = [read_image(file) for file in files]
    for kind in (
        [file.read_bytes() for file in files],
        [{"bytes": file.read_bytes(), "path": None} for file in files],
        arrays,
    ):
        batch = {"picture": np.empty(COUNT, object), "name": np.arange(COUNT)}
        batch["picture"][:] = kind
        columns = predictor(batch).to_pydict()
        assert list(columns) == ["name", "class_name", "probability", "error"]
        assert columns["class_name"] == [name for name, _ in expected]
        numbers = [probability for _, probability in expected]
        np.testing.assert_allclose(columns["probability"], numbers, rtol=1e-4)
        assert columns["error"] == [None] * COUNT
    wrong = np.stack([arrays[1], arrays[2]]).astype("float32")
    columns = predictor({"picture": wrong}).to_pydict()
    assert columns["probability"] == [None, None]
    assert "must be uint8 of shape" in columns["error"][0]


def test_the_file_has_the_columns_of_the_page(saved_preset, dataset, tmp_path):
    variants = {"plain": {}, "top": {"top": 5}, "features": {"features": True}}
    found = {}
    for name, options in variants.items():
        out = tmp_path / f"{name}.parquet"
        table_of(out, saved_preset, dataset, split="validation", **options)
        found[name] = {field.name: str(field.type) for field in pq.read_schema(out)}
    assert found == json.loads(GOLDEN.read_text())
    page = (pathlib.Path(krp.prediction.__file__).parent / "README.md").read_text()
    for name, kind in {**found["top"], **found["features"]}.items():
        kind = {"float": "float32"}.get(
            kind, kind.replace("element: ", "").replace("float", "float32")
        )
        assert any(f"`{name}`" in line and kind in line for line in page.splitlines()), name


def test_options_that_exclude_each_other(tmp_path):
    arguments = {"preset": "a", "data": "b", "out": tmp_path / "c"}
    with pytest.raises(ValueError, match="`top` must be left out with `features`"):
        PredictConfig(**arguments, top=2, features=True)
    for name in ("top", "batch_size", "part_rows"):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive integer"):
            PredictConfig(**arguments, **{name: 0})
