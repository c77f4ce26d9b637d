"""`load`: every data set of the course as train, validation and test tensors, by one call; and the list of them."""

from collections import namedtuple
from functools import partial
from numbers import Integral

import torch

from course_utils.data import embedded, splits
from course_utils.data.folder import folder
from course_utils.data.letters_cache import letters_of
from course_utils.data.splits import Splits
from course_utils.data.text import python_docs
from course_utils.data.torchvision_files import torchvision_images

Dataset = namedtuple("Dataset", "sizes loader stand_in torchvision", defaults=(None, None))
Dataset.__doc__ = """A data set. sizes: default examples in train, validation and test. loader: a function of (sizes, seed),
and of the path for `folder`, that gives three pairs (x, y) and the names of the classes. stand_in: the embedded data set
to use where there is no network. torchvision: the name of the class that downloads it."""


def _downloaded(torchvision, stand_in):
    return Dataset((10_000, 5000, 10_000), partial(torchvision_images, torchvision), stand_in, torchvision)


DATASETS = {
    "digits": Dataset((1000, 397, 400), embedded.digits),
    "diabetes": Dataset((242, 100, 100), embedded.diabetes),
    "letters": Dataset((1000, 1000, 1000), embedded.letters),
    "python_docs": Dataset((2000, 250, 250), python_docs),
    "sine": Dataset((30, 200, 1000), embedded.sine),
    "moons": Dataset((100, 400, 1000), embedded.moons),
    "mnist": _downloaded("MNIST", stand_in="digits"),
    "fashion_mnist": _downloaded("FashionMNIST", stand_in="digits"),
    "cifar10": _downloaded("CIFAR10", stand_in="letters"),
    "folder": Dataset((1000, 500, 500), folder),
}


def load(
    name: str,
    *,
    n_train: int | None = None,
    n_val: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
) -> Splits:
    """Load a data set as `Splits(train, val, test, classes)`, three pairs (x, y) of tensors and the names of the classes.

    The splits are disjoint. `n_train` moves neither validation nor test rows, `n_val` does not move test rows, and more
    training rows contain the fewer. Inputs (and the targets of `diabetes`) are scaled to mean 0 and standard deviation 1
    over the training rows, images channel by channel.

    Args:
        name: embedded are `digits` (n, 1, 8, 8), `letters` (n, 3, 32, 32), `diabetes` (n, 10), `sine` (n, 1), `moons` (n, 2)
            and `python_docs` (n, 64), character codes. torchvision downloads `mnist` and `fashion_mnist` (n, 1, 28, 28) and
            `cifar10` (n, 3, 32, 32) once. `folder:PATH` is your own: PATH/CLASS/*.png|jpg (or PATH/train/CLASS and
            PATH/test/CLASS), shrunk to 32x32, or a text file.
        n_train: training examples; None is the data set's default, as for the next two.
        n_val: validation examples.
        n_test: test examples.
        seed: which examples, and the noise where data are generated; 0 to 2**32 - 1.
        device: where the tensors are.

    Returns:
        x float (n, ...), or character codes (n, 64). y: integer classes (n,), float targets (n, 1), or for text the next
        character of each position (n, 64).

    Raises:
        ValueError: the name is unknown, or the data set has fewer examples than asked for.
        FileNotFoundError: a file is neither there nor to be had.
        OSError: a file is damaged.
    """
    kind, *path = name.split(":", 1)
    if kind not in DATASETS or (kind == "folder") != bool(path):
        raise ValueError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)} (the last as folder:PATH)")
    dataset = DATASETS[kind]
    sizes = [default if n is None else n for default, n in zip(dataset.sizes, (n_train, n_val, n_test), strict=True)]
    _check(sizes, seed)
    try:
        pairs, classes = dataset.loader(sizes, seed, *path)
    except FileNotFoundError as error:
        if dataset.stand_in is None:
            raise
        remedy = "Connect to a network once, put the files there, name their directory in COURSE_DATA"
        raise FileNotFoundError(f"{error}. {remedy}, or use the embedded {dataset.stand_in!r}, which needs no file.") from None
    inputs, targets = zip(*pairs, strict=True)
    targets = [y.float() if y.is_floating_point() else y.long() for y in targets]
    pairs = zip(splits.standardized(inputs), targets, strict=True)
    return Splits(*([t.to(device) for t in pair] for pair in pairs), tuple(classes))


def load_other_letters(
    n: int = 1000, *, n_train: int | None = None, seed: int = 0, device: str | torch.device = "cpu"
) -> torch.Tensor:
    """Inputs from outside the distribution of `letters`: images of the letters K to Z in the test faces.

    Args:
        n: images.
        n_train: training examples of the `letters` that the network learned, None for their default.
        seed: the seed of these `letters`.
        device: where the tensor is.

    Returns:
        Images (n, 3, 32, 32), scaled as `load("letters", n_train=n_train, seed=seed)` scales its own.
    """
    n_train = DATASETS["letters"].sizes[0] if n_train is None else n_train
    _check([n, n_train], seed)
    images = [letters_of(split, count, seed)[0] for split, count in (("train", n_train), ("other", n))]
    return splits.standardized(images)[1].to(device)


def _check(sizes, seed):
    if any(isinstance(n, bool) or not isinstance(n, Integral) or n < 1 for n in sizes):
        raise ValueError(f"numbers of examples must be positive integers, not {sizes}")
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise ValueError(f"seed must be an integer from 0 to 2**32 - 1, not {seed!r}")
