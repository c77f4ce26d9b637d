"""`Dropout`: `nn.Dropout` whose masks can come from a generator of the run's own.

`nn.Dropout` draws from PyTorch's global generator, so two runs in one process disturb each other's masks.
Here every run owns a generator: the same seed gives the same masks whether the run trains alone (`training.fit`)
or together with others (`stacked.train_runs`), and whatever the rate p (masks of two rates are nested).
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
        if not self.training or self.generator is None:
            return super().forward(x)
        keep = random_bits(self.generator, x.shape) >= drop_threshold(self.p)
        return x * keep if self.p == 1 else x * keep * (1 / (1 - self.p))


def random_bits(generator, shape):
    """int16 tensor of `shape`, uniform on [-32768, 32767], on the generator's device: four values per 64-bit draw."""
    n = torch.Size(shape).numel()
    words = torch.empty((n + 3) // 4, dtype=torch.int64, device=generator.device)
    return words.random_(-(2**63), None, generator=generator).view(torch.int16)[:n].view(shape)


def drop_threshold(p):
    """The value below which 16 random bits mean "drop": P(bits < threshold) = p rounded to a multiple of 2**-16."""
    return round(p * 65536) - 32768


def use_generator(model, generator):
    """Make every `Dropout` of `model` draw its masks from `generator` (None: from PyTorch's global one)."""
    for module in model.modules():
        if isinstance(module, Dropout):
            module.generator = generator
