"""Settings are compared, and errors name what differs."""

import pytest

from keras_resblocks_plugin._utils import _jsonfile
from keras_resblocks_plugin.training import _provenance


def test_differences_name_both_values():
    kept = {"a": 1, "b": {"c": [1, 2], "d": None}, "gone": True}
    wanted = {"a": 1, "b": {"c": (1, 3), "d": None}, "new": "x"}
    assert _provenance.differences(kept, wanted) == [
        "`b.c` was [1, 2], now [1, 3]",
        '`new` was not set, now "x"',
        "`gone` was true, now not set",
    ]
    assert _provenance.differences(kept, dict(reversed(kept.items()))) == []
    assert _provenance.key(kept) != _provenance.key(wanted)


def test_a_folder_takes_new_settings_until_it_has_results(tmp_path):
    file = tmp_path / "run" / "settings.json"
    _provenance.claim(file, {"seed": 0}, False, "")
    _provenance.claim(file, {"seed": 1}, False, "")
    _provenance.claim(file, {"seed": 1}, True, "")
    with pytest.raises(ValueError, match=r"`seed` was 1, now 0\. Remove it\."):
        _provenance.claim(file, {"seed": 0}, True, "Remove it.")
    _jsonfile.write_json(tmp_path / "x.json", {"top1": 0.5})
    with pytest.raises(ValueError, match="no record"):
        _provenance.read_result(tmp_path / "x.json", {}, "")
