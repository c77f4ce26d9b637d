"""`letters`: 32x32 colour images of ten letters, drawn from the font faces that come with matplotlib.

CIFAR-shaped, no download. The three splits use different faces, so validation and test ask for letters in faces never
trained on: a plain CNN overfits the training faces. "other" letters, of the rest of the alphabet in the test faces, serve
as out-of-distribution inputs.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS, OTHER_LETTERS = "ABCDEFGHIJ", "KLMNOPQRSTUVWXYZ"
FACES = {
    "train": ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "STIXGeneral", "cmss10", "cmr10"),
    "val": ("DejaVuSerif", "DejaVuSerif-BoldItalic", "DejaVuSansMono-Bold", "STIXGeneralBolIta", "cmti10", "cmtt10"),
    "test": ("DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSansMono-BoldOblique", "STIXGeneralItalic", "cmmi10", "cmb10"),
}  # fmt: skip
FACES["other"] = FACES["test"]
SIZE, DRAWN = 32, 48  # pixels of an image, pixels of the glyph before it is turned and scaled


def draw_letters(n, split, seed, start=0):
    """Draw images `start` to `start + n` of a split ("train", "val", "test" or "other"): uint8 array (n, 3, 32, 32), and
    labels (n,), the index of the letter. Each image has its random generator, so it depends on nothing but its number."""
    alphabet, faces = OTHER_LETTERS if split == "other" else LETTERS, FACES[split]
    images, labels = np.empty((n, 3, SIZE, SIZE), np.uint8), np.empty(n, np.int64)
    for i in range(n):
        rng = np.random.default_rng((seed, list(FACES).index(split), start + i))
        labels[i] = rng.integers(len(alphabet))
        images[i] = _draw(alphabet[labels[i]], faces[rng.integers(len(faces))], rng)
    return images, labels


def _draw(letter, face, rng):
    """One image (3, 32, 32): a turned, sheared, scaled glyph in one colour on a colour gradient, plus noise."""
    angle, shear, scale = rng.uniform(-0.25, 0.25), rng.uniform(-0.2, 0.2), rng.uniform(0.9, 1.4)
    cos, sin = np.cos(angle) / scale * DRAWN / SIZE, np.sin(angle) / scale * DRAWN / SIZE
    a, b, c, d = cos + shear * sin, sin, -sin + shear * cos, cos
    centre, (dx, dy) = DRAWN / 2, SIZE / 2 + rng.uniform(-2, 2, 2)
    matrix = (a, b, centre - a * dx - b * dy, c, d, centre - c * dx - d * dy)
    mask = _glyph(letter, face).transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    mask = np.asarray(mask, np.float32) / 255
    ink, paper_from, paper_to = _colours(rng)
    ramp = np.linspace(0, 1, SIZE, dtype=np.float32)
    ramp = ramp[:, None] if rng.random() < 0.5 else ramp[None, :]
    paper = paper_from[:, None, None] * (1 - ramp) + paper_to[:, None, None] * ramp
    image = paper * (1 - mask) + ink[:, None, None] * mask
    image = image + rng.normal(0, rng.uniform(0, 15), (3, SIZE, SIZE)).astype(np.float32)
    return image.clip(0, 255).astype(np.uint8)


def _colours(rng):
    """Ink and the two ends of the paper's gradient, RGB 0..255, ink at least 80 grey levels from both."""
    while True:
        colours = rng.uniform(0, 255, (50, 3, 3)).astype(np.float32)
        grey = colours.mean(2)
        fits = (abs(grey[:, :1] - grey[:, 1:]) > 80).all(1)
        if fits.any():
            return colours[fits.argmax()]


@cache
def _glyph(letter, face):
    """The letter, centred, white on black, as a DRAWN x DRAWN greyscale image."""
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf", face + ".ttf"), 36)
    image = Image.new("L", (DRAWN, DRAWN))
    ImageDraw.Draw(image).text((DRAWN / 2, DRAWN / 2), letter, 255, font, anchor="mm")
    return image
