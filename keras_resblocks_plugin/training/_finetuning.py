"""The parts of fine-tuning that every task shares: start, optimizer, run and record."""

import argparse
import sys
from pathlib import Path

import keras
import tensorflow as tf

import keras_resblocks_plugin as krp
from keras_resblocks_plugin.training import _callbacks, _distribution, _divergence, _results, _runs

# Arguments that do not change what is learnt, and those that `start` and `data` say better.
_NO_SETTINGS = {
    *("run", "debug", "out", "license", "data_license"),
    *("preset", "data", *_distribution.FLAGS),
}


def check_arguments(args: argparse.Namespace) -> None:
    """Checks the arguments that every task has.

    Raises:
        ValueError: If one makes no sense.
    """
    for name in ("epochs", "batch_size", "learning_rate"):
        if getattr(args, name) <= 0:
            raise ValueError(
                f"--{name.replace('_', '-')} must be above zero. Received: {getattr(args, name)}"
            )
    if args.rank is not None and args.strategy != "lora":
        raise ValueError(
            f"--rank is that of `--strategy lora`. Received: --strategy {args.strategy}"
        )
    if args.from_scratch and args.strategy != "full":
        raise ValueError(
            "--from-scratch has nothing worth freezing: use `--strategy full`. "
            f"Received: --strategy {args.strategy}"
        )


def claim_folder(args: argparse.Namespace, data: dict) -> None:
    """Records what the run depends on in its folder, so that no other run continues in it.

    Args:
        args: The arguments of the run.
        data: By split, what says which images and labels it has.

    Raises:
        ValueError: If there is a run with other settings.
    """
    arguments = {name: value for name, value in vars(args).items() if name not in _NO_SETTINGS}
    start = _runs.start_settings(args.preset, weights=not args.from_scratch)
    _runs.claim(args.out, {**arguments, "start": start, "data": data})


def load_backbone(args: argparse.Namespace, **kwargs) -> krp.ResBlockBackbone:
    """The preset's backbone: its weights with statistics frozen, or random ones."""
    return krp.ResBlockBackbone.from_preset(
        args.preset,
        load_weights=not args.from_scratch,
        freeze_batch_norm=not (args.from_scratch or args.update_batch_norm),
        dtype=args.dtype,
        **kwargs,
    )


def freeze(task: keras.Model, args: argparse.Namespace) -> None:
    """Freezes what the strategy says; from scratch, everything learns."""
    if not args.from_scratch:
        krp.freeze(
            task, args.strategy, rank=args.rank, freeze_batch_norm=not args.update_batch_norm
        )


def new_optimizer(args: argparse.Namespace, steps_per_epoch: int) -> keras.Optimizer:
    """AdamW, warmed up over a twentieth of the steps and left along a cosine."""
    steps = args.epochs * steps_per_epoch
    warmup = steps // 20
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else args.learning_rate,
        decay_steps=steps - warmup,
        warmup_target=args.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=args.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def fit(
    model: keras.Model,
    batches: tf.data.Dataset,
    steps_per_epoch: int,
    args: argparse.Namespace,
    validation_data: tf.data.Dataset | None = None,
) -> list[dict]:
    """Trains a compiled model, or goes on training it; returns all epochs' figures.

    Args:
        model: The compiled task, without its preprocessor.
        batches: Endless batches.
        steps_per_epoch: How many are an epoch.
        args: The arguments of the run.
        validation_data: Held-out batches to watch, if any.

    Raises:
        Diverged: At the first loss that is not finite.
    """
    history = args.out / _runs.HISTORY
    _divergence.fit(
        model,
        batches,
        steps_per_epoch,
        args.epochs,
        validation_data=validation_data,
        callbacks=[
            _callbacks.History(history),
            _callbacks.Backup(args.out / _runs.BACKUP, steps_per_epoch),
        ],
        verbose=(1 if sys.stdout.isatty() else 2) if _distribution.is_first() else 0,
    )
    return _callbacks.read_history(history) if _distribution.is_first() else []


def save_record(
    folder: Path,
    args: argparse.Namespace,
    recipe: dict,
    data: dict,
    results: dict[str, float],
    history: list[dict],
    metric: str,
    metric_name: str,
) -> None:
    """Writes `training.json`, the curve and the card into the preset that a run saved.

    Args:
        folder: The preset.
        args: The arguments of the run.
        recipe: What the task adds to the recipe (sizes, augmentation).
        data: The name, the licence and the counts of images.
        results: The measured figures, as `"validation_top1"`.
        history: What `fit` returned.
        metric: The figure of an epoch that the curve shows.
        metric_name: What to call it there.
    """
    recipe = {
        "task": args.task,
        "strategy": "from scratch" if args.from_scratch else args.strategy,
        "rank": (args.rank or 4) if args.strategy == "lora" else None,
        "batch_norm_statistics": "updated"
        if args.from_scratch or args.update_batch_norm
        else "frozen",
        "epochs": args.epochs,
        "batch_size": args.batch_size,
        "optimizer": "AdamW",
        "learning_rate": args.learning_rate,
        "weight_decay": args.weight_decay,
        "dtype": args.dtype,
        **recipe,
    }
    name = Path(args.preset).name if Path(args.preset).is_dir() else args.preset
    data = {"name": Path(args.data).name, "license": args.data_license, **data}
    record = {
        "license": args.license,
        "start": {"architecture" if args.from_scratch else "preset": name},
        **_results.training_record(recipe, data, results, history, args.seed),
    }
    _results.save_record(folder, record, metric, metric_name)
    print(f"Saved {folder}: " + ", ".join(f"{k} {v:.4f}" for k, v in results.items()))
