"""Works A and B in JAX: `vmap` over runs, `lax.scan` over the steps of an epoch, everything under one `jit`."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np


def forward(parameters, x, p_drop, key):
    """Logits of an MLP; masks from a key per run (drawn with 16 bits, as ours are)."""
    *hidden, (w_out, b_out) = zip(parameters[::2], parameters[1::2], strict=True)
    for w, b in hidden:
        x = jax.nn.relu(x @ w.T + b)
        key, own = jax.random.split(key)
        if p_drop is not None:
            keep = jax.random.bits(own, x.shape, jnp.uint16) >= (p_drop * 65536).astype(jnp.uint16)
            x = x * keep / (1 - p_drop)
    return x @ w_out.T + b_out


def loss_of(parameters, x, y, p_drop, key):
    log_p = jax.nn.log_softmax(forward(parameters, x, p_drop, key))
    return -jnp.take_along_axis(log_p, y[:, None], 1).mean()


def step(state, index, x, y, p_drop, lr, weight_decay):
    """One AdamW step of one run."""
    parameters, mean, square, t, key = state
    key, own = jax.random.split(key)
    loss, gradient = jax.value_and_grad(loss_of)(parameters, x[index], y[index], p_drop, own)
    t = t + 1
    mean = [0.9 * m + 0.1 * g for m, g in zip(mean, gradient, strict=True)]
    square = [0.999 * v + 0.001 * g * g for v, g in zip(square, gradient, strict=True)]
    parameters = [
        p * (1 - lr * weight_decay) - lr * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
        for p, m, v in zip(parameters, mean, square, strict=True)
    ]
    return (parameters, mean, square, t, key), loss


@partial(jax.jit, donate_argnums=0)
def epoch(state, indices, x, y, p_drop, lr, weight_decay):
    """indices: (runs, steps, batch). Returns the new state and the losses."""

    def one_step(state, index):
        each = jax.vmap(step, in_axes=(0, 0, None, None, None if p_drop is None else 0, 0, 0))
        return each(state, index, x, y, p_drop, lr, weight_decay)

    return jax.lax.scan(one_step, state, indices.swapaxes(0, 1))


def train(work, runs, initial):
    """Train all runs; initial: each run's parameters as arrays, in PyTorch's order. Returns the trained ones, stacked."""
    x, y = (jnp.asarray(t.flatten(1).numpy() if t.is_floating_point() else t.numpy()) for t in work.train)
    stacked = [jnp.asarray(np.stack(arrays)) for arrays in zip(*initial, strict=True)]
    zeros = partial(jax.tree.map, jnp.zeros_like)
    keys = jnp.stack([jax.random.key(run["seed"]) for run in runs])
    state = (stacked, zeros(stacked), zeros(stacked), jnp.zeros(len(runs)), keys)
    p_drop, lr, weight_decay = (
        jnp.asarray([run[name] for run in runs], jnp.float32) if name in runs[0] else None
        for name in ("p_drop", "lr", "weight_decay")
    )
    rng, n = np.random.default_rng(0), len(x) // work.batch_size * work.batch_size
    for _ in range(work.epochs):
        indices = np.stack([rng.permutation(len(x))[:n].reshape(-1, work.batch_size) for _ in runs])
        state, _ = epoch(state, jnp.asarray(indices), x, y, p_drop, lr, weight_decay)
    return [np.asarray(array) for array in state[0]]
