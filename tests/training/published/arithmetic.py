"""The numbers of PyTorch and timm that published recipes are compared with.

`tests/golden/published_arithmetic.npz` keeps them, for the backends that are tested without
PyTorch. New entries are added by

    python -m tests.training.published.arithmetic

which keeps those that are there.
"""

import pathlib

import numpy as np

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "published_arithmetic.npz"
STEPS = 20
NO_DECAY = ("gamma", "beta", "bias")
# The zero kernel has no norm, as the last convolution of some blocks at the start.
SHAPES = {"kernel": (3, 3, 2, 4), "gamma": (4,), "beta": (4,), "zero_kernel": (4, 3), "bias": (3,)}
# The learning rate changes at each step.
RATES = [round(0.05 * (1.5 + np.sin(step)), 6) for step in range(STEPS)]

STEPS_PER_EPOCH = 3
LABELS = [0, 3, 1, 4, 4, 2, 0, 1]


def initial_weights():
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}
    return {**weights, "zero_kernel": np.zeros(SHAPES["zero_kernel"], "float32")}


def gradients(step):
    """Gradients whose global norm is below 1 at every other step, and above at the others."""
    rng = np.random.default_rng(100 + step)
    scale = 0.5 if step % 2 else 0.05
    return [rng.normal(scale=scale, size=shape).astype("float32") for shape in SHAPES.values()]


def mixed_labels():
    """Logits, and one-hot labels of five classes mixed in pairs."""
    rng = np.random.default_rng(3)
    labels = np.eye(5, dtype="float32")[rng.integers(0, 5, 8)]
    shares = rng.uniform(0, 1, (8, 1)).astype("float32")
    mixed = shares * labels + (1 - shares) * labels[::-1]
    return rng.normal(scale=3, size=(8, 5)).astype("float32"), mixed


def flat(weights):
    return np.concatenate([np.asarray(x, "float32").reshape(-1) for x in weights])


def optimizers():
    """The weights after each update by PyTorch's and timm's optimizers, by name."""
    import timm.optim
    import torch

    return {
        "sgd": _updates(torch.optim.SGD, momentum=0.9, weight_decay=1e-2),
        "sgd_nesterov": _updates(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=1e-2),
        "sgd_all_decay": _updates(torch.optim.SGD, (), momentum=0.9, weight_decay=1e-2),
        "sgd_plain": _updates(torch.optim.SGD, momentum=0.0, weight_decay=1e-2),
        # Keras adds epsilon before it corrects the bias, and PyTorch afterwards.
        "adam": _updates(torch.optim.Adam, weight_decay=1e-2, eps=1e-10),
        "adamw": _updates(torch.optim.AdamW, weight_decay=1e-2, eps=1e-10),
        "lamb": _updates(timm.optim.Lamb, weight_decay=2e-2),
        "lamb_no_clip": _updates(timm.optim.Lamb, weight_decay=2e-2, max_grad_norm=None),
    }


def _updates(optimizer_class, no_decay=NO_DECAY, weight_decay=0.0, **kwargs):
    import torch

    weights = {name: torch.nn.Parameter(torch.tensor(x)) for name, x in initial_weights().items()}
    groups = [
        {"params": [weights[x] for x in weights if x not in no_decay]},
        {"params": [weights[x] for x in weights if x in no_decay], "weight_decay": 0.0},
    ]
    optimizer = optimizer_class(groups, lr=0.1, weight_decay=weight_decay, **kwargs)
    after = []
    for step, rate in enumerate(RATES):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for weight, gradient in zip(weights.values(), gradients(step), strict=True):
            weight.grad = torch.tensor(gradient)
        optimizer.step()
        after.append(flat([x.detach().numpy() for x in weights.values()]))
    return np.stack(after)


