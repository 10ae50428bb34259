"""Networks on JAX, each as a training step and a forward pass for the accelerator benchmark."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from _architectures import ARCHITECTURES, classifier

NETWORKS = ("krp", "keras_hub", "flax", "folded")


def actions(name: str, depth: int, images, labels) -> dict[str, Callable[[], object]]:
    """The `"step"`, and the forward passes of `"all"` images and of `"one"`.

    Args:
        name: One of `NETWORKS`.
        depth: A key of `ARCHITECTURES`.
        images: Float32 array.
        labels: Integers from 0 to 999.
    """
    x, y = jnp.asarray(images, "bfloat16"), jnp.asarray(labels)
    if name == "flax":
        apply, parameters, state = _flax(depth, x)
    else:
        apply, parameters, state = _keras(classifier(depth, name), x)

    def loss(parameters, state):
        logits, state = apply(parameters, state, x, True)
        chances = jax.nn.log_softmax(logits.astype("float32"))
        return -jnp.take_along_axis(chances, y[:, None], axis=1).mean(), state

    @jax.jit
    def update(parameters, state, momentum):
        (_, state), gradients = jax.value_and_grad(loss, has_aux=True)(parameters, state)
        momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, gradients)
        return jax.tree.map(lambda p, m: p - 0.01 * m, parameters, momentum), state, momentum

    carried = parameters, state, jax.tree.map(jnp.zeros_like, parameters)

    def step():
        nonlocal carried
        carried = update(*carried)
        return carried

    predict = jax.jit(lambda parameters, state, x: apply(parameters, state, x, False)[0])
    forward = {
        "all": lambda: predict(parameters, state, x),
        "one": lambda: predict(parameters, state, x[:1]),
    }
    # A folded network is not trained.
    return forward if name == "folded" else {"step": step, **forward}


wait = jax.block_until_ready


def _keras(model, x) -> tuple:
    model(x[:1])

    def apply(parameters, state, x, training):
        return model.stateless_call(parameters, state, x, training=training)

    trainable = [variable.value for variable in model.trainable_variables]
    return apply, trainable, [variable.value for variable in model.non_trainable_variables]


def _flax(depth: int, x) -> tuple:
    """A ResNet of bottlenecks as flax's users write it."""
    import flax.linen as nn

    def convolution(filters, size, stride=1):
        padding = [(size // 2, size // 2)] * 2
        options = {"padding": padding, "use_bias": False, "dtype": jnp.bfloat16}
        return nn.Conv(filters, (size, size), (stride, stride), **options)

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x, training):
            def norm(x):
                options = {"momentum": 0.9, "epsilon": 1e-5, "dtype": jnp.bfloat16}
                return nn.BatchNorm(use_running_average=not training, **options)(x)

            x = nn.relu(norm(convolution(64, 7, 2)(x)))
            x = nn.max_pool(x, (3, 3), (2, 2), padding=[(1, 1)] * 2)
            blocks, _ = ARCHITECTURES[depth]
            for stack, count in enumerate(blocks):
                filters = 64 * 2**stack
                for index in range(count):
                    stride = 2 if stack and not index else 1
                    y = nn.relu(norm(convolution(filters, 1)(x)))
                    y = nn.relu(norm(convolution(filters, 3, stride)(y)))
                    y = norm(convolution(4 * filters, 1)(y))
                    if x.shape != y.shape:
                        x = norm(convolution(4 * filters, 1, stride)(x))
                    x = nn.relu(x + y)
            return nn.Dense(1000)(x.mean((1, 2)).astype("float32"))

    net = Net()
    variables = net.init(jax.random.key(0), x[:1], False)

    def apply(parameters, state, x, training):
        variables = {"params": parameters, "batch_stats": state}
        if not training:
            return net.apply(variables, x, False), state
        logits, updates = net.apply(variables, x, True, mutable=["batch_stats"])
        return logits, updates["batch_stats"]

    return apply, variables["params"], variables["batch_stats"]
