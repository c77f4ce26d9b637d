"""`Dropout`: `nn.Dropout` whose masks can come from a generator of the run's own.

`nn.Dropout` draws from PyTorch's global generator, so two runs in one process disturb each other's masks.
Here every layer of a run owns a generator: the same seed gives the same masks whether the run trains alone
(`training.fit`) or together with others (`stacked.train_runs`), and whatever the rate p (masks of two rates are nested).
"""

import torch
from torch import nn


class Dropout(nn.Dropout):
    """Inverted dropout: in train mode zero each element with probability p and scale the others by 1/(1-p).

    Without a generator it is exactly `nn.Dropout`. With one (see `use_generator`) each element compares 16 random
    bits with p, so the realized rate is p rounded to a multiple of 2**-16. Raises ValueError unless 0 <= p <= 1.
    """

    generator: torch.Generator | None = None

    def forward(self, x):
        """x: any shape; returns the same shape."""
        if not self.training or self.generator is None or self.p == 0:
            return super().forward(x)
        return x * dropout_mask_(random_bits(self.generator, x.shape), *threshold_and_scale(self.p), x.dtype)


def random_bits(generator, shape):
    """int16 tensor of `shape`, uniform on [-32768, 32767], on the generator's device: four values per 64-bit draw."""
    n = torch.Size(shape).numel()
    words = torch.empty((n + 3) // 4, dtype=torch.int64, device=generator.device)
    return words.random_(-(2**63), None, generator=generator).view(torch.int16)[:n].view(shape)


def threshold_and_scale(p):
    """The value below which 16 random bits mean "drop", and the factor 1/(1-p) for what is kept (0 if p = 1)."""
    return min(round(p * 65536) - 32768, 32767), 1 / (1 - p) if p < 1 else 0.0


def dropout_mask_(bits, threshold, scale, dtype):
    """The factors of dropout: 0 where bits < threshold, `scale` elsewhere. Overwrites `bits`; threshold and scale may be
    tensors that broadcast. (Comparing in place and then converting is several times faster than by way of bool.)"""
    return bits.ge_(threshold).to(dtype).mul_(scale)


def use_generator(model: nn.Module, generator: torch.Generator | None) -> None:
    """Give every `Dropout` of a model a generator of its own, in place.

    Args:
        model: any network.
        generator: draws their seeds, in the order of `model.modules()`; None: PyTorch's global generator serves all again.
    """
    for module in model.modules():
        if isinstance(module, Dropout):
            module.generator = generator and torch.Generator(generator.device).manual_seed(_draw_seed(generator))


def _draw_seed(generator):
    return torch.randint(2**62, (), generator=generator, device=generator.device).item()
