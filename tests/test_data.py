"""Data: nested splits that do not move, scaled by training rows, checked, cached safely, and clear about what is missing."""

import hashlib
import io
import os
import shutil
import socket
import urllib.request
from pathlib import Path
from urllib.error import URLError

import matplotlib
import numpy as np
import PIL
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from course_utils import doctor
from course_utils.data import (
    DATASETS,
    data_directory,
    embedded,
    grey_thumbnails,
    letters,
    letters_cache,
    load,
    load_other_letters,
)
from course_utils.data import splits as splitting
from course_utils.data.letters import FACES, draw_letters
from course_utils.data.text import cut_windows, encode
from tests import tiny_data

ROOT = Path(__file__).parents[1]
EMBEDDED = ["digits", "letters", "diabetes", "python_docs", "sine", "moons"]
SMALL = {"n_train": 25, "n_val": 8, "n_test": 10}
PARTS = ("train", "val", "test")


@pytest.fixture(params=EMBEDDED + tiny_data.SOURCES)
def name(request, tmp_path, monkeypatch):
    """Every data set of the course in turn, the real ones as tiny files."""
    return tiny_data.make(request.param, tmp_path, monkeypatch)


@pytest.fixture
def load_unscaled(monkeypatch):
    def unscaled(*arguments, **keywords):
        with monkeypatch.context() as patch:
            for module in (splitting, embedded):
                patch.setattr(module, "standardized", lambda parts: parts)
            return load(*arguments, **keywords)

    return unscaled


def same(pair, other, rows=slice(None)):
    return all(a.equal(b[rows]) for a, b in zip(pair, other, strict=True))


# -- splits and scaling --------------------------------------------------------------------------------------------------


def test_every_data_set_has_its_place_in_these_tests():
    covered = {kind.split("_in_")[0].replace("text_file", "folder") for kind in EMBEDDED + tiny_data.SOURCES}
    assert covered == set(DATASETS)


@pytest.mark.parametrize("seed", [0, 3])
def test_no_split_moves_another_and_more_rows_contain_the_fewer(name, seed, load_unscaled):
    base = load_unscaled(name, **SMALL, seed=seed)
    for part, size in zip(PARTS, SMALL.values(), strict=True):
        larger = load_unscaled(name, **(SMALL | {f"n_{part}": size + 9}), seed=seed)
        unmoved = {"train": ("val", "test"), "val": ("train", "test"), "test": ("train",)}[part]
        assert same(getattr(base, part), getattr(larger, part), slice(size))
        assert len(getattr(larger, part)[0]) == size + 9
        for other in unmoved:
            assert same(getattr(base, other), getattr(larger, other)), f"n_{part} moves {other}"


def test_splits_are_disjoint_and_change_with_the_seed(name, load_unscaled):
    splits, others = load_unscaled(name, **SMALL), load_unscaled(name, **SMALL, seed=1)
    rows = [{tuple(row) for row in x.flatten(1).tolist()} for x, _ in splits[:3]]
    assert [len(y) for _, y in splits[:3]] == list(SMALL.values())
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]
    assert not any(same(a, b) for a, b in zip(splits[:3], others[:3], strict=True))


def test_training_rows_alone_decide_the_scale(name, load_unscaled):
    unscaled, splits = load_unscaled(name, **SMALL), load(name, **SMALL)
    for pair, raw in zip(splits[:3], unscaled[:3], strict=True):
        for k in (0, 1) if name == "diabetes" else (0,):
            torch.testing.assert_close(pair[k], scaled(raw[k], unscaled.train[k]), rtol=1e-4, atol=1e-5)
        if name != "diabetes":
            assert pair[1].equal(raw[1])
            assert raw[1].dtype in (torch.int64, torch.float32)


def scaled(values, train):
    """By NumPy, channel by channel; codes of characters as they are."""
    if train.dtype == torch.int64:
        return values
    columns = np.moveaxis(train.double().numpy(), 1, 0).reshape(train.shape[1], -1)
    shape = (1, -1) + (1,) * (train.dim() - 2)
    spread = np.where(np.ptp(columns, 1) == 0, 1, columns.std(1))
    return torch.as_tensor((values.double().numpy() - columns.mean(1).reshape(shape)) / spread.reshape(shape)).float()


