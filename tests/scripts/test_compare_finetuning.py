"""The comparison of strategies, in small, and what a report makes of it."""

import json

import _finetuning_report
import compare_finetuning

import keras_resblocks_plugin as krp


def test_finished_runs_are_kept_and_reported(small_comparison, dataset, tmp_path):
    backbone = krp.ResBlockBackbone("bn", [8], [1], [2], [8], [3], [2])
    converter = krp.ResBlockImageConverter(image_size=(32, 32), scale=1 / 64, offset=-2.0)
    krp.ResBlockImageClassifier(
        backbone, 2, preprocessor=krp.ResBlockImageClassifierPreprocessor(converter)
    ).save_to_preset(str(tmp_path / "tiny"))
    results = tmp_path / "studies" / "finetuning.json"
    arguments = [tmp_path / "tiny", "--data", dataset, "--out", tmp_path / "runs"]
    arguments += ["--results", results, "--images", 10, "--seeds", 0, "--dtype", "float32"]
    args = compare_finetuning.parse_args([str(argument) for argument in arguments])
    compare_finetuning.main(args)
    first = results.read_text()
    record = json.loads(first)
    assert [run["images"] for run in record["runs"]] == [10, 10]
    for run in record["runs"]:
        tried = [choice for choice in record["choices"] if choice["strategy"] == run["strategy"]]
        assert [choice["images"] for choice in tried] == [5, 5]
        best = max(tried, key=lambda choice: choice["held_out_top1"])
        assert run["learning_rate"] == best["learning_rate"]

    # The second time, only missing runs start; finished ones are kept as they are.
    (kept,) = (tmp_path / "runs").glob("linear-10-*.json")
    kept.write_text(kept.read_text().replace('"seconds": ', '"seconds": 1000'))
    compare_finetuning.main(args)
    assert json.loads(results.read_text())["runs"][1]["seconds"] >= 1000
    results.write_text(first)

    text, figure = _finetuning_report.finetuning_section(record)
    assert "| what learns | 10 images a class |" in text
    assert f"{record['runs'][0]['validation_top1']:.1%}" in text
    assert "not those bundled as `tiny`: their digest is" in text
    figure.savefig(tmp_path / "plot.png")

    # One strategy alone, for a sentence below the table.
    args = compare_finetuning.parse_args([*map(str, arguments), "--strategies", "linear"])
    compare_finetuning.main(args)
    alone = json.loads(results.read_text())
    assert {run["strategy"] for run in alone["runs"] + alone["choices"]} == {"linear"}
    sentence = _finetuning_report.other_preset(alone)
    assert f"`linear`: the head: {alone['runs'][0]['validation_top1']:.1%}" in sentence
