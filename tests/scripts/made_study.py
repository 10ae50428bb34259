"""Made results of the study."""

import _study_nets
import _study_runs
from _study_nets import Run


def made_result(run: Run, top1: float) -> dict:
    """What a run might have measured."""
    return {
        **{"net": run.net, "rate": run.rate, "seed": run.seed, "seconds": 1.0, "hardware": "none"},
        **{"held_out_top1": top1, "validation_top1": top1, "diverged": False},
        **{"parameters": 1000, "multiply_adds": 10**6, "held_out_accuracy": [top1 - 0.1, top1]},
        "dead_units": {"stack0_block0": 0.5, "stack1_block0": 0.0},
    }


STUDY = {
    **{"data": "photographs", "classes": 20, "image_size": 32, "epochs": 2, "batch_size": 8},
    **{"train_images": 900, "held_out_images": 100, "validation_images": 100},
}


def complete(accuracy) -> dict[str, dict]:
    """All runs of the plan with the accuracy `accuracy(run)`, without times."""
    results = {"study.json": STUDY}
    while (run := _study_nets.next_run(results)) is not None:
        results[run.file] = made_result(run, accuracy(run))
    return results


def timing(**slower: float) -> dict:
    """Times of one second, except those given."""
    seconds = {net: [slower.get(net, 1.0)] * 4 for net in (*_study_runs.TIMED, "bn_folded")}
    return {"step": seconds, "forward": seconds, "batch_size": 8, "hardware": "none"}