def test_one_training_example_gives_finite_numbers(name):
    splits = load(name, **(SMALL | {"n_train": 1}))
    assert all(t.isfinite().all() for pair in splits[:3] for t in pair)


def test_a_constant_feature_and_an_empty_channel_are_zero():
    features_ = torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 4.0]], dtype=torch.float64)
    images = torch.randint(256, (3, 3, 4, 4), dtype=torch.uint8)
    images[:, 1] = 0
    for x in (features_, images):
        (part,) = splitting.standardized([x])
        assert part.isfinite().all()
        assert part.double().std() > 0.1
    assert splitting.standardized([features_])[0][:, 0].abs().max() < 1e-6
    assert splitting.standardized([images])[0][:, 1].abs().max() == 0


@pytest.mark.parametrize("name", EMBEDDED)
def test_same_seed_same_data_whatever_the_threads(name):
    threads = torch.get_num_threads()
    first = load(name, **SMALL, seed=5)
    torch.set_num_threads(3 - min(threads, 2))
    try:
        again = load(name, **SMALL, seed=5)
    finally:
        torch.set_num_threads(threads)
    assert all(same(a, b) for a, b in zip(first[:3], again[:3], strict=True))


def test_digits_can_be_used_up_to_the_last_one():
    splits = load("digits", n_train=1797 - 2, n_val=1, n_test=1)
    assert len(splits.train[0]) == 1795
    with pytest.raises(ValueError, match="has 1797 examples"):
        load("digits", n_train=1797, n_val=1, n_test=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "digit"}, "unknown data set"),
        ({"name": "folder"}, "unknown data set"),
        ({"name": "digits:x"}, "unknown data set"),
        ({"name": "digits", "n_train": 0}, "positive integers"),
        ({"name": "digits", "n_train": True}, "positive integers"),
        ({"name": "digits", "n_test": 2.5}, "positive integers"),
        ({"name": "digits", "seed": -1}, "seed must be"),
        ({"name": "moons", "seed": 2**32}, "seed must be"),
        ({"name": "sine", "seed": None}, "seed must be"),
    ],
)
def test_bad_requests_say_what_to_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)


def test_embedded_data_use_no_network(monkeypatch):
    def forbidden(*arguments, **keywords):
        pytest.fail("used the network")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    for name in EMBEDDED:
        load(name, **SMALL)


def test_every_data_set_is_documented():
    table = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert [name for name in DATASETS if f"`{name}" not in table or f"`{name}" not in load.__doc__] == []


