"""`load`: every data set of the course as train, validation and test tensors, by one call."""

import io
import os
from collections import namedtuple
from pathlib import Path
from urllib.error import URLError

import numpy as np
import torch
from PIL import Image

from course_utils.data.letters import LETTERS, draw_letters
from course_utils.data.text import cut_windows, encode, python_docs

Splits = namedtuple("Splits", "train val test classes")
Splits.__doc__ = "Three pairs (x, y) of tensors and the names of the classes (characters for text, () for regression)."

SIZES = {  # default examples in train, validation and test
    "digits": (1000, 397, 400), "diabetes": (242, 100, 100), "letters": (1000, 1000, 1000), "python_docs": (2000, 250, 250),
    "sine": (30, 200, 1000), "moons": (100, 400, 1000), "mnist": (10_000, 5000, 10_000),
    "fashion_mnist": (10_000, 5000, 10_000), "cifar10": (10_000, 5000, 10_000), "folder": (1000, 500, 500),
}  # fmt: skip
EMBEDDED = {"mnist": "digits", "fashion_mnist": "digits", "cifar10": "letters"}


def load(name, *, n_train=None, n_val=None, n_test=None, seed=0, device="cpu"):
    """Load a data set as `Splits(train, val, test, classes)` of tensors on `device`.

    name: embedded ones `digits` (n, 1, 8, 8), `letters` (n, 3, 32, 32), `diabetes` (n, 10), `sine` (n, 1), `moons` (n, 2),
    `python_docs` (n, 64) character codes; real ones `mnist`, `fashion_mnist` (n, 1, 28, 28), `cifar10` (n, 3, 32, 32), which
    torchvision downloads once; `folder:PATH` for your own: PATH/CLASS/*.png|jpg (or PATH/train/CLASS and PATH/test/CLASS),
    shrunk to 32x32, or a text file. n_train, n_val, n_test: examples in each split (None: the data set's default).
    seed: which examples, and noise where data are generated. The three splits are disjoint; inputs are scaled to mean
    0 and standard deviation 1 by the training split (images per channel). y: integer classes, float targets (n, 1), or
    for text the next character of each position (n, 64).

    Files are kept under the directory `COURSE_DATA` (default: `data/cache` of the project). Raises ValueError for an
    unknown name or sizes that the data set cannot serve, FileNotFoundError for data that is neither there nor to be had.
    """
    kind = name.split(":", 1)[0]
    if kind not in SIZES or (kind == "folder") != (":" in name):
        raise ValueError(f"unknown data set {name!r}: choose one of {', '.join(SIZES)} (the last as folder:PATH)")
    sizes = [d if n is None else n for d, n in zip(SIZES[kind], (n_train, n_val, n_test), strict=True)]
    if any(not isinstance(n, int) or n < 1 for n in sizes):
        raise ValueError(f"n_train, n_val and n_test must be positive integers, not {sizes}")
    if kind == "folder":
        path = Path(name.split(":", 1)[1]).expanduser()
        if not path.exists():
            raise FileNotFoundError(f"no file or folder {path}: give an image folder or a text file as folder:PATH")
        load_kind = _text_file if path.is_file() else _image_folder
        pairs, classes = load_kind(path, sizes, seed)
    else:
        pairs, classes = globals()["_" + kind](sizes, seed)
    return Splits(*([t.to(device) for t in pair] for pair in _standardize(pairs)), tuple(classes))


def data_directory():
    """Where data files are kept: the environment variable COURSE_DATA, or data/cache of the project."""
    return Path(os.environ.get("COURSE_DATA") or Path(__file__).parents[2] / "data" / "cache")


# -- embedded ---------------------------------------------------------------------------------------------------------


def _digits(sizes, seed):
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _split(x.reshape(-1, 1, 8, 8), y, sizes, seed, "digits"), "0123456789"


def _diabetes(sizes, seed):
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    return _split(x, y[:, None], sizes, seed, "diabetes"), ()


def _sine(sizes, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (sum(sizes), 1))
    return _cut(x, np.sin(np.pi * x) + rng.normal(0, 0.3, x.shape), sizes), ()


def _moons(sizes, seed):
    from sklearn.datasets import make_moons

    return _cut(*make_moons(sum(sizes), noise=0.3, random_state=seed), sizes), "01"


def _letters(sizes, seed):
    return [_cached_letters(split, n, seed) for split, n in zip(("train", "val", "test"), sizes, strict=True)], LETTERS


def load_other_letters(n=1000, *, seed=0, device="cpu"):
    """Out-of-distribution inputs for a network trained on `letters`: n images (n, 3, 32, 32) of the letters K to Z in
    the test faces, scaled like `load("letters", seed=seed)` with its default sizes."""
    train, images = _cached_letters("train", SIZES["letters"][0], seed)[0], draw_letters(n, "test", seed, "KLMNOPQRSTUVWXYZ")[0]
    return _standardize([(train, None), (torch.as_tensor(images), None)])[1][0].to(device)


def _cached_letters(split, n, seed):
    """Letters (uint8) of one split from the cache, drawn and stored (by temporary file and rename) if not there."""
    path = data_directory() / f"letters-{split}-{n}-{seed}.npz"
    if not path.exists():
        images, labels = draw_letters(n, split, seed)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, images=images, labels=labels)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(buffer.getvalue())
        part.replace(path)
    with np.load(path) as stored:
        return torch.as_tensor(stored["images"]), torch.as_tensor(stored["labels"])


