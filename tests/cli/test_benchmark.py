"""`keras-resblocks benchmark` prints a table of what it measured."""

import json

from keras_resblocks_plugin.cli import _benchmark


def test_the_table_has_what_the_record_has(command, saved_preset, tmp_path):
    out = tmp_path / "benchmark.json"
    options = "--loads", 1, "--runs", 2, "--largest-batch", 2, "--out", out
    code, output, errors = command("benchmark", saved_preset, *options)
    assert code == 0, errors
    record = json.loads(out.read_text())
    assert output.strip() == _benchmark.report(record)
    rows = [line.split(" | ") for line in output.splitlines() if line.startswith("| ")][2:]
    assert [row[0].strip("| ") for row in rows] == list(record["results"])
    for row, result in zip(rows, record["results"].values(), strict=True):
        one = result["one_image"]
        assert row[1].startswith(f"{one['milliseconds']['median']:,.2f} [")
        assert row[2].startswith(f"{one['images_a_second']['median']:,.0f} [")
        assert row[4].strip("| ") == str(result["best_batch"]["batch_size"])
    assert record["hardware"] in output
    for name, reason in record["left_out"].items():
        (line,) = [line for line in output.splitlines() if line.endswith(f": {reason}.")]
        assert name in line.split(": ")[1].split(", ")
