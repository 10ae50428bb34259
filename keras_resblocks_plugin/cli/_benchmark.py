"""`keras-resblocks benchmark`."""

from typing import Any

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin.cli._options import options_of
from keras_resblocks_plugin.export import BenchmarkConfig
from keras_resblocks_plugin.export import benchmark as _benchmark


def run(config: BenchmarkConfig) -> None:
    """Measure how fast a classifier loads and predicts on this machine.

    Load, first prediction, and images a second one by one and in the best batches: of the preset,
    of the preset folded, and exported where the extra `export` is installed, on the backend in
    use.
    """
    print(report(_benchmark(config)))


def report(record: dict[str, Any]) -> str:
    """The results in a Markdown table, between lines that say how they were measured."""
    software = ", ".join(f"{name} {version}" for name, version in record["software"].items())
    lines = [
        f"`{record['preset']}`: {record['parameters']:,} parameters, {record['dtype']}, images of "
        f"{record['image_size']} px. {record['hardware']}; {software}.",
        f"Load {_shown(record['load_seconds'], ' s', 2)}, first prediction "
        f"{_shown(record['first_prediction_seconds'], ' s', 2)}. All figures are medians, with the "
        "least and the most in brackets.",
        table(
            ("run by", "ms for one image", "images/s", "images/s, best batch", "batch"),
            [_row(name, result) for name, result in record["results"].items()],
        ),
    ]
    reasons = {}
    for name, reason in record["left_out"].items():
        reasons.setdefault(reason.rstrip("."), []).append(name)
    left_out = [f"Left out: {', '.join(names)}: {why}." for why, names in reasons.items()]
    return "\n\n".join([*lines, "\n".join(left_out)])


def _row(name: str, result: dict[str, Any]) -> list[str]:
    one, best = result["one_image"], result["best_batch"]
    return [
        name,
        _shown(one["milliseconds"], "", 2),
        _shown(one["images_a_second"], "", 0),
        _shown(best["images_a_second"], "", 0),
        str(best["batch_size"]),
    ]


def _shown(figure: dict[str, float], unit: str, digits: int) -> str:
    median, least, most = (f"{figure[x]:,.{digits}f}" for x in ("median", "least", "most"))
    return f"{median}{unit} [{least}, {most}]"


benchmark = options_of(BenchmarkConfig, run, "preset")
