"""Checks of the exercises of lesson 04."""

import numpy as np
import torch

from course_utils.checks import diagnose


def check_4_1(backward=None):
    """Diagnose backward(grad_out, keep, p): the gradient with respect to dropout's input."""
    rng = np.random.default_rng()
    rates, shapes = (0.5, *rng.uniform(0.1, 0.45, 2)), ((6, 10), (4, 33), (50,))
    cases = [(rng.normal(size=shape), rng.random(shape) >= p, p) for shape, p in zip(shapes, rates, strict=True)]
    mistakes = {
        "the mask is right, but the scale is missing: forward multiplied each survivor by 1/(1-p), and so must its gradient be":
            lambda grad_out, keep, p: grad_out * keep,
        "the scale is right, but the mask is missing: a unit that fell did not move the loss, so its gradient is 0":
            lambda grad_out, keep, p: grad_out / (1 - p),
        "forward divided by 1-p; you multiply by it": lambda grad_out, keep, p: grad_out * keep * (1 - p),
        "you divide by p, the probability of dropping; forward divided by 1-p": lambda grad_out, keep, p: grad_out * keep / p,
        "you pass on the gradients of the units that fell; `keep` is true for those that stayed":
            lambda grad_out, keep, p: grad_out * ~keep / (1 - p),
        "that is the gradient as it came: dropout multiplied x by something, and so the gradient changes too":
            lambda grad_out, keep, p: grad_out,
    }  # fmt: skip
    properties = {
        "your zeros are not where forward dropped: use `keep`, toss no new coins":
            lambda grad, grad_out, keep, p: grad.shape != keep.shape or np.array_equal(grad != 0, keep),
    }  # fmt: skip
    return diagnose(
        backward,
        cases,
        lambda grad_out, keep, p: grad_out * keep / (1 - p),
        mistakes,
        properties=properties,
        passed="the same mask and the same scale as on the way there, because given the mask dropout is a multiplication.",
    )


def check_4_2(module=None):
    """Diagnose a module class like `Reader`: plain after eval(), dropping in both places in training."""

    def behaviour(module, x):
        reader, seen = module(), {}
        reader.hidden.register_forward_pre_hook(lambda _, inputs: seen.update(input=inputs[0]))
        reader.out.register_forward_pre_hook(lambda _, inputs: seen.update(hidden=inputs[0]))
        numbers = []
        for mode in (True, False):
            output = reader.train(mode)(x)
            active = torch.relu(reader.hidden(seen["input"]))
            for before, after in ((x, seen["input"]), (active, seen["hidden"])):
                fell = (after == 0) & (before != 0)
                stayed = (after / before)[(before != 0) & ~fell]
                same_rows = (fell == fell[0]).all() and fell.any()
                numbers += [fell.double().sum() / (before != 0).sum(), stayed.mean() if len(stayed) else 0.0, float(same_rows)]
            beyond_relu = seen["hidden"][active == 0].abs().max()
            numbers.append(max((output - reader.out(seen["hidden"])).abs().max(), beyond_relu))
        numbers.append(float(seen["hidden"].shape[1]))
        # training: (share fallen, scale, one mask for all) of input, of hidden units; output; the same in eval(); the width
        return numbers

    properties = {
        "after eval() the input still loses values: the function drops unless it is told training=self.training":
            lambda n, x: n[7] == 0,
        "after eval() hidden units are still dropped": lambda n, x: n[10] == 0,
        "after eval() values are still scaled: inverted dropout needs nothing there":
            lambda n, x: abs(n[8] - 1) < 1e-4 and abs(n[11] - 1) < 1e-4,
        "in training the input is not dropped any more: training=False is wrong there, and so is leaving the line out":
            lambda n, x: n[0] > 0.05,
        "in training hidden units are not dropped any more": lambda n, x: n[3] > 0.2,
        "all letters of a batch lose the same values: every example needs coins of its own": lambda n, x: n[2] == n[5] == 0,
        "the rates have changed: 0.2 for the input, 0.5 for the hidden units":
            lambda n, x: abs(n[0] - 0.2) < 0.03 and abs(n[3] - 0.5) < 0.05,
        "in training the survivors are not divided by 1 - p": lambda n, x: abs(n[1] - 1.25) < 1e-3 and abs(n[4] - 2) < 1e-3,
        "the output is not what ReLU and the last layer make of the hidden values": lambda n, x: max(n[6], n[13]) < 1e-4,
        "the number of hidden units has changed: 64": lambda n, x: n[14] == 64,
    }  # fmt: skip
    return diagnose(
        module,
        [(torch.rand(n, 256) + 0.1,) for n in (300, 400)],
        None,
        {},
        properties=properties,
        call=behaviour,
        passed="it drops in both places in training and is silent after eval(): the function now follows the module's mode.",
    )


def check_4_3(pooled_noise=None):
    """Diagnose pooled_noise(p, k): standard deviations of a pooled value after Dropout and after Dropout2d."""

    def right(p, k):
        return (p / (1 - p)) ** 0.5 / k, (p / (1 - p)) ** 0.5

    rng = np.random.default_rng()
    mistakes = {
        "these are variances: take the roots": lambda p, k: tuple(s**2 for s in right(p, k)),
        "you divide by k², the number of pixels; a standard deviation falls with the root of that number":
            lambda p, k: (right(p, k)[0] / k, right(p, k)[1]),
        "you divide by √k, but k × k pixels are averaged": lambda p, k: (right(p, k)[1] / k**0.5, right(p, k)[1]),
        "the two are in the wrong order: Dropout first, then Dropout2d": lambda p, k: right(p, k)[::-1],
        "Dropout2d drops the whole map at once: averaging equal values does not shrink anything":
            lambda p, k: (right(p, k)[0],) * 2,
        "p (1 - p) is the variance of the coin alone; the survivors are divided by 1 - p as well":
            lambda p, k: ((p * (1 - p)) ** 0.5 / k, (p * (1 - p)) ** 0.5),
    }  # fmt: skip
    return diagnose(
        pooled_noise,
        [(0.5, 8), *((float(p), int(k)) for p, k in zip(rng.uniform(0.1, 0.4, 2), (3, 5), strict=True))],
        right,
        mistakes,
        passed="independent coins average out with the root of their number, one coin for a whole map does not: before global "
        "pooling nn.Dropout makes k times less noise than nn.Dropout2d.",
    )
