"""`keras-resblocks evaluate`."""

import sys
from typing import Any

from keras_resblocks_plugin._utils._extras import require
from keras_resblocks_plugin._utils._jsonfile import to_json
from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.training import EvaluateConfig
from keras_resblocks_plugin.training._evaluate import evaluation_report, figures

# The rows of a table in the summary.
_ROWS = 5


def run(config: EvaluateConfig) -> None:
    """Measure the accuracy of a preset on a split of a dataset, and what it gets wrong.

    The results are printed as JSON, below a summary. With --out, a folder gets the accuracy of each
    class, the confusion matrix, the calibration, and a page of the worst images. Requires the
    "training" extra.
    """
    require("training", "rich")
    report = evaluation_report(config)
    _print_summary(report)
    if config.out is not None:
        print(f"Saved {config.out}", file=sys.stderr)
    print(to_json({"preset": config.preset, "split": config.split, **figures(report)}))


def _print_summary(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    # Programs may read the standard output.
    console = Console(stderr=True)
    console.print(
        f"top-1 {report['top1']:.1%}, top-5 {report['top5']:.1%}, "
        f"expected calibration error {report['ece']:.3f}, {report['images']:,} images of "
        f"{report['classes']:,} classes"
    )
    measured = [each for each in report["per_class"] if each["images"]]
    worst = sorted(measured, key=lambda each: each["accuracy"])[:_ROWS]
    classes = Table("class", "accuracy", "images", title="Worst classes")
    for each in worst:
        classes.add_row(escape(each["name"]), f"{each['accuracy']:.1%}", str(each["images"]))
    pairs = Table("class", "taken for", "images", "share", title="Most confused")
    for each in report["most_confused"][:_ROWS]:
        names = escape(each["true"]), escape(each["predicted"])
        pairs.add_row(*names, str(each["images"]), f"{each['share']:.1%}")
    for table in (classes, pairs):
        if table.row_count:
            console.print(table)


evaluate = options_of(EvaluateConfig, run, "preset")
