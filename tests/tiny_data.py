"""Tiny files in the formats of the real data sets: IDX (MNIST), pickled batches (CIFAR-10), image folders, a text.

Each image says where it is from: `image(number, part)` has ramps that a wrong order of axes would turn, and two marks.
"""

import gzip
import hashlib
import pickle
import struct

import numpy as np
from PIL import Image
from torchvision import datasets

from course_utils.data import torchvision_files

N_TRAIN, N_TEST = 60, 30
PARTS = {"train": 50, "test": 200}  # the mark of each part
SOURCES = ["mnist", "fashion_mnist", "cifar10", "folder", "folder_in_parts", "text_file"]


def make(kind, directory, monkeypatch):
    """Write a tiny version of data set `kind` under a directory, and give the name by which `load` finds it there."""
    makers = {"mnist": write_mnist, "fashion_mnist": write_fashion_mnist, "cifar10": write_cifar10}
    if kind in makers:
        monkeypatch.setenv("COURSE_DATA", str(directory))
        makers[kind](directory, monkeypatch)
        return kind
    if kind == "text_file":
        letters = np.random.default_rng(0).choice(list("abcdefgh "), 3000)
        (directory / "text.txt").write_text("".join(letters), encoding="utf-8")
        return f"folder:{directory}/text.txt"
    if kind == "folder":
        write_images(directory, "train", N_TRAIN)
    elif kind == "folder_in_parts":
        write_images(directory / "train", "train", N_TRAIN)
        write_images(directory / "test", "test", N_TEST)
    return f"folder:{directory}" if kind.startswith("folder") else kind


def image(number, part, size=32):
    """(3, size, size) uint8: red grows downwards, green to the right, blue is the number and, in column 1, the part."""
    ramp = np.arange(size, dtype=np.uint8)
    picture = np.stack([np.tile(ramp[:, None], size), np.tile(ramp, (size, 1)), np.full((size, size), number, np.uint8)])
    picture[2, :, 1] = PARTS[part]
    return picture


def write_images(directory, part, n):
    for number in range(n):
        path = directory / ("cat", "dog")[number % 2] / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image(number, part).transpose(1, 2, 0)).save(path)


def write_mnist(directory, monkeypatch, name="MNIST"):
    """The four unpacked files, with their checksums in place of the published ones."""
    contents = idx_files()
    for file, content in contents.items():
        path = directory / name / "raw" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    expect_mnist(contents, monkeypatch, name)


def write_fashion_mnist(directory, monkeypatch):
    write_mnist(directory, monkeypatch, "FashionMNIST")


def idx_files():
    """The names and contents of MNIST's four files: the blue and green planes of `image`, with label = number % 10."""
    contents = {}
    for part, prefix, n in (("train", "train", N_TRAIN), ("test", "t10k", N_TEST)):
        pictures = np.stack([image(number, part, 28)[1:].max(0) for number in range(n)])
        labels = np.arange(n, dtype=np.uint8) % 10
        contents[f"{prefix}-images-idx3-ubyte"] = struct.pack(">IIII", 0x803, n, 28, 28) + pictures.tobytes()
        contents[f"{prefix}-labels-idx1-ubyte"] = struct.pack(">II", 0x801, n) + labels.tobytes()
    return contents


def expect_mnist(contents, monkeypatch, name="MNIST"):
    """Let the course and torchvision expect these files. Returns the archives {name: bytes} that a mirror would serve."""
    archives = {f"{file}.gz": gzip.compress(content, mtime=0) for file, content in contents.items()}
    monkeypatch.setitem(torchvision_files.UNPACKED, name, {file: md5(content) for file, content in contents.items()})
    monkeypatch.setattr(getattr(datasets, name), "resources", [(file, md5(content)) for file, content in archives.items()])
    return archives


def write_cifar10(directory, monkeypatch):
    """Five training batches, a test batch and the names of the classes, pickled as the published ones are."""
    folder = directory / datasets.CIFAR10.base_folder
    folder.mkdir(parents=True)
    batches = {f"data_batch_{b + 1}": ("train", range(b * N_TRAIN // 5, (b + 1) * N_TRAIN // 5)) for b in range(5)}
    sums = {}
    for file, (part, numbers) in (batches | {"test_batch": ("test", range(N_TEST))}).items():
        pictures = np.stack([image(number, part).reshape(-1) for number in numbers])
        content = pickle.dumps({"data": pictures, "labels": [number % 10 for number in numbers]})
        (folder / file).write_bytes(content)
        sums[file] = md5(content)
    meta = pickle.dumps({"label_names": list("abcdefghij")})
    (folder / "batches.meta").write_bytes(meta)
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [[file, sums[file]] for file in batches])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", datasets.CIFAR10.meta | {"md5": md5(meta)})


def md5(content):
    return hashlib.md5(content).hexdigest()
