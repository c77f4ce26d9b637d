"""Typical wrong answers of the deep dive `09_fine_tuning`: (answer, part of the diagnosis it must get)."""

from torch import nn


def lora(scale=lambda alpha, r: alpha / r, zero="up", freeze=True, keep=True, swap=False, bias=False):
    class LoRA(nn.Module):
        def __init__(self, linear, r, alpha):
            super().__init__()
            self.linear, self.scale = linear.requires_grad_(not freeze), scale(alpha, r)
            self.down = nn.Linear(linear.in_features, r, bias=bias)
            self.up = nn.Linear(r, linear.out_features, bias=bias)
            for name in zero.split():
                nn.init.zeros_(getattr(self, name).weight)
                if bias:
                    nn.init.zeros_(getattr(self, name).bias)

        def forward(self, x):
            added = self.scale * (self.down(self.up(x)) if swap else self.up(self.down(x)))
            return self.linear(x) + added if keep else added

    return LoRA


class FreezesTheWeightOnly(lora()):
    def __init__(self, linear, r, alpha):
        super().__init__(linear, r, alpha)
        self.linear.bias.requires_grad_(True)


class HoldsTheGradientBack(lora()):
    def forward(self, x):
        return self.linear(x) + self.scale * self.up(self.down(x.detach()))


WRONG = {
    "check_1": [
        (lora(zero=""), "must start at zero"),
        (lora(zero="up down"), "neither ever gets a gradient"),
        (lora(freeze=False), "the weight of `linear` is still trained"),
        (FreezesTheWeightOnly, "the bias of `linear` is still trained"),
        (HoldsTheGradientBack, "the gradient is held back"),
        (lora(scale=lambda alpha, r: 1), "alpha / r is missing"),
        (lora(scale=lambda alpha, r: alpha), "not alpha"),
        (lora(scale=lambda alpha, r: r / alpha), "not r / alpha"),
        (lora(keep=False), "the frozen layer's own output is missing"),
        (lora(swap=True), "raises"),
        (lora(bias=True), "have biases"),
        (lambda linear, r, alpha: linear.requires_grad_(False), "nothing is trained"),
        (lambda linear, r, alpha: lora()(linear, 2 * r + 1, alpha), "their numbers do not fit"),
    ],
    "check_2": [
        (lambda w, down, up, alpha: w + up @ down, "alpha / r is missing"),
        (lambda w, down, up, alpha: alpha / len(down) * up @ down, "that is the change alone"),
        (lambda w, down, up, alpha: w + alpha * up @ down, "not alpha"),
        (lambda w, down, up, alpha: w + alpha / len(down) * (up @ down).T, "transposed"),
        (lambda w, down, up, alpha: w + alpha / down.shape[1] * up @ down, "its first axis"),
        (lambda w, down, up, alpha: w + alpha / len(down) * down @ up, "raises"),
    ],
}
