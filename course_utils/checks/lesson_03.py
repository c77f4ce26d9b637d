"""Checks of the exercises of lesson 03."""

import math

import torch
from torch import nn

from course_utils.checks import exercise


@exercise
def check_3_1(answer):
    """the decay meets the weight only, times the learning rate, and the direction never sees it."""
    w, grad = torch.tensor([1.0, -2.0, 3.0]).double(), torch.tensor([0.5, 0.1, -2.0]).double()
    lr, decay, direction = 0.1, 0.3, torch.tanh
    d = direction(grad)
    right = (1 - lr * decay) * w - lr * d
    value = answer(w.clone(), grad.clone(), direction, lr, decay)
    if value is None:
        return "the function returned None: return the new weights"
    mistakes = {
        "λw went into the gradient, so Adam divides it: that is Adam + L2": w - lr * direction(grad + decay * w),
        "lr·λ·w went into the gradient, so Adam divides it": w - lr * direction(grad + lr * decay * w),
        "the decay is not multiplied by the learning rate; PyTorch's AdamW multiplies by 1 − lr·λ": (1 - decay) * w - lr * d,
        "you decay after the step and so shrink the step too; decay the old weight instead": (1 - lr * decay) * (w - lr * d),
        "the weights did not decay: multiply the old ones by 1 − lr·λ": w - lr * d,
        "the weights grow: the factor is 1 − lr·λ, not 1 + lr·λ": (1 + lr * decay) * w - lr * d,
        "the decay is twice too strong: the gradient of (λ/2)w² is λw": (1 - 2 * lr * decay) * w - lr * d,
        "you used the gradient itself: the step goes along direction(grad)": (1 - lr * decay) * w - lr * grad,
        "the step goes uphill: subtract lr·direction(grad)": (1 - lr * decay) * w + lr * d,
        "the direction is not multiplied by the learning rate": (1 - lr * decay) * w - d,
        "that only decays: the step along direction(grad) is missing": (1 - lr * decay) * w,
    }
    return _diagnose(value, right, mistakes, "the step differs from (1 − lr·λ)·w − lr·direction(grad)")


@exercise
def check_3_2(answer):
    """Adam + L2 ends at the ridge solution, AdamW at the minimum itself or on the wall ±1/λ."""
    cases = [(2.0, 1.0, 0.5), (2.0, 3.0, 0.5), (2.0, -3.0, 0.5), (0.5, -1.0, 0.25)]
    values = [answer(*case) for case in cases]
    if any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in values):
        return "return two numbers: where Adam + L2 ends, and where AdamW ends"
    got = [(float(first), float(second)) for first, second in values]
    ridge = [h * w / (h + s) for h, w, s in cases]
    box = [max(-1 / s, min(1 / s, w)) for h, w, s in cases]
    first, second = [g[0] for g in got], [g[1] for g in got]
    if _same(first, box) and _same(second, ridge):
        return "the two are swapped: Adam + L2 has the ridge solution, and it comes first"
    if _same(first, [w / (1 + s) for h, w, s in cases]):
        return "Adam + L2: the curvature is missing; the ridge solution of (h/2)(w − w*)² is h·w*/(h + λ)"
    if _same(first, [h * w / (h + 2 * s) for h, w, s in cases]):
        return "Adam + L2: the penalty is (λ/2)w², its gradient λw, so the denominator is h + λ"
    if _same(first, [w for h, w, s in cases]):
        return "Adam + L2: that is the loss's own minimum; the penalty (λ/2)w² moves it toward 0"
    if not _same(first, ridge):
        return f"Adam + L2 rests where h(w − w*) + λw = 0; for {cases[0]} that is {ridge[0]:.3g}, not {first[0]:.3g}"
    if _same(second, ridge):
        return "AdamW does not end at the ridge solution: with exact gradients its decay is no penalty on the loss"
    if _same(second, [w for h, w, s in cases]):
        return f"AdamW: you forgot the box, |w| ≤ 1/λ; for {cases[1]} the minimum {cases[1][1]:g} lies outside it"
    if _same(second, [math.copysign(1 / s, w) for h, w, s in cases]):
        return "AdamW: the wall ±1/λ stops only a minimum that lies outside; a minimum inside the box is reached"
    one_sided = [[min(w, 1 / s), min(abs(w), 1 / s), w if abs(w) < 1 / s else 1 / s] for h, w, s in cases]
    if any(_same(second, wrong) for wrong in zip(*one_sided, strict=True)):
        return f"AdamW: the box has two sides, −1/λ and 1/λ; try {cases[2]}"
    if _same(second, [max(-s, min(s, w)) for h, w, s in cases]):
        return "AdamW: the wall is at 1/λ, not at λ: a stronger decay makes the box smaller"
    return "" if _same(second, box) else f"AdamW should end at {box}, not {second}, for (h, w*, λ) = {cases}"


