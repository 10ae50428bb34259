"""Strict reading of untrusted JSON."""

import json

import pytest

from keras_resblocks_plugin._utils._json import read_json
from tests.tiny import (
    assert_refused,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a": 1, "b": {"a": 1, "a": 2}}', "duplicate key 'a'"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "1e999"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        ('{"a": 1}'.encode("utf-8-sig"), "UTF-8"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "64 levels"),
        (b"[" * 1_000_000, "levels"),
        (b'{"a": [' + b"1," * 250_000 + b"1]}", "values"),
        (b'{"a": 1' + b"1" * 5000 + b"}", "JSON"),
        (b"[1]", "object"),
        (b"", "JSON"),
        (b" " * (9 << 20), "bytes"),
    ],
)
def test_json_that_python_would_take_or_die_of(tmp_path, text, told):
    file = tmp_path / "a.json"
    file.write_bytes(text)
    assert_refused(lambda: read_json(file), f"`{file}`", told)


def test_json_as_people_write_it(tmp_path):
    file = tmp_path / "a.json"
    value = {"ä, [{": ["\\", '"', "]}" * 1000, -1.5e-7, None, True], "b": [[[{}]]]}
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=8)):
        file.write_text(text, encoding="utf-8")
        assert read_json(file) == value
