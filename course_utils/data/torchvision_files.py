"""MNIST, Fashion-MNIST and CIFAR-10: files that torchvision downloads once, checked whenever a process first reads them."""

from functools import lru_cache
from http.client import HTTPException

import torch

from course_utils.data.directory import data_directory
from course_utils.data.splits import split_two_parts

UNPACKED = {  # MD5 of the unpacked files, which torchvision reads without a check (it checks the archives)
    "MNIST": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}


def torchvision_images(name, sizes, seed):
    """The splits of torchvision's data set `name`: training and validation from its training part, test from its test part."""
    (x, y), (x_test, y_test), classes = _parts(name, data_directory())
    train, val, test = split_two_parts(len(x), len(x_test), sizes, seed, name)
    return [(x[train], y[train]), (x[val], y[val]), (x_test[test], y_test[test])], classes


def is_complete(name):
    """Whether all files of torchvision's data set `name` are in the data directory and none is damaged."""
    from torchvision.datasets.utils import check_integrity

    return all(check_integrity(path, md5) for path, md5 in _files(name, data_directory()).items())


@lru_cache(maxsize=1)
def _parts(name, root):
    """The training and the test part, (images (n, c, h, w) uint8, labels (n,)), and the names of the classes."""
    from torchvision import datasets

    _provide(name, root)
    train, test = (getattr(datasets, name)(root, train=part) for part in (True, False))
    return *((_channels_first(part.data), torch.as_tensor(part.targets)) for part in (train, test)), train.classes


def _channels_first(images):
    images = torch.as_tensor(images)
    return images[:, None] if images.dim() == 3 else images.permute(0, 3, 1, 2)


def _files(name, root):
    """The files of a data set and the MD5 of each: {path: checksum}."""
    from torchvision import datasets

    if name in UNPACKED:
        return {root / name / "raw" / file: md5 for file, md5 in UNPACKED[name].items()}
    dataset = getattr(datasets, name)
    files = [*dataset.train_list, *dataset.test_list, (dataset.meta["filename"], dataset.meta["md5"])]
    return {root / dataset.base_folder / file: md5 for file, md5 in files}


def _provide(name, root):
    """See to it that all files of a data set are there and whole, by a download if any is missing."""
    missing = [path for path in _files(name, root) if not path.exists()]
    for path in _damaged(name, root):
        raise OSError(f"{path} is damaged, its MD5 is not the published one: delete it and load {name} again")
    if missing:
        _download(name, root, missing[0])


def _damaged(name, root):
    from torchvision.datasets.utils import check_integrity

    return [path for path, md5 in _files(name, root).items() if path.exists() and not check_integrity(path, md5)]


def _download(name, root, missing):
    from torchvision import datasets

    try:
        root.mkdir(parents=True, exist_ok=True)
        getattr(datasets, name)(root, download=True)
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split())
        raise FileNotFoundError(f"{missing} is missing and could not be downloaded ({reason})") from error
    finally:
        for path in _damaged(name, root):  # what an interrupted download left half-written
            path.unlink()
