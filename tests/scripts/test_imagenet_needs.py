"""The table of what ImageNet-1k needs is on the page as the script computes it."""

import shutil
from pathlib import Path

import imagenet_needs

from keras_resblocks_plugin.training import read_recipe


def test_the_page_has_the_table_of_the_script(tmp_path):
    page = Path(shutil.copy(imagenet_needs.PAGE, tmp_path))
    imagenet_needs.main(imagenet_needs.parse_args(["--page", str(page)]))
    assert page.read_text() == imagenet_needs.PAGE.read_text()


def test_needs_of_one_and_of_many_accelerators():
    one, many = (imagenet_needs.needs(read_recipe("a3"), count) for count in (1, 64))
    # 160 pixels: 6,654 × 1.96 images a second, 100 × 1,281,167 images.
    assert one[:2] == ["13,042", "164"]
    assert one[4] == "0"
    assert float(many[4]) > 100