@exercise
def check_3_3(answer):
    """the share left is the product of (1 − ηₜλ), about exp(−Σηₜλ): the schedule counts, not only the peak."""
    lrs, decay = [0.1 * (1 - t / 200) for t in range(200)], 0.05
    right = math.prod(1 - lr * decay for lr in lrs)
    value = answer(lrs, decay)
    if isinstance(value, list):
        return "those are the factors of the steps: multiply them to one number"
    value = float(value)
    mistakes = {
        "that is what has decayed; asked is what is left": 1 - right,
        "that is one step; the run has as many as the list": 1 - lrs[0] * decay,
        "you used the first learning rate for every step; a schedule multiplies the decay too": (1 - lrs[0] * decay) ** len(lrs),
        "the decay must be multiplied by the learning rate of each step": (1 - decay) ** len(lrs),
        "the decay must be multiplied by the learning rate of each step, Σηλ": math.exp(-decay * len(lrs)),
        "that is the sum of the factors; the steps multiply": sum(1 - lr * decay for lr in lrs),
        "that is the exponent Σηλ; the share left is exp(−Σηλ)": sum(lrs) * decay,
        "1 − Σηλ is right for tiny decay only: the steps multiply": 1 - sum(lrs) * decay,
    }
    for candidate in (right, math.exp(-sum(lrs) * decay)):
        if math.isclose(value, candidate, rel_tol=1e-3):
            return ""
    return _diagnose(value, right, mistakes, f"for 200 learning rates falling from 0.1 and λ = 0.05, {right:.4f} is left")


