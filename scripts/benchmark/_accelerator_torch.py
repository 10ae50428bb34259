"""Networks on PyTorch, each as a training step and a forward pass for the accelerator benchmark."""

from collections.abc import Callable

import torch
from _architectures import classifier

NETWORKS = ("krp", "keras_hub", "timm", "folded")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def actions(name: str, depth: int, images, labels) -> dict[str, Callable[[], object]]:
    """The actions of a network, as on JAX."""
    torch.backends.cudnn.benchmark = True
    x, y = torch.as_tensor(images, device=DEVICE), torch.as_tensor(labels, device=DEVICE)
    if name == "timm":
        import timm

        last = torch.channels_last
        model = timm.create_model(f"resnet{depth}").to(DEVICE, memory_format=last)
        x, parameters = x.permute(0, 3, 1, 2).to(memory_format=last), model.parameters()
        cast = torch.autocast(DEVICE, torch.bfloat16)

        def run(x, training):
            model.train(training)
            with cast:
                return model(x)
    else:
        model = classifier(depth, name)
        model(x[:1])
        parameters = [variable.value for variable in model.trainable_variables]

        def run(x, training):
            return model(x, training=training)

    optimizer = torch.optim.SGD(parameters, 0.01, 0.9)
    cross_entropy = torch.nn.CrossEntropyLoss()

    def step():
        cross_entropy(run(x, True).float(), y).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    @torch.inference_mode()
    def forward(x):
        return run(x, False)

    passes = {"all": lambda: forward(x), "one": lambda: forward(x[:1])}
    return passes if name == "folded" else {"step": step, **passes}


def wait(_) -> None:
    """Waits for the accelerator."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