def rates():
    """The learning rate of each step of a run by PyTorch's and timm's schedulers, by name."""
    import timm.scheduler
    from torch.optim import lr_scheduler

    def timm_cosine(lr, epochs, warmup_lr, lr_min, **kwargs):
        return _by_epoch(
            lambda optimizer: timm.scheduler.CosineLRScheduler(
                optimizer, epochs, lr_min, warmup_t=5, warmup_lr_init=warmup_lr, **kwargs
            ),
            *(lr, epochs),
        )

    def torchvision(optimizer):
        warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)
        cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=595)
        return lr_scheduler.SequentialLR(optimizer, [warmup, cosine], milestones=[5])

    def goyal(optimizer):
        steps = STEPS_PER_EPOCH
        warmup = lr_scheduler.LinearLR(optimizer, start_factor=1 / 32, total_iters=5 * steps)
        milestones = [epoch * steps for epoch in (30, 60, 80)]
        return lr_scheduler.ChainedScheduler(
            [warmup, lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)]
        )

    return {
        "he2015": _by_epoch(lambda x: lr_scheduler.MultiStepLR(x, [30, 60]), 0.1, 90),
        "goyal2017": _by_step(goyal, 3.2, 90),
        "torchvision_v2": _by_epoch(torchvision, 0.5, 600),
        "a1": timm_cosine(5e-3, 600, 1e-4, 1e-6),
        "a2": timm_cosine(5e-3, 300, 1e-4, 1e-6),
        "a3": timm_cosine(8e-3, 100, 1e-4, 1e-6),
        "mlperf_tiny": _by_epoch(lambda x: lr_scheduler.ExponentialLR(x, 0.99), 1e-3, 500),
        # This package's own: a cosine that follows the warm-up, by the step.
        "cosine_by_step": _by_step(
            lambda optimizer: timm.scheduler.CosineLRScheduler(
                optimizer,
                38 * STEPS_PER_EPOCH,
                warmup_t=2 * STEPS_PER_EPOCH,
                warmup_prefix=True,
                t_in_epochs=False,
            ),
            *(0.15, 40),
        ),
    }


def _by_epoch(new_scheduler, rate, epochs):
    return np.repeat(_rates(new_scheduler, rate, epochs), STEPS_PER_EPOCH)


def _by_step(new_scheduler, rate, epochs):
    return _rates(new_scheduler, rate, epochs * STEPS_PER_EPOCH)


def _rates(new_scheduler, rate, count):
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = new_scheduler(optimizer)
    found = []
    for index in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if hasattr(scheduler, "step_update"):
            scheduler.step_update(index + 1)
            scheduler.step(index + 1)
        else:
            scheduler.step()
    return np.array(found, "float64")


def losses():
    """The mean losses of PyTorch and timm on mixed labels, by name."""
    import timm.loss
    import torch
    from timm.data.mixup import mixup_target

    logits, mixed = mixed_labels()
    logits, mixed = torch.tensor(logits), torch.tensor(mixed)
    # timm smooths the labels of each image before it mixes them.
    smoothed = mixup_target(torch.tensor(LABELS), 5, lam=0.7, smoothing=0.1)
    soft = timm.loss.SoftTargetCrossEntropy()
    found = {
        "soft_cross_entropy": soft(logits, mixed),
        "smoothed_cross_entropy": torch.nn.CrossEntropyLoss(label_smoothing=0.1)(logits, mixed),
        "timm_smoothed_cross_entropy": soft(logits, smoothed),
        "bce": timm.loss.BinaryCrossEntropy(smoothing=0.0)(logits, mixed),
        "bce_threshold": timm.loss.BinaryCrossEntropy(0.0, target_threshold=0.2)(logits, mixed),
        "timm_smoothed_bce": timm.loss.BinaryCrossEntropy()(logits, smoothed),
        "timm_smoothed_bce_threshold": timm.loss.BinaryCrossEntropy(target_threshold=0.2)(
            logits, smoothed
        ),
    }
    return {name: np.float64(loss.item()) for name, loss in found.items()}


def everything():
    parts = {"optimizer": optimizers(), "rate": rates(), "loss": losses()}
    return {f"{part}/{name}": x for part, found in parts.items() for name, x in found.items()}


if __name__ == "__main__":
    from tests.convert.timm_import import import_timm

    import_timm()
    kept = dict(np.load(GOLDEN)) if GOLDEN.exists() else {}
    np.savez_compressed(GOLDEN, **{**everything(), **kept})