@exercise
def check_3_4(answer):
    """λ = 1/(η · steps): a memory in epochs needs a smaller λ when an epoch has more steps or lr is larger."""
    lr, n, batch, epochs = 1e-3, 1050, 100, 5
    right = 1 / (lr * epochs * (n // batch))
    value = float(answer(lr, n, batch, epochs))
    mistakes = {
        "the learning rate is missing: the memory is 1/(ηλ) steps, not 1/λ": 1 / (epochs * (n // batch)),
        "that counts epochs as steps: an epoch has n_examples // batch_size steps": 1 / (lr * epochs),
        "that counts examples as steps: an epoch has n_examples // batch_size steps": 1 / (lr * epochs * n),
        "that is the reciprocal: a longer memory needs a smaller λ": lr * epochs * (n // batch),
        "the number of epochs is missing: that is a memory of one epoch": 1 / (lr * (n // batch)),
        "twice as many epochs need half the λ: n_epochs belongs below the line": epochs / (lr * (n // batch)),
        "that is τ in steps; asked is λ = 1/(η·τ)": epochs * (n // batch),
        "the incomplete batch is left out: use n_examples // batch_size": 1 / (lr * epochs * n / batch),
        "the incomplete batch is left out: use n_examples // batch_size, rounded down": 1 / (lr * epochs * math.ceil(n / batch)),
    }
    return _diagnose(value, right, mistakes, f"for lr 0.001, 1050 examples, batches of 100 and 5 epochs λ is {right:g}")


@exercise
def check_3_5(answer):
    """2^−(n+2): half a grid step, 2^−(n+1), relative to a weight that is almost 2."""
    got = {bits: float(answer(bits)) for bits in (7, 10)}
    mistakes = {
        "that is the distance of two numbers; rounding goes back to w up to half of it": 0,
        "that is right for w just above 1; just below 2 the same step is only half as large relative to w": 1,
        "w just below 2 moves first, but with half a step of 2^−n, not a quarter": 3,
    }
    for text, extra in mistakes.items():
        if all(math.isclose(value, 2.0 ** -(bits + extra)) for bits, value in got.items()):
            return text
    if not all(got.values()):
        return "an ηλ of 0 is no decay; for 7 bits some larger ηλ changes no weight either (// rounds down to 0)"
    if all(math.isclose(value, 2.0 ** -(bits + 1) / (2 - 2.0**-bits)) for bits, value in got.items()):
        return "that is right for the largest w below 2, but w = 1 moves a little earlier: below 1 the step is half as large"
    if math.isclose(got[7], got[10]):
        return "the threshold depends on the format: a number with more bits moves at a smaller ηλ"
    for bits, dtype in ((7, torch.bfloat16), (10, torch.float16)):
        if not math.isclose(got[bits], 2.0 ** -(bits + 2)):
            w = (1 + torch.arange(2**bits) / 2**bits).to(dtype)
            moved = ((w.float() * (1 - got[bits])).to(dtype) != w).sum().item()
            verb = f"moves {moved} of {2**bits} weights in [1, 2)" if moved else "moves none, but nor does some larger ηλ"
            return f"for {bits} bits you gave {got[bits]:.3g}: it {verb}"
    return ""


@exercise
def check_3_6(answer):
    """every trainable parameter is in exactly one group, by its number of axes and not by its name."""
    model = _Trap()
    axes = {name: p.dim() for name, p in model.named_parameters() if p.requires_grad}
    groups = answer(model)
    if not isinstance(groups, tuple | list) or len(groups) != 2:
        return "return two collections: the names that decay, and the names that do not"
    if any(isinstance(group, dict) for group in groups):
        return "return names, not an optimizer's parameter groups"
    decay, rest = (list(group) for group in groups)
    if any(not isinstance(name, str) for name in decay + rest):
        return "return the parameters' names (strings), as model.named_parameters() gives them"
    if both := set(decay) & set(rest):
        return f"in both groups: {_listed(both)}"
    if frozen := (set(decay) | set(rest)) & {n for n, p in model.named_parameters() if not p.requires_grad}:
        return f"not trainable, so in neither group: {_listed(frozen)}"
    if missing := set(axes) - set(decay) - set(rest):
        return f"in no group, so never trained: {_listed(missing)}"
    if unknown := (set(decay) | set(rest)) - set(axes):
        return f"no such parameter (a tied weight has one name): {_listed(unknown)}"
    if all(axes[n] < 2 for n in decay) and all(axes[n] >= 2 for n in rest):
        return "the two are swapped: the names that decay come first"
    if leaked := {n for n in decay if axes[n] < 2}:
        return f"vectors that decay: {_listed(leaked)}; names and layer types miss some, p.dim() misses none"
    if spared := {n for n in rest if axes[n] >= 2} - {"tokens.weight"}:
        return f"weight matrices or kernels that do not decay: {_listed(spared)}; neither the name nor a third axis is a reason"
    return ""


class _Trap(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(20, 8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.ln_f, self.rms, self.bn = nn.LayerNorm(8), nn.RMSNorm(8), nn.BatchNorm1d(8)
        self.conv, self.bias_net, self.norm_out = nn.Conv1d(8, 8, 3), nn.Linear(8, 8), nn.Linear(8, 8, bias=False)
        self.frozen = nn.Linear(8, 8).requires_grad_(False)
        self.temperature = nn.Parameter(torch.tensor(1.0))
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.tokens.weight


def _listed(names):
    names = sorted(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _same(values, others):
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in zip(values, others, strict=True))


def _diagnose(value, right, mistakes, otherwise):
    """The text of the mistake that gives `value`; "" if it is right; `otherwise` with the value if it is neither."""
    value, right = torch.as_tensor(value).double(), torch.as_tensor(right).double()
    if value.shape != right.shape:
        return f"expected the shape {tuple(right.shape)}, not {tuple(value.shape)}"
    if torch.allclose(value, right, rtol=1e-6, atol=0):
        return ""
    for text, wrong in mistakes.items():
        if torch.allclose(value, torch.as_tensor(wrong).double(), rtol=1e-4, atol=0):
            return text
    return f"{otherwise}; yours gave {value.tolist()}"
