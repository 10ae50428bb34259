"""The measurements of `benchmark.py` as tables and as a picture."""

import statistics

import matplotlib

matplotlib.use("Agg")
from _benchmark_run import STEP_BATCH
from matplotlib import pyplot as plt

from keras_resblocks_plugin._utils._markdown import table
from keras_resblocks_plugin._utils._timing import ratios, spread

HEADER = ["layers", "this package", "KerasHub's ResNet", "ratio"]


def summary(measured: dict) -> str:
    """The table of the README: loading, forward pass and training step, where all were timed."""
    loads = {depth: load for depth, load in measured["load"].items() if depth in measured["step"]}
    return _beside({**measured, "load": loads})


def _beside(measured: dict) -> str:
    return "\n\n".join(
        [
            _how(measured),
            table(HEADER, [*_load_rows(measured), *_run_rows(measured)]),
            f"This package adds {spread(measured['import'], ' s')} to `import keras_hub`.",
        ]
    )


def markdown(measured: dict) -> str:
    """Formats all measurements."""
    return "\n\n".join(
        [
            _beside(measured),
            "**Where the time of `from_preset` goes.** Each part is timed by itself. For the "
            "variables, as many scalar variables are created and freed; freeing is not part of "
            "loading, so the parts add up to more than the whole.",
            table(
                [
                    *("layers", "whole", "variables", "initial values", "assigning"),
                    *("reading the file", "whole / reading"),
                ],
                _part_rows(measured),
            ),
            _growth(measured),
            "**Plain, folded and exported**, in milliseconds a batch. The ratio is the time of "
            "KerasHub's plain forward pass divided by this one: above 1 is faster.",
            table(["layers, batch", "run by", "time", "KerasHub's / it"], _forward_rows(measured)),
            _pipeline(measured),
            _limits(measured),
        ]
    )


def picture(measured: dict) -> plt.Figure:
    """Loading over depth, with its parts, and forward passes beside KerasHub's."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    depths = [int(depth) for depth in measured["load"]]
    lines = {
        "keras_hub": "KerasHub's `from_preset`",
        "krp": "this package's",
        "read": "reading the file",
    }
    for name, label in lines.items():
        seconds = [load["seconds"][name] for load in measured["load"].values()]
        left.plot(depths, list(map(statistics.median, seconds)), marker="o", label=label)
    left.set(xlabel="layers", ylabel="seconds", xlim=(0, None), ylim=(0, None))
    left.set_title("Loading by depth")
    left.legend()
    groups = {
        f"{depth} layers,\n{title}": seconds
        for depth, batches in measured["forward"].items()
        for title, seconds in batches.items()
    }
    names = [name for name in next(iter(groups.values())) if name != "keras_hub"]
    for index, name in enumerate(names):
        speeds = [statistics.median(ratios(s["keras_hub"], s[name])) for s in groups.values()]
        places = [group + (index + 1) / (len(names) + 2) for group in range(len(groups))]
        label = "this package" if name == "krp" else name
        right.barh(places, speeds, height=0.9 / (len(names) + 2), label=label)
    right.set_yticks([group + 0.45 for group in range(len(groups))], groups)
    right.invert_yaxis()
    right.axvline(1, color="black", linewidth=1)
    right.set(xlabel="times as fast as KerasHub's plain forward pass")
    right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _how(measured: dict) -> str:
    return (
        f"{measured['backend']}, {measured['hardware']}, median of {measured['runs']} alternating "
        "runs after a warm-up, with the minimum and maximum in brackets. The ratio is taken pair "
        "by pair; below 1, this package is better."
    )


def _row(title: str, seconds: dict, unit: float = 1.0, name: str = " s") -> list[str]:
    ours, theirs = ([value * unit for value in seconds[key]] for key in ("krp", "keras_hub"))
    return [title, spread(ours, name), spread(theirs, name), spread(ratios(ours, theirs))]


def _load_rows(measured: dict) -> list[list[str]]:
    rows = []
    for depth, load in measured["load"].items():
        rows.append(_row(f"{depth}: `from_preset`", load["seconds"]))
        ours, theirs = load["peak_mebibytes"]["krp"], load["peak_mebibytes"]["keras_hub"]
        over = (ours - load["mebibytes"]) / load["largest_mebibytes"]
        rows.append(
            [
                f"{depth}: its peak memory, all weights and {over:.1f} × the largest",
                *(f"{ours:.0f} MiB", f"{theirs:.0f} MiB", f"{ours / theirs:.2f}"),
            ]
        )
    return rows


def _run_rows(measured: dict) -> list[list[str]]:
    count, size = STEP_BATCH
    rows = []
    for depth, batches in measured["forward"].items():
        rows += [_row(f"{depth}: forward, {title}", s, 1e3, " ms") for title, s in batches.items()]
        title = f"{depth}: training step, {count} images of {size} px"
        rows.append(_row(title, measured["step"][depth], 1e3, " ms"))
    return rows


def _part_rows(measured: dict) -> list[list[str]]:
    rows = []
    for depth, load in measured["load"].items():
        part = {name: statistics.median(seconds) for name, seconds in load["seconds"].items()}
        order = ("krp", "create", "draw", "assign", "read")
        times = [f"{part[name]:.3f} s" for name in order]
        rows.append([depth, *times, f"{part['krp'] / part['read']:.1f}"])
    return rows


def _growth(measured: dict) -> str:
    """Describes whether the loading time is linear in depth, for the nets of one block."""
    depths = [depth for depth in measured["load"] if int(depth) >= 50]
    if len(depths) < 3:
        return ""
    layers = [int(depth) for depth in depths]
    seconds = [statistics.median(measured["load"][depth]["seconds"]["krp"]) for depth in depths]
    slope, start = statistics.linear_regression(layers, seconds)
    share = statistics.correlation(layers, seconds) ** 2
    return (
        f"From {layers[0]} to {layers[-1]} layers, a straight line with {slope * 1e3:.1f} ms a "
        f"layer and an intercept of {start:.2f} s explains {share:.1%} of the variance."
    )


def _forward_rows(measured: dict) -> list[list[str]]:
    return [
        [
            f"{depth}, {title}",
            name,
            spread([value * 1e3 for value in values], " ms", 1),
            spread(ratios(seconds["keras_hub"], values)),
        ]
        for depth, batches in measured["forward"].items()
        for title, seconds in batches.items()
        for name, values in seconds.items()
    ]


def _pipeline(measured: dict) -> str:
    pipeline = measured["pipeline"]
    batch, seconds = pipeline["batch_size"], pipeline["seconds"]
    images = {name: [batch / value for value in values] for name, values in seconds.items()}
    factor = ratios(images["input"], images["step"])
    return (
        f"**Input.** With the recipe `{pipeline['recipe']}`, in batches of {batch}: the input "
        f"pipeline produces {spread(images['input'], digits=0)} images a second, and the training "
        f"step consumes {spread(images['step'], digits=0)}. The ratio is {spread(factor)}."
    )


def _limits(measured: dict) -> str:
    flops, transfer = (statistics.median(measured["limits"][key]) for key in ("flops", "bytes"))
    return (
        f"**The machine's limits**: one large float32 matrix product reaches "
        f"{flops / 1e9:.0f} Gflop/s, and one large copy moves {transfer / 1e9:.1f} GB/s."
    )
