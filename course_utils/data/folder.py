"""`folder:PATH`: your own images, PATH/CLASS/*.png|jpg or PATH/train/CLASS and PATH/test/CLASS, or a text file."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from course_utils.data.splits import split_rows, split_two_parts
from course_utils.data.text import text_file

SIZE = 32  # pixels to which an image is shrunk


def folder(sizes, seed, path):
    """The splits of an image folder or a text file."""
    path = Path(path).expanduser().resolve()
    if not path.exists():
        raise FileNotFoundError(f"no file or folder {path}: give an image folder or a text file as folder:PATH")
    return text_file(sizes, seed, path) if path.is_file() else _image_folder(sizes, seed, path)


def _image_folder(sizes, seed, path):
    from torchvision.datasets import ImageFolder

    if not ((path / "train").is_dir() and (path / "test").is_dir()):
        whole = ImageFolder(path)
        return [_read(whole, rows) for rows in split_rows(len(whole), sizes, seed, path)], whole.classes
    train, test = ImageFolder(path / "train"), ImageFolder(path / "test")
    if train.classes != test.classes:
        raise ValueError(f"{path}/train and {path}/test have different classes: {train.classes} and {test.classes}")
    rows = split_two_parts(len(train), len(test), sizes, seed, path)
    return [_read(part, r) for part, r in zip((train, train, test), rows, strict=True)], train.classes


def _read(part, rows):
    """The images (n, 3, SIZE, SIZE), uint8, and labels (n,) of some rows of an image folder."""
    samples = [part.samples[row] for row in rows.tolist()]
    return torch.as_tensor(np.stack([_read_image(path) for path, _ in samples])), torch.tensor([y for _, y in samples])


def _read_image(path):
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)).transpose(2, 0, 1)
    except OSError as error:
        raise OSError(f"{path} cannot be read as an image ({error}): mend or remove it") from None