def _python_docs(sizes, seed):
    return _windows(python_docs(), sizes, seed)


# -- real, and your own -----------------------------------------------------------------------------------------------


def _mnist(sizes, seed, name="MNIST"):
    train, test = _torchvision(name, train=True), _torchvision(name, train=False)
    pairs = _train_and_test(train.data.numpy()[:, None], train.targets, test.data.numpy()[:, None], test.targets, sizes, seed)
    return pairs, train.classes


def _fashion_mnist(sizes, seed):
    return _mnist(sizes, seed, "FashionMNIST")


def _cifar10(sizes, seed):
    train, test = _torchvision("CIFAR10", train=True), _torchvision("CIFAR10", train=False)
    images = [part.data.transpose(0, 3, 1, 2) for part in (train, test)]
    return _train_and_test(images[0], train.targets, images[1], test.targets, sizes, seed), train.classes


def _torchvision(name, train):
    """The torchvision data set, downloaded (with its checksums verified) if it is not there."""
    import torchvision

    root, make = data_directory(), getattr(torchvision.datasets, name)
    try:
        return make(root, train=train, download=False)
    except RuntimeError:
        pass  # not there yet, or damaged
    try:
        root.mkdir(parents=True, exist_ok=True)
        return make(root, train=train, download=True)
    except (URLError, OSError, RuntimeError) as error:
        embedded = EMBEDDED[{"MNIST": "mnist", "FashionMNIST": "fashion_mnist", "CIFAR10": "cifar10"}[name]]
        raise FileNotFoundError(
            f"{name} is not in {root.resolve()} and could not be downloaded ({error}). Connect to a network once, or put its "
            f"files there, or name their directory in COURSE_DATA, or use the embedded {embedded!r}, which needs no file."
        ) from error


def _image_folder(path, sizes, seed):
    from torchvision.datasets import ImageFolder

    def read(folder, rows):
        return np.stack([_read_image(folder.samples[i][0]) for i in rows]), np.array(folder.targets)[rows]

    rng = np.random.default_rng(seed)
    if (path / "train").is_dir() and (path / "test").is_dir():
        train, test = ImageFolder(path / "train"), ImageFolder(path / "test")
        if train.classes != test.classes:
            raise ValueError(f"{path}/train and {path}/test have different classes: {train.classes} and {test.classes}")
        _check_sizes(f"{path}/train", len(train), sizes[:2])
        _check_sizes(f"{path}/test", len(test), sizes[2:])
        first, last = rng.permutation(len(train)), rng.permutation(len(test))[: sizes[2]]
        train_rows, val_rows = first[: sizes[0]], first[sizes[0] : sum(sizes[:2])]
        pairs = read(train, train_rows), read(train, val_rows), read(test, last)
    else:
        train = ImageFolder(path)
        _check_sizes(str(path), len(train), sizes)
        pairs = _cut(*read(train, rng.permutation(len(train))[: sum(sizes)]), sizes)
    return [(torch.as_tensor(x), torch.as_tensor(y)) for x, y in pairs], train.classes


def _read_image(path, size=32):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BOX)).transpose(2, 0, 1)


def _text_file(path, sizes, seed):
    return _windows(path.read_text(encoding="utf-8"), sizes, seed)


def _windows(text, sizes, seed):
    """Windows of characters from three separate stretches of the text: the first 80 %, the next 10 %, the last 10 %."""
    codes, characters = encode(text)
    ends = [0, int(0.8 * len(codes)), int(0.9 * len(codes)), len(codes)]
    stretches = [codes[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    return [cut_windows(s, n, seed) for s, n in zip(stretches, sizes, strict=True)], characters


# -- splitting and scaling --------------------------------------------------------------------------------------------


def _split(x, y, sizes, seed, name):
    _check_sizes(name, len(x), sizes)
    rows = np.random.default_rng(seed).permutation(len(x))[: sum(sizes)]
    return _cut(x[rows], y[rows], sizes)


def _cut(x, y, sizes):
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    y = y.float() if y.is_floating_point() else y.long()
    return list(zip(x.split(sizes), y.split(sizes), strict=True))


def _train_and_test(x, y, x_test, y_test, sizes, seed):
    """Train and validation from the data set's training part, test from its test part."""
    y, y_test = np.asarray(y), np.asarray(y_test)
    pairs = _split(x, y, sizes[:2], seed, "the training part")
    return [*pairs, *_split(x_test, y_test, sizes[2:], seed, "the test part")]


def _check_sizes(name, available, sizes):
    if sum(sizes) > available:
        raise ValueError(
            f"{name} has {available} examples, fewer than the {sum(sizes)} asked for: lower n_train, n_val or n_test"
        )


def _standardize(pairs):
    """Scale inputs by the mean and standard deviation of the training split, per channel or feature; digits' and letters'
    pixels per channel. Character codes stay as they are."""
    x = pairs[0][0]
    if x.dtype == torch.int64:
        return pairs
    axes = (0, *range(2, x.dim()))
    mean, std = x.double().mean(axes, keepdim=True), x.double().std(axes, keepdim=True)
    return [(((part - mean) / std).float(), y) for part, y in pairs]
