"""Data: disjoint, deterministic, scaled by the training split, cached atomically, and clear about what is missing."""

import os
import urllib.request
from urllib.error import URLError

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_utils.data import SIZES, load, load_other_letters
from course_utils.data.letters import FACES, draw_letters
from course_utils.data.text import cut_windows, encode

EMBEDDED = ["digits", "letters", "diabetes", "python_docs", "sine", "moons"]
SMALL = {"n_train": 60, "n_val": 30, "n_test": 40}


@pytest.mark.parametrize("name", EMBEDDED)
def test_same_seed_same_data_whatever_the_threads(name):
    threads = torch.get_num_threads()
    first = load(name, **SMALL, seed=5)
    torch.set_num_threads(1)
    try:
        again = load(name, **SMALL, seed=5)
    finally:
        torch.set_num_threads(threads)
    other = load(name, **SMALL, seed=6)
    for part in ("train", "val", "test"):
        (x, y), (x_again, y_again) = getattr(first, part), getattr(again, part)
        assert x.equal(x_again)
        assert y.equal(y_again)
        assert not x.equal(getattr(other, part)[0])


@pytest.mark.parametrize("name", ["digits", "letters", "diabetes", "sine", "moons"])
def test_splits_are_disjoint_and_have_the_sizes_asked_for(name):
    splits = load(name, **SMALL)
    rows = [{tuple(r) for r in x.flatten(1).tolist()} for x, _ in splits[:3]]
    assert [len(x) for x, _ in splits[:3]] == list(SMALL.values())
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]


def test_text_splits_come_from_separate_stretches():
    splits = load("python_docs", n_train=50, n_val=50, n_test=50)
    windows = [{tuple(r) for r in x.tolist()} for x, _ in splits[:3]]
    assert not windows[0] & windows[1]
    assert not windows[0] & windows[2]
    x, y = splits.train
    assert x[:, 1:].equal(y[:, :-1])


@pytest.mark.parametrize("name", ["digits", "letters", "diabetes", "sine", "moons"])
def test_inputs_are_scaled_by_the_training_split(name):
    x = load(name, **SMALL).train[0].double()
    axes = (0, *range(2, x.dim()))
    torch.testing.assert_close(x.mean(axes), torch.zeros(x.shape[1]).double(), atol=1e-5, rtol=0)
    spread = x.std(axes)
    assert ((spread - 1).abs() < 1e-4).all()


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
        ({"name": "digits", "n_test": 2.5}, "positive integers"),
    ],
)
def test_bad_requests_say_what_to_do(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file or folder"):
        load(f"folder:{tmp_path}/nothing")


@pytest.mark.parametrize(("name", "embedded"), [("mnist", "digits"), ("fashion_mnist", "digits"), ("cifar10", "letters")])
def test_no_network_and_no_file_names_the_place_and_the_alternative(name, embedded, tmp_path, monkeypatch):
    def unreachable(*arguments, **keywords):
        raise URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "here"))
    with pytest.raises(FileNotFoundError, match=embedded) as error:
        load(name)
    assert str(tmp_path / "here") in str(error.value)
    assert "COURSE_DATA" in str(error.value)


def test_train_val_and_test_letters_come_from_different_faces():
    faces = [set(f) for f in FACES.values()]
    assert not faces[0] & faces[1]
    assert not faces[0] & faces[2]
    assert not faces[1] & faces[2]


def test_letters_do_not_depend_on_how_many_are_drawn():
    few, many = draw_letters(5, "train", 3), draw_letters(9, "train", 3)
    assert np.array_equal(few[0], many[0][:5])
    assert np.array_equal(few[1], many[1][:5])


def test_letters_are_cached_and_a_killed_write_leaves_no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    first = load("letters", **SMALL)
    assert len(list(tmp_path.glob("*.npz"))) == 3
    assert not list(tmp_path.glob("*.part"))
    monkeypatch.setattr("course_utils.data.draw_letters", lambda *a: pytest.fail("drew again in spite of the cache"))
    assert load("letters", **SMALL).train[0].equal(first.train[0])
    monkeypatch.undo()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "other"))
    monkeypatch.setattr("pathlib.Path.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        load("letters", **SMALL)
    assert not list((tmp_path / "other").glob("*.npz"))


def test_other_letters_are_other_letters():
    assert load_other_letters(20).shape == (20, 3, 32, 32)


def test_image_folders_of_your_own(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for i in range(20):
            Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(tmp_path / label / f"{i}.png")
    splits = load(f"folder:{tmp_path}", n_train=20, n_val=10, n_test=10)
    assert splits.train[0].shape == (20, 3, 32, 32)
    assert splits.classes == ("cat", "dog")
    with pytest.raises(ValueError, match="has 40 examples"):
        load(f"folder:{tmp_path}")


def test_text_files_of_your_own(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("To be, or not to be. " * 100, encoding="utf-8")
    splits = load(f"folder:{path}", n_train=5, n_val=5, n_test=5)
    assert splits.train[0].shape == (5, 64)
    assert set(splits.classes) == set("To be, or not to be. ")
    path.write_text("short", encoding="utf-8")
    with pytest.raises(ValueError, match="65 or more are needed"):
        load(f"folder:{path}")


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=70, max_size=200), st.integers(0, 100))
def test_windows_decode_to_pieces_of_the_text(text, seed):
    codes, characters = encode(text)
    x, y = cut_windows(codes, 3, seed)
    for row, after in zip(x, y, strict=True):
        piece = "".join(characters[c] for c in row)
        assert piece + characters[after[-1]] in text


def test_defaults_are_documented_for_every_data_set():
    table = (os.path.dirname(__file__)) + "/../data/README.md"
    with open(table, encoding="utf-8") as file:
        text = file.read()
    assert [name for name in SIZES if f"`{name}" not in text] == []


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
