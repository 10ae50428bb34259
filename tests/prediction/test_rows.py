"""The rows of folders and datasets that predictions are made for."""

import datasets
import pytest

from tests.made_data import CLASSES, photographs
from tests.prediction.made import save_images, table_of


def test_labels_ids_and_paths_are_what_the_dataset_knows(saved_preset, tmp_path):
    folder = save_images(tmp_path / "images", 6, in_classes=True)
    table = table_of(tmp_path / "a.parquet", saved_preset, folder)
    assert table["path"][:3] == ["class 0/000.png", "class 0/003.png", "class 1/001.png"]
    assert table["label"] == [0, 0, 1, 1, 2, 2]

    columns = photographs(6, 0)
    columns = {"picture": columns["image"], "kind": [0, 1, 2, -1, None, 1], "id": list("abcdef")}
    features = datasets.Features(
        picture=datasets.Image(),
        kind=datasets.ClassLabel(names=CLASSES),
        id=datasets.Value("string"),
    )
    data = tmp_path / "data"
    data.mkdir()
    rows = datasets.Dataset.from_dict(columns, features=features)
    for split in ("train", "test"):
        rows.to_parquet(data / f"{split}-00000-of-00001.parquet")
    options = {"image_column": "picture", "label_column": "kind"}
    with pytest.raises(ValueError, match=r"several, by --split\. .*'train', 'test'"):
        table_of(tmp_path / "b.parquet", saved_preset, data, **options)
    options["split"] = "test"
    table = table_of(tmp_path / "b.parquet", saved_preset, data, **options)
    assert table["label"] == [0, 1, 2, None, None, 1]
    assert table["id"] == list("abcdef")
    assert table["path"] == [None] * 6
    # The file says what the labels are.
    written = datasets.Dataset.from_parquet(
        str(tmp_path / "b.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert written.features["label"].names == CLASSES
    for column in ("label", "id", "image"):
        wrong = {**options, f"{column}_column": "no such"}
        with pytest.raises(ValueError, match=rf"a column 'no such' of .*--{column}-column"):
            table_of(tmp_path / "c.parquet", saved_preset, data, **wrong)


def test_no_image_of_a_folder_is_left_out_for_a_name(saved_preset, tmp_path):
    folder = save_images(tmp_path / "images", 3)
    # `datasets` would read these alone, as a split.
    (folder / "001.png").rename(folder / "test 1.png")
    (folder / ".notes").write_text("hidden")
    table = table_of(tmp_path / "a.parquet", saved_preset, folder)
    assert table["path"] == ["000.png", "002.png", "test 1.png"]
    # Folders of splits are splits.
    (folder / "test").mkdir()
    for name in ("000.png", "002.png"):
        (folder / name).rename(folder / "test" / name)
    table = table_of(tmp_path / "b.parquet", saved_preset, folder, split="test")
    assert table["path"] == ["test/000.png", "test/002.png"]