@pytest.mark.parametrize(("value", "place"), [("a/b", ROOT / "a/b"), ("", ROOT / "data/cache"), ("~/x", Path.home() / "x")])
def test_a_relative_data_directory_counts_from_the_project(value, place, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATA", value)
    assert data_directory() == place
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert data_directory() == tmp_path


# -- letters -------------------------------------------------------------------------------------------------------------


def test_train_val_and_test_letters_come_from_different_faces():
    faces = [set(FACES[part]) for part in PARTS]
    assert not faces[0] & faces[1]
    assert not faces[0] & faces[2]
    assert not faces[1] & faces[2]


def test_letters_are_the_same_pictures_everywhere():
    """Close to these numbers with any FreeType; with the versions that drew them first, the same to the last bit."""
    drawn = [draw_letters(20, split, 7) for split in FACES]
    images, labels = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    assert labels[::10].tolist() == [9, 7, 8, 6, 2, 0, 11, 13]
    assert images.mean() == pytest.approx(127.031, abs=0.3)
    assert images.std() == pytest.approx(67.383, abs=0.3)
    versions = PIL.__version__, features.version("freetype2"), np.__version__, matplotlib.__version__
    if versions == ("13.0.0", "2.14.3", "2.4.6", "3.11.2"):
        assert hashlib.sha256(images.tobytes()).hexdigest()[:16] == "757e724c7bb16afa"


def test_an_image_depends_on_its_number_only():
    few, many = draw_letters(2, "train", 3, start=7), draw_letters(9, "train", 3)
    assert np.array_equal(few[0], many[0][7:])
    assert np.array_equal(few[1], many[1][7:])


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """How many letters each call drew, in a data directory that is empty at first."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "cache"))
    calls = []

    def draw(n, split, seed, start=0):
        calls.append((n, start))
        return draw_letters(n, split, seed, start)

    monkeypatch.setattr(letters, "draw_letters", draw)
    return calls


def test_letters_are_drawn_once_and_more_of_them_extend_the_file(drawn):
    first = letters_cache.letters_of("train", 10, 0)
    again, more = letters_cache.letters_of("train", 10, 0), letters_cache.letters_of("train", 15, 0)
    fewer = letters_cache.letters_of("train", 4, 0)
    assert drawn == [(10, 0), (5, 10)]
    assert same(first, again)
    assert same(first, more, slice(10))
    assert same(fewer, first, slice(4))
    assert np.array_equal(more[0], draw_letters(15, "train", 0)[0])
    assert len(list(data_directory().iterdir())) == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "random", "one bit", "a folder"])
def test_damaged_letters_are_drawn_again(drawn, damage):
    first = letters_cache.letters_of("test", 10, 0)
    (path,) = data_directory().iterdir()
    content = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
        with pytest.warns(UserWarning, match="drawn anew each time"):
            assert same(first, letters_cache.letters_of("test", 10, 0))
        return
    flipped = content[:-1] + bytes([content[-1] ^ 1])
    damaged = {"truncated": content[:-90], "empty": b"", "random": np.random.default_rng(0).bytes(5000), "one bit": flipped}
    path.write_bytes(damaged[damage])
    assert same(first, letters_cache.letters_of("test", 10, 0))
    assert drawn == [(10, 0), (10, 0)]
    assert path.read_bytes() == content


def test_letters_of_another_drawing_code_are_not_used(drawn, monkeypatch, tmp_path):
    before = letters_cache.drawing_version()
    letters_cache.letters_of("train", 3, 0)
    changed = tmp_path / "letters.py"
    changed.write_text(Path(letters.__file__).read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    monkeypatch.setattr(letters, "__file__", str(changed))
    after = letters_cache.drawing_version.__wrapped__()
    assert before == letters_cache.drawing_version() != after
    monkeypatch.setattr(letters_cache, "drawing_version", lambda: after)
    letters_cache.letters_of("train", 3, 0)
    assert drawn == [(3, 0), (3, 0)]


def test_letters_need_no_place_to_be_stored(drawn, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file" / "below"))
    with pytest.warns(UserWarning, match="drawn anew each time") as warned:
        images, _ = letters_cache.letters_of("val", 3, 0)
    assert len(warned) == 1
    assert np.array_equal(images, draw_letters(3, "val", 0)[0])


def test_a_write_that_fails_leaves_nothing(drawn, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(UserWarning, match="No space left"):
        letters_cache.letters_of("val", 3, 0)
    assert list(data_directory().iterdir()) == []


def test_stored_letters_take_a_bounded_place(drawn, monkeypatch):
    monkeypatch.setattr(letters_cache, "LIMIT", 40_000)
    data_directory().mkdir()
    yours = data_directory() / "letters-to-my-aunt.bin"
    yours.write_bytes(bytes(50_000))
    for seed in range(5):
        letters_cache.letters_of("train", 5, seed)
    names = [path.name for path in data_directory().iterdir() if path != yours]
    assert sorted(names) == [f"letters-train-{seed}-{letters_cache.drawing_version()}.bin" for seed in (3, 4)]
    assert yours.exists()


def test_other_letters_are_scaled_by_the_training_letters():
    images = load_other_letters(20, n_train=30, seed=2)
    train, others = (torch.as_tensor(draw_letters(n, split, 2)[0]) for n, split in ((30, "train"), (20, "other")))
    torch.testing.assert_close(images, scaled(others, train), rtol=1e-4, atol=1e-5)
    assert load_other_letters(2, seed=2).shape == (2, 3, 32, 32)
    with pytest.raises(ValueError, match="positive integers"):
        load_other_letters(0)


# -- files of your own ---------------------------------------------------------------------------------------------------


def test_thumbnails_are_means_of_squares_scaled_one_by_one():
    images = torch.arange(2 * 3 * 4 * 6.0).view(2, 3, 4, 6).square()
    by_hand = torch.stack([images[0].mean(0)[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for i in range(2) for j in range(3)])
    small = grey_thumbnails(images)
    assert small.shape == (2, 1, 2, 3)
    assert torch.allclose(small[0].flatten(), (by_hand - by_hand.mean()) / by_hand.std())
    assert not grey_thumbnails(torch.ones(1, 3, 4, 4)).any()


def test_a_missing_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"no file or folder {tmp_path}/nothing"):
        load("folder:nothing")


def test_image_folders_of_your_own(tmp_path, load_unscaled):
    tiny_data.write_images(tmp_path, "train", 40)
    splits = load_unscaled(f"folder:{tmp_path}", n_train=20, n_val=10, n_test=10)
    assert splits.classes == ("cat", "dog")
    for x, y in splits[:3]:
        numbers = x[:, 2, 0, 0].long()
        assert (numbers % 2).equal(y)
        assert np.array_equal(x, np.stack([tiny_data.image(number, "train") for number in numbers]))
    with pytest.raises(ValueError, match="has 40 examples"):
        load(f"folder:{tmp_path}")


def test_a_folder_in_parts_is_tested_on_its_test_part(tmp_path, load_unscaled):
    name = tiny_data.make("folder_in_parts", tmp_path, None)
    splits = load_unscaled(name, n_train=40, n_val=20, n_test=30)
    assert [set(x[:, 2, 0, 1].tolist()) for x, _ in splits[:3]] == [{50}, {50}, {200}]
    assert set(torch.cat([splits.train[0], splits.val[0]])[:, 2, 0, 0].tolist()) == set(range(60))
    with pytest.raises(ValueError, match="the test part of .* has 30 examples"):
        load(name, n_train=40, n_val=20, n_test=31)
    shutil.rmtree(tmp_path / "test" / "dog")
    with pytest.raises(ValueError, match="different classes"):
        load(name, **SMALL)


def test_an_image_with_an_empty_channel_and_a_damaged_one(tmp_path):
    for number in range(3):
        picture = tiny_data.image(number, "train")
        picture[0] = 0
        path = tmp_path / "cat" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    splits = load(f"folder:{tmp_path}", n_train=1, n_val=1, n_test=1)
    assert all(x.isfinite().all() for x, _ in splits[:3])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(OSError, match=r"cat/2.png cannot be read as an image .*: mend or remove it"):
        load(f"folder:{tmp_path}", n_train=1, n_val=1, n_test=1)


def test_text_files_of_your_own(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("To be, or not to be. " * 100, encoding="utf-8")
    splits = load(f"folder:{path}", n_train=5, n_val=5, n_test=5)
    assert splits.train[0].shape == (5, 64)
    assert set(splits.classes) == set("To be, or not to be. ")
    path.write_text("short", encoding="utf-8")
    with pytest.raises(ValueError, match="65 or more are needed"):
        load(f"folder:{path}")
    path.write_bytes("naïve".encode("latin-1"))
    with pytest.raises(ValueError, match="text.txt is not a text in UTF-8"):
        load(f"folder:{path}")


def test_text_splits_come_from_separate_stretches(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a" * 800 + "b" * 100 + "c" * 100, encoding="utf-8")
    splits = load(f"folder:{path}", n_train=50, n_val=20, n_test=20)
    assert [{splits.classes[code] for code in x.unique()} for x, _ in splits[:3]] == [{"a"}, {"b"}, {"c"}]


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=70, max_size=200), st.integers(0, 100))
def test_windows_decode_to_pieces_of_the_text(text, seed):
    codes, characters = encode(text)
    x, y = cut_windows(codes, 3, seed)
    assert x[:, 1:].equal(y[:, :-1])
    for row, after in zip(x, y, strict=True):
        piece = "".join(characters[c] for c in row)
        assert piece + characters[after[-1]] in text


# -- what torchvision downloads ------------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch):
    def unreachable(*arguments, **keywords):
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)


DOWNLOADED = [("mnist", "digits"), ("fashion_mnist", "digits"), ("cifar10", "letters")]


@pytest.mark.parametrize("kind", [kind for kind, _ in DOWNLOADED])
def test_real_files_keep_their_parts_axes_and_labels(kind, tmp_path, monkeypatch, load_unscaled):
    splits = load_unscaled(tiny_data.make(kind, tmp_path, monkeypatch), n_train=40, n_val=20, n_test=30)
    channels, size, blue = (3, 32, 2) if kind == "cifar10" else (1, 28, 0)
    assert splits.train[0].shape == (40, channels, size, size)
    assert len(splits.classes) == 10
    for x, y in splits[:3]:
        numbers, part = x[:, blue, 0, 0], "test" if x is splits.test[0] else "train"
        expected = np.stack([tiny_data.image(number, part, size) for number in numbers.tolist()])
        assert np.array_equal(x, expected if channels == 3 else expected[:, 1:].max(1, keepdims=True))
        assert (numbers % 10).equal(y)


@pytest.mark.parametrize(("kind", "embedded_name"), DOWNLOADED)
def test_no_network_and_no_file_names_file_place_and_alternative(kind, embedded_name, tmp_path, monkeypatch, offline):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "here"))
    with pytest.raises(FileNotFoundError, match=f"embedded '{embedded_name}'") as error:
        load(kind)
    assert str(tmp_path / "here") in str(error.value)
    assert "COURSE_DATA" in str(error.value)
    assert "\n" not in str(error.value)
    assert "real ones found: none" in doctor._data()[1]


@pytest.mark.parametrize("kind", [kind for kind, _ in DOWNLOADED])
def test_doctor_finds_whole_data_only_and_damage_is_named(kind, tmp_path, monkeypatch, offline):
    tiny_data.make(kind, tmp_path, monkeypatch)
    assert doctor._data()[1].endswith(f"real ones found: {kind}")
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    content = files[0].read_bytes()
    files[0].write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "real ones found: none" in doctor._data()[1]
    with pytest.raises(OSError, match=f"{files[0].name} is damaged.*: delete it and load"):
        load(kind, **SMALL)
    assert files[0].exists()
    files[0].unlink()
    with pytest.raises(FileNotFoundError, match=f"{files[0].name} is missing"):
        load(kind, **SMALL)
    files[0].write_bytes(content)
    load(kind, **SMALL)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """MNIST's tiny archives behind `urlopen`, {name: bytes}; what a test changes there is what is served."""
    archives = tiny_data.expect_mnist(tiny_data.idx_files(), monkeypatch)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))

    class Response(io.BytesIO):
        length = None

        def __init__(self, url):
            super().__init__(archives[url.rpartition("/")[2]])
            self.url = url

    monkeypatch.setattr(urllib.request, "urlopen", lambda request: Response(request.full_url))
    return archives


