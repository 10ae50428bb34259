"""The quickstart, and the scripts that write what the README shows."""

import pytest
from PIL import Image

from keras_resblocks_plugin._utils import _markdown


def test_the_quickstart_names_learns_saves_and_loads_back(run_script, tmp_path):
    code, output, errors = run_script("quickstart.py")
    assert code == 0, errors
    # The likeliest of 190 classes; a rocket is none of them.
    named = {
        line.split()[0]: line.split(maxsplit=1)[1] for line in output.splitlines() if ".jpg" in line
    }
    assert named["cat.jpg"].startswith("Egyptian cat")
    assert named["coffee.jpg"].startswith("espresso")
    assert all(names.count("%") == 3 for names in named.values())
    assert "of 6 other images named right" in output
    assert "outputs identical: True" in output
    # No other files are left.
    assert list(tmp_path.iterdir()) == []


def test_the_quickstart_keeps_the_preset_where_asked(run_script, tmp_path):
    code, _, errors = run_script("quickstart.py", "--out", tmp_path / "textures")
    assert code == 0, errors
    assert (tmp_path / "textures" / "task.weights.h5").exists()


def test_a_section_is_replaced_and_nothing_else(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter\n")
    _markdown.replace_section(file, "a", _markdown.table(["x", "y"], [["one", 1]]))
    assert file.read_text() == (
        "before\n<!-- a:begin -->\n\n| x | y |\n| :-- | --: |\n| one | 1 |\n\n"
        "<!-- a:end -->\nafter\n"
    )
    with pytest.raises(ValueError, match="b:begin"):
        _markdown.replace_section(file, "b", "new")


def test_the_picture_of_the_blocks_is_drawn(run_script, tmp_path):
    code, _, errors = run_script("docs/draw_blocks.py", "--out", tmp_path / "blocks.png")
    assert code == 0, errors
    with Image.open(tmp_path / "blocks.png") as image:
        assert image.width > image.height > 300
