"""The small nets of the study, and the learning rates at which they are compared."""

import dataclasses

# Learning rates that every net is tried at with the first seed, each half a power of ten.
RATES = (0.01, 0.03, 0.1, 0.3)
# With all seeds, where the largest stable rate is itself the question.
STABILITY_RATES = (*RATES, 1.0, 3.0)
STABILITY_NETS = ("bn", "bn_without_norm")
SEEDS = (0, 1, 2)
WIDTHS = (16, 32, 64)


@dataclasses.dataclass(frozen=True)
class Net:
    """One net of the study: three stacks on 32×32 images.

    Args:
        block_type: A key of `krp.blocks.BLOCK_TYPES`.
        blocks: Blocks a stack.
        widths: The `filters` of the stacks.
        shortcut: `False` leaves the residual branch alone in each block.
        block_kwargs: Further arguments of the blocks.
        rate_of: The net whose learning rate this one takes, in place of trying all.
    """

    block_type: str
    blocks: int = 2
    widths: tuple[int, ...] = WIDTHS
    shortcut: bool = True
    block_kwargs: dict = dataclasses.field(default_factory=dict)
    rate_of: str | None = None


_NO_NORM = {"normalization": None}
_RELU = {"output_activation": "relu"}
# As in the paper's plain nets, neither has weights in its shortcuts.
_PAD = {"shortcut": "pad"}

NETS = {
    # The methods at equal compute.
    "bn": Net("bn"),
    "basic": Net("basic"),
    "act": Net("act"),
    "expanded": Net("expanded", widths=(5, 10, 20)),
    "identity": Net("identity", blocks=4, block_kwargs=_RELU),
    "preact": Net("preact"),
    # At equal width or depth, and without what a method lives by.
    "expanded_wide": Net("expanded", rate_of="expanded"),
    "identity_shallow": Net("identity", block_kwargs=_RELU),
    "identity_linear": Net("identity", blocks=4),
    # Batch norm or none in the same block, to the depth where it matters.
    "bn_without_norm": Net("bn", block_kwargs=_NO_NORM),
    "bn_6": Net("bn", blocks=6, rate_of="bn"),
    "bn_6_without_norm": Net("bn", blocks=6, block_kwargs=_NO_NORM),
    # With the shortcut and without.
    "act_2_shortcut": Net("act", block_kwargs=_PAD),
    "act_2_plain": Net("act", shortcut=False, block_kwargs=_PAD),
    "act_6_shortcut": Net("act", blocks=6, block_kwargs=_PAD),
    "act_6_plain": Net("act", blocks=6, shortcut=False, block_kwargs=_PAD),
    "bn_2_shortcut": Net("bn", block_kwargs=_PAD),
    "bn_2_plain": Net("bn", shortcut=False, block_kwargs=_PAD),
    "bn_6_shortcut": Net("bn", blocks=6, block_kwargs=_PAD, rate_of="bn_2_shortcut"),
    "bn_6_plain": Net("bn", blocks=6, shortcut=False, block_kwargs=_PAD),
    # The deepest come last, as they take longest.
    "bn_12": Net("bn", blocks=12, rate_of="bn"),
    "bn_12_without_norm": Net("bn", blocks=12, block_kwargs=_NO_NORM),
}


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of one net."""

    net: str
    rate: float
    seed: int

    @property
    def file(self) -> str:
        return f"{self.net}-{self.rate:g}-{self.seed}.json"


def next_run(results: dict[str, dict], nets: dict[str, Net] = NETS) -> Run | None:
    """The first run of the plan that has no result yet; later ones depend on earlier ones.

    Args:
        results: The result of each finished run, by its file.
        nets: The nets to run.
    """
    for name in nets:
        for run in _runs(name, results, nets):
            if run.file not in results:
                return run
    return None


def best_rate(name: str, results: dict[str, dict], nets: dict[str, Net] = NETS) -> float:
    """The rate at which the first seed names the most held-out images right."""
    name = nets[name].rate_of or name
    tried = [Run(name, rate, SEEDS[0]) for rate in RATES]
    # One that diverged comes behind one that names nothing right.
    return max(tried, key=lambda run: _reached(results[run.file])).rate


def _reached(result: dict) -> tuple[bool, float]:
    return not result.get("diverged"), result["held_out_top1"]


def _runs(name: str, results: dict, nets: dict[str, Net]):
    if nets[name].rate_of is None:
        yield from (Run(name, rate, SEEDS[0]) for rate in RATES)
    if name in STABILITY_NETS:
        yield from (Run(name, rate, seed) for rate in STABILITY_RATES for seed in SEEDS)
    else:
        yield from (Run(name, best_rate(name, results, nets), seed) for seed in SEEDS)