def test_a_download_is_checked_and_taken_up_again(mirror, capfd):
    last = list(mirror)[-1]
    whole, mirror[last] = mirror[last], mirror[last][:-20]
    with pytest.raises(FileNotFoundError, match="could not be downloaded"):
        load("mnist", **SMALL)
    assert "found: none" in doctor._data()[1]
    mirror[last] = whole
    for name in list(mirror)[:-1]:
        del mirror[name]  # there already: not asked for again
    load("mnist", **SMALL)
    assert "found: mnist" in doctor._data()[1]


def test_archives_in_their_place_need_no_network(mirror, tmp_path, offline):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in mirror.items():
        (raw / name).write_bytes(content)
    assert load("mnist", **SMALL).train[0].shape == (25, 1, 28, 28)


def test_what_an_interrupted_download_leaves_is_removed(mirror, tmp_path, monkeypatch):
    def stop_halfway(self):
        path = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("torchvision.datasets.MNIST.download", stop_halfway)
        with pytest.raises(KeyboardInterrupt):
            load("mnist", **SMALL)
    load("mnist", **SMALL)


# -- the real ones, where they are on the machine -----------------------------------------------------------------------


def test_real_mnist(real_data, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(real_data))
    splits = load("mnist", n_train=500, n_val=100, n_test=200)
    assert splits.train[0].shape == (500, 1, 28, 28)
    assert len(splits.classes) == 10
    assert set(splits.test[1].tolist()) == set(range(10))


def test_real_cifar10_as_a_folder(real_data):
    splits = load(f"folder:{real_data}/cifar10", n_train=200, n_val=50, n_test=100)
    assert splits.train[0].shape == (200, 3, 32, 32)
    assert "airplane" in splits.classes


def test_real_text(real_data):
    splits = load(f"folder:{real_data}/tinyshakespeare.txt")
    assert splits.train[0].shape == (1000, 64)
    assert len(splits.classes) == 65
